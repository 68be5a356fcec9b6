import { VCS_PATTERNS } from "../../../lib/transfer/files/reading/exclusion.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/cli/messages.ts";
import { parseCommand } from "../../../lib/cli/arguments/args.ts";

/** Takes a command line apart at its spaces. */
function parse(line: string) {
  return parseCommand(line.split(" ").filter((word) => word !== ""));
}

const ENCRYPTED = { mode: "encrypted" };
const CODE = { mode: "code" };
/** Commands without anything that need not be said. */
const PLAINEST = {
  receive: { name: "receive", port: 5000, security: ENCRYPTED },
  send: {
    name: "send",
    host: "host",
    port: 5000,
    paths: [],
    exclude: [],
    security: ENCRYPTED,
  },
  meet: { name: "meet", port: 5050 },
};
/** A receiver that is looked for. */
const FOUND = { host: undefined, security: CODE };
const NEAR = { ...FOUND, near: true };
const MEET = { host: "vps.example", port: 5050 };

/** What each asks for, but for what most ask for. */
const COMMANDS: [string, object][] = [
  ["receive", {}],
  ["receive 6000", { port: 6000 }],
  ["receive -o x --force", { output: "x", force: true }],
  ["receive -o=x", { output: "x" }],
  ["receive -ox -qv", { output: "x", quiet: true, verbose: true }],
  ["receive -o -", { output: "-" }],
  ["receive 1 -d dir", { port: 1, dir: "dir" }],
  ["receive --keep -d dir", { keep: true, dir: "dir" }],
  ["receive --keep", { keep: true, dir: "." }],
  ["receive --keep --wait 5", { keep: true, dir: ".", wait: 5000 }],
  ["receive --output x -f", { output: "x", force: true }],
  ["receive --dir=x", { dir: "x" }],
  ["receive --directory x", { dir: "x" }],
  ["receive -p 6000", { port: 6000 }],
  ["receive --map", { map: true }],
  ["receive --wait 2.5", { wait: 2500 }],
  ["receive --wait 30m", { wait: 1_800_000 }],
  ["receive --wait 1.5h", { wait: 5_400_000 }],
  ["receive --wait 10s --timeout 2m", { wait: 10_000, timeout: 120_000 }],
  ["send host --wait 3", { wait: 3000 }],
  ["send host --port 6000 7000x", { port: 6000, paths: ["7000x"] }],
  ["send host --rate 10M", { rate: 1_250_000 }],
  ["send host --rate 10Mbit/s", { rate: 1_250_000 }],
  ["send host --rate 500k", { rate: 62_500 }],
  ["send host --rate 1G", { rate: 125_000_000 }],
  ["send host --rate 10MB/s", { rate: 10_000_000 }],
  ["send --near", NEAR],
  ["send --near 7000 a", { ...NEAR, paths: ["7000", "a"] }],
  ["--near send - --code=a", {
    ...NEAR,
    code: "a",
    security: { mode: "code", code: "a" },
  }],
  ["send host", {}],
  ["send host -", {}],
  ["send host 6000", { port: 6000 }],
  ["send host 6000 -", { port: 6000 }],
  ["send host file", { paths: ["file"] }],
  ["send host a b/ 7000", { paths: ["a", "b/", "7000"] }],
  ["receive --rename", { rename: true }],
  ["send host --resume", { resume: true }],
  ["send host d --exclude *.log --exclude=!a.log --exclude=-x", {
    paths: ["d"],
    exclude: ["*.log", "!a.log", "-x"],
  }],
  ["send host --exclude !.gitignore --exclude-vcs", {
    exclude: [...VCS_PATTERNS, "!.gitignore"],
    "exclude-vcs": true,
  }],
  ["send host 6000 7000", { port: 6000, paths: ["7000"] }],
  ["send host ./5000", { paths: ["./5000"] }],
  ["send host 5000.txt", { paths: ["5000.txt"] }],
  ["send host -- --trace=x", { paths: ["--trace=x"] }],
  ["send host -- -odd", { paths: ["-odd"] }],
  ["send [::1] 6000", { host: "::1", port: 6000 }],
  ["send ::1", { host: "::1" }],
  ["send fe80::1%eth0 x", { host: "fe80::1%eth0", paths: ["x"] }],
  ["send host -v --report a.svg", { verbose: true, report: "a.svg" }],
  ["send 192.0.2.1", { host: "192.0.2.1" }],
  ["-q send host", { quiet: true }],
  ["send host --quiet --json --trace", {
    quiet: true,
    json: true,
    trace: true,
  }],
  ["send host --timeout 2 --bind [::1] --mtu=9000 --rate 100", {
    timeout: 2000,
    bind: "::1",
    mtu: 9000,
    rate: 12_500_000,
  }],
  ["send host --yes", { yes: true }],
  ["receive --yes", { yes: true }],
  ["send host --congestion cubic", { congestion: "cubic" }],
  ["receive --congestion=bbr", { congestion: "bbr" }],
  ["receive --plain", { plain: true, security: { mode: "plain" } }],
  ["send host --code", { security: CODE }],
  ["receive --code 6000", { port: 6000, security: CODE }],
  ["send host --code=7-Walnut_Copper-lagoon", {
    code: "7-Walnut_Copper-lagoon",
    security: { mode: "code", code: "7-walnut-copper-lagoon" },
  }],
  ["--code=a send host --code=b", {
    code: "b",
    security: { mode: "code", code: "b" },
  }],
  ["--help", { name: "help", topic: "ferry" }],
  ["help", { name: "help", topic: "ferry" }],
  ["help send", { name: "help", topic: "send" }],
  ["send --help", { name: "help", topic: "send" }],
  ["send -h host", { name: "help", topic: "send" }],
  ["receive 5000 --help", { name: "help", topic: "receive" }],
  ["--version", { name: "version" }],
  ["receive --meet vps.example --code", { security: CODE, meet: MEET }],
  [
    "send --meet [2001:db8::1]:6000 --token x --code=7-a-b-c photo.raw 5000",
    {
      ...FOUND,
      paths: ["photo.raw", "5000"],
      token: "x",
      code: "7-a-b-c",
      security: { mode: "code", code: "7-a-b-c" },
      meet: { host: "2001:db8::1", port: 6000, token: "x" },
    },
  ],
  ["send --meet vps.example", { ...FOUND, meet: MEET }],
  ["meet", {}],
  [
    "meet 6000 --token x --relay-rate 8 --no-relay --places 3 --pairs 4 --joins 5 --json -q --bind [::1]",
    {
      port: 6000,
      bind: "::1",
      token: "x",
      "relay-rate": 1_000_000,
      "no-relay": true,
      places: 3,
      pairs: 4,
      joins: 5,
      json: true,
      quiet: true,
    },
  ],
  ["help meet", { name: "help", topic: "meet" }],
  ["help --man", { name: "help", topic: "man" }],
];
for (const [line, changes] of COMMANDS) {
  Deno.test(`ferry ${line} is understood`, () => {
    const command = parse(line);
    const plainest = "port" in command ? PLAINEST[command.name] : {};
    const wanted = { ...plainest, ...changes };
    assertEquals(defined(command), defined(wanted));
  });
}

/** Leaves out fields that are undefined. */
function defined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** What is said of each, but for where to read more. */
const MISTAKES: [string, string][] = [
  [
    "",
    "Nothing to do: ferry receive [PORT] waits for files, and ferry send HOST PATH... sends them",
  ],
  ["sned host", "Unknown command sned: did you mean send?"],
  ["recieve", "Unknown command recieve: did you mean receive?"],
  ["upload host", "Unknown command upload: there are send, receive and meet"],
  ["send", "The HOST to send to is missing: ferry send HOST [PATH...]"],
  [
    "send me@host x",
    'Unexpected "me@": ferry does not log in, and the HOST has no user: ferry send host',
  ],
  [
    "send --code 13-bubble-fossil host file",
    "The code follows --code directly: --code=13-bubble-fossil",
  ],
  [
    "send --near --code 13-bubble-fossil file",
    "The code follows --code directly: --code=13-bubble-fossil",
  ],
  [
    "send --near --port 6000 file",
    "--near finds the port, too: leave --port out",
  ],
  [
    "send --near --plain file",
    "--near and --meet need a code, and a code encryption: leave --plain out",
  ],
  ["send host --map", "--map is for ferry receive"],
  ["receive --near", "--near is for ferry send"],
  ["send host 5000 -p 6000", "The port is given twice: 5000 and 6000"],
  ["send host --man", "--man is for ferry help"],
  ["send host a -", "Standard input cannot be sent together with files"],
  ["send host 0", 'PORT takes a whole number from 1 to 65535, not "0"'],
  ["send host 65536", 'PORT takes a whole number from 1 to 65535, not "65536"'],
  ["send host:5000", "The port is a separate word: ferry send host 5000"],
  ["send [::1]:5000 x", "The port is a separate word: ferry send [::1] 5000"],
  ["send a/b", '"a/b" is not a host name'],
  ["send host --force", "--force is for ferry receive"],
  ["send host -o x", "--output is for ferry receive"],
  ["send host --verbos", "Unknown option --verbos: did you mean --verbose?"],
  ["receive --frce=1", "Unknown option --frce: did you mean --force?"],
  ["send host -x", "Unknown option -x"],
  ["send host --no-quiet", "Unknown option --no-quiet: did you mean --quiet?"],
  ["--nonsense", "Unknown option --nonsense"],
  [
    "receive five",
    "Unexpected argument five: ferry receive takes a port; to save in a directory, use -d DIR, and as a file, -o FILE",
  ],
  ["receive 0", 'PORT takes a whole number from 1 to 65535, not "0"'],
  ["receive 5000 6000", "Unexpected argument 6000: receive takes one port"],
  ["receive -o a -d b", "Give either -o FILE or -d DIR, not both"],
  [
    "receive --keep -o x",
    "--keep takes several transfers, which -o FILE has no room for: use -d DIR",
  ],
  [
    "receive --keep -d x --report a.svg",
    "--report draws a single transfer and cannot be used with --keep",
  ],
  [
    "receive --keep --meet vps.example --code",
    "--meet brings one sender to each code, so it cannot be used with --keep",
  ],
  [
    "receive --meet vps.example",
    "With --meet both sides need a code: give --code to the receiver, and its code to the sender",
  ],
  [
    "send --meet vps.example --plain file",
    "--near and --meet need a code, and a code encryption: leave --plain out",
  ],
  [
    "send --meet vps.example --port 5000 file",
    "With --meet there is no port to send to",
  ],
  [
    "send --meet vps.example:70000 file",
    'The port of --meet takes a whole number from 1 to 65535, not "70000"',
  ],
  ["meet 5000 6000", "Unexpected argument 6000: meet takes one port"],
  ["meet --rate 5", "--rate is for ferry send and receive"],
  ["send host --places 5", "--places is for ferry meet"],
  ["send host --keep", "--keep is for ferry receive"],
  ["receive -o", "-o needs a value"],
  ["receive -d --force", "-d needs a value"],
  ["receive --wait 0", '--wait takes seconds from 0.1 to 2000000, not "0"'],
  ["receive --timeout", "--timeout needs a value"],
  [
    "receive --timeout 1e3",
    '--timeout takes seconds from 0.1 to 2000000, not "1e3"',
  ],
  [
    "receive --mtu 1279",
    '--mtu takes whole bytes from 1280 to 65535, not "1279"',
  ],
  [
    "receive --mtu 1500.5",
    '--mtu takes whole bytes from 1280 to 65535, not "1500.5"',
  ],
  [
    "send host --rate fast",
    '--rate takes Mbit/s from 0.01 to 1000000, not "fast"',
  ],
  [
    "send host --congestion vegas",
    '--congestion takes bbr or cubic, not "vegas"',
  ],
  [
    "receive --congestion toString",
    '--congestion takes bbr or cubic, not "toString"',
  ],
  [
    "receive --plain --code=x",
    "A code needs encryption: give either --plain or a code (--code, FERRY_CODE), not both",
  ],
  ["receive --code=", "The code is empty"],
  ["receive --codes", "Unknown option --codes: did you mean --code?"],
  ["send host --timeout=", "--timeout needs a value"],
  ["send host --trace=x", "--trace takes no value"],
  ["receive -q=no", "-q takes no value"],
  ["receive --o x", "Unknown option --o"],
  ["send host --_=x", "Unknown option --_"],
  ["receive -q_", "Unknown option -_"],
  ["send 5000 file", "The HOST is missing before 5000: ferry send HOST 5000"],
];
for (const [line, message] of MISTAKES) {
  Deno.test(`ferry ${line} is a mistake that is named in one line`, () => {
    const failure = assertThrows(() => parse(line), UsageError);
    const command = line.match(/^(send|receive|meet)\b/)?.slice(0, 1) ?? [];
    const help = ["ferry", ...command, "--help"].join(" ");
    const more = message.endsWith("?") ? ` See ${help}` : `; see ${help}`;
    assertEquals(failure.message, message + more);
  });
}

/** Words of which one is empty, and what is said of it. */
const EMPTY: [string[], string][] = [
  [["send", "host", ""], "must not be empty"],
  [["send", ""], '"" is not a host name'],
  [["receive", "--bind", ""], "--bind needs a value"],
  [["send", "host", "--bind", ""], "--bind needs a value"],
];
for (const [words, message] of EMPTY) {
  Deno.test(`ferry ${words.join(" ")}"" is a mistake of what is empty`, () => {
    assertThrows(() => parseCommand(words), UsageError, message);
  });
}

Deno.test("the environment's code stands in where none is named", () => {
  const codeOf = (line: string) => {
    const command = parseCommand(line.split(" "), { code: "From-Outside" });
    return command.name === "send" ? command.security : undefined;
  };
  const code = (code: string) => ({ mode: "code", code });
  assertEquals<unknown>(codeOf("send host"), code("from-outside"));
  assertEquals<unknown>(codeOf("send host --code"), code("from-outside"));
  assertEquals<unknown>(codeOf("send host --code=x"), code("x"));
  const plain = () => parseCommand(["send", "host", "--plain"], { code: "x" });
  assertThrows(plain, UsageError, "either --plain or a code");
});

Deno.test("a mistake in a code does not show the code", () => {
  const words = ["receive", `--code=${"x".repeat(300)}`];
  const failure = assertThrows(() => parseCommand(words), UsageError);
  assert(!failure.message.includes("xxx"), failure.message);
});
