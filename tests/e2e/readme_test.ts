import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseCommand } from "../../lib/cli/arguments/args.ts";
import { freePort, installed, listening } from "../support/process.ts";
import { COMMAND, Running } from "../support/ferry.ts";
import { inDirectory, writeRandomFile } from "../support/fs.ts";

const README = await Deno.readTextFile(
  new URL("../../README.md", import.meta.url),
);

/** Commands on two machines that belong together, in one block of the README or in two. */
interface Example {
  /** On a third machine. */
  readonly meet: string | undefined;
  readonly receive: string;
  readonly sends: readonly string[];
}

/** What of A's files has to be on B where, after the example that begins so. */
const RESULTS: Record<string, readonly [string, string][]> = {
  "ferry receive > dump.sql": [["dump.sql", "dump.sql"]],
  "ferry receive": [["holiday.mp4", "holiday.mp4"]],
  "ferry receive 7000 -o copy.mp4": [["holiday.mp4", "copy.mp4"]],
  "ferry receive --code -d ~/incoming": [
    ["photos", "incoming/photos"],
    ["notes.txt", "incoming/notes.txt"],
  ],
  "ferry receive | tar x": [["photos", "photos"]],
  "ferry receive --code": [["holiday.mp4", "holiday.mp4"]],
  "ferry receive --yes -d ~/incoming": [
    ["holiday.mp4", "incoming/holiday.mp4"],
  ],
  "ferry receive --meet vps.example --code": [["photo.raw", "photo.raw"]],
  "ferry receive --code --keep -d ~/incoming": [
    ["photos", "incoming/photos"],
    ["notes.txt", "incoming/notes.txt"],
  ],
  "ferry receive -o slow.mp4": [["holiday.mp4", "slow.mp4"]],
};
/** The code that the README shows; a receiver makes up another. */
const SHOWN_CODE = "17-walnut-copper-lagoon";
/** How blocks begin that show something else; other tests run most of them. */
const OTHER_BLOCKS = [
  "npx -y deno",
  "sudo ufw",
  "gh release download",
  "repository=$(gh",
  "deno install",
  "source <(ferry completions",
  "mkdir -p ~/.local/share/man",
  "systemctl --user",
  "machine A  ",
];

/** All blocks that are indented, or between fences. */
const blocks = [
  ...README.matchAll(/(?<=\n\n)(?: {4}.*\n(?:\n(?= {4}))?)+/g),
].map(([text]) => text.replaceAll(/^ {4}/gm, ""));

/** The commands of a block on one of the machines. */
function commandsOf(block: string, machine: "A" | "B" | "vps"): string[] {
  return [...block.matchAll(RegExp(`^${machine}\\$ (.*)$`, "gm"))]
    .map(([, command]) => command!);
}

const examples: Example[] = blocks.flatMap((block, i) => {
  const [receive] = commandsOf(block, "B");
  if (receive === undefined) return [];
  const here = commandsOf(block, "A");
  const sends = here.length > 0 ? here : commandsOf(blocks[i + 1]!, "A");
  const [meet] = commandsOf(block, "vps");
  return [{ meet, receive, sends }];
});

/**
 * A ferry for whom the README's hosts are this machine and its ports others,
 * which are free.
 */
const WRAPPER = `#!/bin/bash
command=$1
shift
host=()
if [[ $command == send && $1 == --near ]]; then
  exec COMMAND send "$@"
fi
if [[ $command == meet ]]; then
  exec COMMAND meet "$PORT_MEET"
fi
if [[ $1 == --meet ]]; then
  [[ $2 == vps.example ]] || exit 99
  port=()
  [[ $command == receive ]] && port=("$PORT_5000")
  exec COMMAND "$command" "\${port[@]}" --meet "127.0.0.1:$PORT_MEET" "\${@:3}"
fi
if [[ $command == send ]]; then
  [[ $1 == b.example || $1 == 192.0.2.7 ]] || exit 99
  host=(127.0.0.1)
  shift
fi
port=5000
if [[ $1 =~ ^[0-9]+$ ]]; then
  port=$1
  shift
fi
port=PORT_$port
exec COMMAND "$command" "\${host[@]}" "\${!port}" "$@"
`;

/** Makes the machines' directories: A has what is sent, B a place for it. */
async function makeMachines(path: string): Promise<void> {
  await Deno.mkdir(`${path}/A/photos/2026`, { recursive: true });
  await Deno.mkdir(`${path}/B/incoming`, { recursive: true });
  await Deno.mkdir(`${path}/bin`);
  for (const name of ["holiday.mp4", "photo.raw", "photos/2026/sea.raw"]) {
    await writeRandomFile(`${path}/A/${name}`, 300_000);
  }
  await Deno.writeTextFile(`${path}/A/notes.txt`, "Buy milk\n");
  await Deno.writeTextFile(`${path}/A/dump.sql`, "create table t();\n");
  await writeProgram(`${path}/bin/pg_dump`, "#!/bin/sh\ncat dump.sql\n");
  const command = COMMAND.map((word) => `'${word}'`).join(" ");
  const wrapper = WRAPPER.replaceAll("COMMAND", command);
  await writeProgram(`${path}/bin/ferry`, wrapper);
}

async function writeProgram(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
}

/** Where Deno keeps what it has downloaded: a home of the test's own has none. */
const DENO_DIR = Deno.env.get("DENO_DIR") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;

/** A command line in a terminal of its own, where a person says yes if asked. */
class Terminal extends Running {
  readonly #answered: Promise<void>;

  constructor(line: string, home: string, env: Record<string, string>) {
    super(["script", "-qefc", line, "/dev/null"], {
      shell: 'exec "$@" >&2',
      cwd: home,
      env: { DENO_DIR, ...env, HOME: home, SHELL: "/bin/bash", TERM: "xterm" },
      input: true,
    });
    this.#answered = this.says(/\[y\/N\] $/)
      .then(() => this.type("y\n"), () => {});
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#answered;
  }

  async type(text: string): Promise<void> {
    const writer = this.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }
}

async function runExample({ meet, receive, sends }: Example): Promise<void> {
  await inDirectory(async (path) => {
    await makeMachines(path);
    const ports = {
      PORT_5000: `${freePort()}`,
      PORT_7000: `${freePort()}`,
      PORT_MEET: `${freePort()}`,
    };
    const env = { ...ports, PATH: `${path}/bin:${Deno.env.get("PATH")}` };
    await using third = meet ? new Terminal(meet, path, env) : null;
    if (third !== null) await listening("udp", Number(ports.PORT_MEET));
    await using receiver = new Terminal(receive, `${path}/B`, env);
    const port = receive.includes("7000") ? ports.PORT_7000 : ports.PORT_5000;
    await listening("udp", Number(port));
    let code = SHOWN_CODE;
    if (sends[0]!.includes(code)) {
      code = (await receiver.says(/FERRY_CODE=(\S+) /))[1]!;
    }
    for (const send of sends) {
      const line = send.replace(SHOWN_CODE, code);
      await using sender = new Terminal(line, `${path}/A`, env);
      assertEquals(await sender.status, 0, sender.stderr);
    }
    const keeps = receive.includes("--keep");
    if (keeps) await receiver.type("\x03");
    assertEquals(await receiver.status, keeps ? 130 : 0, receiver.stderr);
    if (third !== null) {
      await third.type("\x03");
      assertEquals(await third.status, 0, third.stderr);
    }
    const results = RESULTS[receive];
    assert(results !== undefined, `Nothing is known of ${receive}`);
    for (const [from, to] of results) {
      const { code, stdout } = await new Deno.Command("diff", {
        args: ["-r", `A/${from}`, `B/${to}`],
        cwd: path,
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stdout));
    }
  });
}

Deno.test("every example of the README is known to this test", () => {
  assertEquals(
    [...new Set(examples.map(({ receive }) => receive))].toSorted(),
    Object.keys(RESULTS).toSorted(),
  );
  const others = blocks.filter((block) => !/^(A|B|vps)\$/.test(block))
    .filter((block) =>
      !OTHER_BLOCKS.some((start) => block.trimStart().startsWith(start))
    );
  assertEquals(others, []);
});

for (const example of examples) {
  Deno.test(`the README's example runs: ${example.receive}, ${example.sends[0]}`, () =>
    runExample(example));
}

Deno.test("the README's commands for completions are taken by their shells", async () => {
  const lines = blocks.find((block) => block.startsWith("source <(ferry"))!
    .trimEnd().split("\n");
  assertEquals(lines.length, 3);
  await inDirectory(async (path) => {
    await makeMachines(path);
    await using bash = new Terminal(`${lines[0]} && complete -p ferry`, path, {
      PATH: `${path}/bin:${Deno.env.get("PATH")}`,
      PORT_5000: "bash",
    });
    assertEquals(await bash.status, 0, bash.stderr);
    assert(bash.stderr.includes("_ferry ferry"), bash.stderr);
  });
});

Deno.test("the README installs with the permissions that the binary has", async () => {
  const compile = await Deno.readTextFile(
    new URL("../../.ci/compile", import.meta.url),
  );
  const permissions = (text: string) =>
    [...text.matchAll(/--allow-\S+/g)].map(([one]) => one).toSorted();
  const install = /deno install.*?main\.ts/s.exec(README);
  assertEquals(permissions(install![0]), permissions(compile));
});

Deno.test("the README's commands install the manual page where man finds it", async () => {
  const lines = blocks.find((block) => block.startsWith("mkdir -p ~/.local"))!;
  await inDirectory(async (path) => {
    await makeMachines(path);
    await using shell = new Terminal(lines.trim().replace("\n", " && "), path, {
      PATH: `${path}/bin:${Deno.env.get("PATH")}`,
      PORT_5000: "--man",
    });
    assertEquals(await shell.status, 0, shell.stderr);
    const page = `${path}/.local/share/man/man1/ferry.1`;
    assertMatch(await Deno.readTextFile(page), /^\.Dd .*\n\.Dt FERRY 1\n/);
  });
});

Deno.test("the README's unit runs a command line that ferry understands, and systemd finds nothing wrong", async () => {
  const unit = /```ini\n(.*?)```/s.exec(README)![1]!;
  const line = /^ExecStart=%h\/\.local\/bin\/ferry (.*)$/m.exec(unit)![1]!;
  const command = parseCommand(line.split(" "), { code: SHOWN_CODE });
  assertEquals(command.name === "receive" && command.keep, true);
  if (!await installed("systemd-analyze")) return;
  await inDirectory(async (path) => {
    const file = `${path}/ferry.service`;
    await Deno.writeTextFile(
      file,
      unit.replace(/ExecStart=\S+/, "ExecStart=/bin/true"),
    );
    const { code, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["verify", "--man=no", file],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  });
});

Deno.test("what the README links to in the repository is there", async () => {
  const links = [...README.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to!)
    .filter((to) => !to.startsWith("https:"));
  const headings = [...README.matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    `#${text!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")}`
  );
  assert(links.includes(".github/terminal.svg"));
  for (const link of links) {
    if (link.startsWith("#")) assert(headings.includes(link), link);
    else await Deno.stat(new URL(`../../${link}`, import.meta.url));
  }
});
