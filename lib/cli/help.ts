import config from "../../deno.json" with { type: "json" };
import type { Topic } from "./args.ts";

/** The version of ferry. */
export const VERSION = config.version;

const COMMON = `
  --timeout SECONDS  silence that ends a connection (30)
  --rate MBIT        send at no more than this many Mbit/s
  --congestion NAME  how the rate is found: bbr, or cubic as TCP does it (bbr)
  --bind ADDRESS     use this address of this machine
  --mtu BYTES        the largest IP packet, 1280 to 65535 (what the path takes)
  --code[=CODE]      let in, and send to, only who knows the code (FERRY_CODE)
  --plain            do not encrypt; both sides have to want that
  -v, --verbose      say at the end what limited the transfer
  --report FILE.svg  draw rate, RTT, window and what was sent again over time
  -q, --quiet        say nothing but errors
  --json             say everything as JSON, one event a line
  --trace            print a line for each datagram
  --help             print this
`;

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
is complete and verified. All is encrypted. --code without a CODE makes one up
and prints the command for the other side.

  -o FILE            save it as FILE (-: standard output)
  -d DIR             save it in DIR
  --force            replace a file that is there already
  --keep             take one transfer after another, several at once, into DIR
  --wait SECONDS     give up if nobody sends anything for so long
${COMMON.slice(1)}
For example:

  ferry receive > backup.img
  ferry receive 6000 -d ~/Downloads
${EXIT}`,

  send: `ferry send HOST [PORT] [PATH...] sends files, directories or a stream.

HOST is a name or an address; PORT is 5000 unless given. Without a PATH, or
where it is -, standard input is sent. A file whose name is a number needs its
directory: ./5000. It is done when the receiver has stored and verified it all.
All is encrypted. Where the receiver wants a code and none is given, ferry asks
for it. What broke goes on when both commands are given again.

  --resume           also for standard input: leave out what arrived before
${COMMON.slice(1)}
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
