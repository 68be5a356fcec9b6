import config from "../../../deno.json" with { type: "json" };
import type { Topic } from "./args.ts";
import { type CommandName, optionsOf, usageOf } from "./options.ts";

export const VERSION = config.version;

const EXIT = `
Exit status: 0 done; 1 the transfer failed; 2 bad usage or input; 3 the other
side refused; 130 interrupted.
`;

// Made when they are asked for: a transfer begins sooner without them.
const TEXTS: Record<Exclude<Topic, "man">, () => string> = {
  ferry: () =>
    `ferry sends files from one machine to another, reliably, over UDP.

  ferry receive [PORT] [-o FILE | -d DIR]   first, where the files should go
  ferry send HOST [PORT] [PATH...]          then, where the files are

For example:

  machine B$ ferry receive --code
  machine A$ ferry send machine-b photos/ notes.txt

Where neither machine can be reached from the other, ferry meet on a third one
brings them together: ferry help meet tells how.

ferry help send and ferry help receive explain all options, ferry help --man
prints the manual page, ferry --version the version, and ferry completions bash
(or zsh, fish) a script that completes commands and options in the shell.
${EXIT}`,

  receive: () =>
    `ferry receive [PORT] [-o FILE | -d DIR] takes one transfer and exits.

PORT is 5000 unless given. What arrives is saved under the name it is sent with,
in the current directory or in DIR. If standard output is not a terminal, and
there is neither -o nor -d, it goes there. A file gets its name only when it is
complete and verified. Everything is encrypted.

--code without a CODE makes one up and prints the command for the other side. A
receiver with a code is also found on the local network: ferry send --near. To
be reached from outside, --map asks the router for its port (PCP, NAT-PMP).
Without a code ferry shows what is offered, and asks before anything is saved.

${optionLines("receive")}

For example:

  ferry receive --code
  ferry receive --code 6000 -d ~/Downloads
  ferry receive > backup.img
${EXIT}`,

  send: () =>
    `ferry send HOST [PORT] [PATH...] sends files, directories or a stream.
ferry send --near [PATH...] finds the receiver on the local network by its code.

HOST is a name or an address; PORT is 5000 unless given. Without a PATH, or with
- as the only one, standard input is sent. A file whose name is a number needs
its directory: ./5000. ferry is done when the receiver has stored and verified
everything. To resume what broke off, run both commands again.

Everything is encrypted. With --code, ferry asks for the receiver's code first
and sends only to a receiver that knows it. Without a code it shows which
address it has reached, and asks before any content leaves.

${optionLines("send")}

For example:

  ferry send machine-b photo.jpg
  ferry send --near photos/ notes.txt
  tar c photos | ferry send 192.0.2.7 6000
${EXIT}`,

  meet: () =>
    `ferry meet [PORT] brings senders and receivers together.

Run it on a host that both sides reach by UDP; PORT is 5050 unless given. It
gives each receiver that waits a number, and relays between the receiver and the
sender that has the code with this number until they have found a direct path to
each other, or all the time. What passes is encrypted: it sees addresses and
sizes. It runs until Ctrl-C or SIGTERM.

${optionLines("meet")}

For example:

  vps$ ferry meet
  B$   ferry receive --meet vps.example --code
  A$   FERRY_CODE=7-walnut-copper-lagoon ferry send --meet vps.example photo.raw

Exit status: 0 ended by a signal; 2 bad usage, or the port cannot be used.
`,
};

export function helpText(topic: Exclude<Topic, "man">): string {
  return TEXTS[topic]();
}

function optionLines(command: CommandName): string {
  const options = optionsOf(command);
  const width = Math.max(...options.map((option) => usageOf(option).length));
  return options
    .map((option) => `  ${usageOf(option).padEnd(width)}  ${option.help}`)
    .join("\n");
}
