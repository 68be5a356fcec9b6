import config from "../../../deno.json" with { type: "json" };
import type { Topic } from "./args.ts";
import { formsOf, type Option, optionsOf } from "./options.ts";

/** The version of ferry. */
export const VERSION = config.version;

/** Columns for an option and its value. */
const HELP_WIDTH = 17;

const EXIT = `
Exit status: 0 done; 1 the transfer failed; 2 bad usage or input; 3 the other
side refused; 130 interrupted.
`;

const TEXTS: Record<Topic, string> = {
  ferry: `ferry sends bytes from one machine to another over UDP.

  ferry receive [PORT] [-o FILE | -d DIR]   first, on the machine that gets them
  ferry send HOST [PORT] [PATH...]          then, on the machine that has them

For example:

  machine B$ ferry receive > backup.img
  machine A$ cat backup.img | ferry send machine-b

ferry send --help and ferry receive --help tell more, --version prints the
version, and ferry completions bash (or zsh, fish) what completes its words.
${EXIT}`,

  receive:
    `ferry receive [PORT] [-o FILE | -d DIR] takes one transfer and exits.

PORT is 5000 unless given. What arrives goes to standard output when that is not
a terminal and neither -o nor -d is given. Else it is saved under the name it is
sent with, in the current directory or in DIR. A file has its name only once it
is complete and verified. All is encrypted.

--code without a CODE makes one up and prints the command for the other side.
Without a code ferry shows what is offered, and asks before anything is saved.

${optionLines("receive")}

For example:

  ferry receive --code
  ferry receive --code 6000 -d ~/Downloads
  ferry receive > backup.img
${EXIT}`,

  send: `ferry send HOST [PORT] [PATH...] sends files, directories or a stream.

HOST is a name or an address; PORT is 5000 unless given. Without a PATH, or
where it is -, standard input is sent. A file whose name is a number needs its
directory: ./5000. It is done when the receiver has stored and verified it all.
All is encrypted. --code asks for the receiver's code first, and sends to nobody
who does not know it. Without a code ferry shows whom it has reached, and asks
before content leaves. What broke goes on when both commands are given again.

${optionLines("send")}

For example:

  ferry send machine-b photo.jpg
  ferry send machine-b photos/ notes.txt
  tar c photos | ferry send 192.0.2.7 6000
${EXIT}`,
};

/** What `--help` prints. */
export function helpText(topic: Topic): string {
  return TEXTS[topic];
}

function optionLines(command: "send" | "receive"): string {
  return optionsOf(command)
    .map((option) => `  ${usageOf(option).padEnd(HELP_WIDTH)}  ${option.help}`)
    .join("\n");
}

/** An option as it is explained: `-o FILE`, `--code[=CODE]`, `-v, --verbose`. */
function usageOf(option: Option): string {
  const { value, optional = false } = option;
  const forms = formsOf(option).join(", ");
  if (value === undefined) return forms;
  return optional ? `${forms}[=${value}]` : `${forms} ${value}`;
}
