import { frame } from "../../lib/base/frame.ts";
/**
 * What was found in other programs of the field, kind by kind, and what ferry
 * does where the same is tried with it. Tests elsewhere in this folder have the
 * number of an advisory in their names, too:
 *
 * - croc CVE-2023-43619, scp CVE-2019-6111, wget CVE-2010-2252 (a peer chooses
 *   names that programs look for), croc CVE-2023-43620 and scp CVE-2019-6109
 *   (escapes in names): `no_terminal_test.ts`, `consent_test.ts`
 * - rsync CVE-2024-12086 (telling what is there by its hash): `admitted_test.ts`
 * - rsync CVE-2024-12747 and CVE-2026-29518 (a link swapped in): `other_user_test.ts`,
 *   `../e2e/transfer/swapped_link_test.ts`
 * - croc CVE-2023-43616 (a file with the name of one that is there):
 *   `../e2e/transfer/tree_test.ts`
 * - croc CVE-2023-43617 and CVE-2023-43618 (a code, addresses in what leaves):
 *   `../e2e/security/security_test.ts`
 * - croc's unbounded rooms of 2026 (places that strangers take): `flood_test.ts`
 * - magic-wormhole's guesses at codes (attacks.md): `words_test.ts`
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import "../support/libraries.ts";
import { FieldWriter, Tag } from "../../lib/transfer/wire/fields.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { HostileReceiver } from "./support/hostile_receiver.ts";
import {
  DIRECTORY,
  FILE,
  HostileSender,
  MTIME,
} from "./support/hostile_sender.ts";
import { openReceiver, receiver, sender, transfer } from "./support/running.ts";
import { Terminal } from "./support/terminal.ts";
import type { Ferry } from "../support/ferry.ts";
import { freePort, listening, MemoryWatch } from "../support/process.ts";
import {
  inDirectory,
  inventory,
  makeFiles,
  namesIn,
  test,
} from "../support/fs.ts";
import { pause, until } from "../support/wait.ts";
import { testWith, TMUX } from "../support/needs.ts";

const encoder = new TextEncoder();
const EVIL = encoder.encode("evil");

/** A receiver of anyone's, with a directory and something beside it that nobody is to reach. */
async function victim(
  cwd: string,
  ...args: string[]
): Promise<Ferry & { port: number }> {
  makeFiles(cwd, { "outside/file": "not theirs" });
  return await openReceiver(cwd, ...args);
}

/** Asserts that an honest sender still gets in and is served. */
async function assertServes(cwd: string, port: number): Promise<void> {
  await Deno.writeTextFile(`${cwd}/honest`, "honest");
  const sent = sender(port, ["honest"], { cwd });
  assertEquals(await sent.status, 0, sent.stderr);
  assertEquals(await Deno.readTextFile(`${cwd}/dir/honest`), "honest");
}

/** Has a hostile sender do something to a receiver, which refuses it, stores nothing and goes on. */
async function refused(
  cwd: string,
  attack: (sending: HostileSender) => Promise<void>,
): Promise<void> {
  await using received = await victim(cwd);
  const outside = await inventory(`${cwd}/outside`);
  using memory = new MemoryWatch(received.pid);
  const sending = await HostileSender.connect(received.port);
  await attack(sending).catch(() => {});
  await sending.hears(FrameType.REFUSE).catch(() => {});
  const { complaint } = sending;
  assert(sending.ended || complaint !== undefined, "nobody objected");
  assert(!complaint?.includes("version-mismatch"), complaint);
  await sending.close();
  assertEquals(await inventory(`${cwd}/outside`), outside);
  assertEquals(namesIn(cwd), ["dir", "outside"]);
  const kept = namesIn(`${cwd}/dir`).filter((name) =>
    !name.endsWith(".ferry-part")
  );
  assertEquals(kept, []);
  assert(memory.growth < 32e6, `${memory.growth} more`);
  await assertServes(cwd, received.port);
}

const LEADING_OUT: [string, string][] = [
  ["../outside/new", "tar CVE-2016-6321, magic-wormhole CVE-2026-42448"],
  ["x/../../outside/new", "tar CVE-2016-6321: the prefix is cut too early"],
  ["/tmp/ferry-evil", "magic-wormhole 0.23: a missing basename()"],
  ["..", "scp CVE-2018-20685"],
  [".", "scp CVE-2018-20685"],
  ["", "scp CVE-2018-20685"],
  ["a\0b", "a name that the system cuts"],
  ["x".repeat(300), "a name that does not fit"],
];

/** What is refused. */
const ATTACKS: [string, (sending: HostileSender) => Promise<void>][] = [
  [
    "a link and then a directory of its name, in one tree (rsync CVE-2024-12087, wget CVE-2014-4877, node-tar CVE-2021-37701)",
    async (sending) => {
      await sending.tree();
      const link = { kind: "link", name: "d", mtime: MTIME } as const;
      await sending.entry({ ...link, target: "../../outside" });
      await sending.entry({ ...DIRECTORY, name: "d" });
      await sending.entry({ ...FILE, name: "new", size: 4 });
      await sending.say(FrameType.DATA, EVIL);
    },
  ],
  [
    "a digest of another length than a digest has (rsync CVE-2024-12084: a checksum's length of the peer's choice)",
    async (sending) => {
      await sending.tree();
      await sending.entry({ ...FILE, name: "x", size: 4 });
      await sending.say(FrameType.DATA, EVIL);
      await sending.say(FrameType.FILE_DIGEST, new Uint8Array(16_000));
    },
  ],
  [
    "a size that no disk has (tar and zip bombs, croc 2026: decompression limits)",
    async (sending) => {
      await sending.file("bomb", 2 ** 52);
      await sending.say(FrameType.DATA, new Uint8Array(1_000));
    },
  ],
  [
    "more content than a size that was said (tar: an entry that runs on)",
    async (sending) => {
      await sending.file("long", 10);
      await sending.say(FrameType.DATA, new Uint8Array(1_000));
    },
  ],
];
for (const [what, kind] of [["hard link", 4], ["device", 5], ["pipe", 6]]) {
  ATTACKS.push([
    `an entry that is a ${what} (tar, node-tar CVE-2026-26960)`,
    async (sending) => {
      await sending.tree();
      const fields = new FieldWriter().uint8(Tag.KIND, Number(kind));
      fields.bytes(Tag.NAME, encoder.encode("x")).time(MTIME);
      fields.int64(Tag.MODE, 0o644).int64(Tag.SIZE, 0);
      fields.bytes(Tag.TARGET, encoder.encode("../../outside/file"));
      await sending.say(FrameType.ENTRY, fields.finish());
    },
  ]);
}
for (const type of ["OFFER", "DATA", "ENTRY", "PACK", "END"] as const) {
  ATTACKS.push([
    `a frame ${type} that says it is 16 MB long, for which nothing is set aside (croc 2026: bound message allocation)`,
    async (sending) => {
      if (type !== "OFFER") await sending.tree();
      const header = Uint8Array.of(FrameType[type], 0xff, 0xff, 0xff);
      await sending.stream.write(header);
    },
  ]);
}
for (const [name, kind] of LEADING_OUT) {
  const shown = JSON.stringify(name.slice(0, 30));
  ATTACKS.push([`a file offered as ${shown} (${kind})`, async (sending) => {
    const offer = { kind: "file", names: [name], count: 1, size: 4 } as const;
    await sending.offer(offer);
    await sending.say(FrameType.DATA, EVIL);
  }], [
    `an entry ${shown} of a tree (${kind}; croc's zip slip, CVE-2023-43616 and 2026)`,
    async (sending) => {
      await sending.tree();
      await sending.entry({ ...FILE, name, size: 4 });
      await sending.say(FrameType.DATA, EVIL);
    },
  ]);
}
for (const [what, attack] of ATTACKS) {
  test(`refused is ${what}`, (cwd) => refused(cwd, attack));
}

test("names of Windows that lead out stay one name in the directory, or are refused (croc 2026: non-local paths on Windows)", async (cwd) => {
  await using received = await victim(cwd);
  const outside = await inventory(`${cwd}/outside`);
  for (const name of ["..\\outside\\new", "C:evil.exe", "x:hidden"]) {
    makeFiles(`${cwd}/from`, { [name]: "evil" });
    const options = { cwd: `${cwd}/from` };
    await sender(received.port, [`./${name}`], options).status;
  }
  assertEquals(await inventory(`${cwd}/outside`), outside);
  assertEquals(namesIn(cwd), ["dir", "from", "outside"]);
});

for (const force of [[], ["--force"]]) {
  test(`a link that an earlier transfer left is not written through by the next ${force} (rsync CVE-2024-12088, croc 2026: symlink parents)`, async (cwd) => {
    await using received = await victim(cwd, ...force);
    const outside = await inventory(`${cwd}/outside`);
    await Deno.mkdir(`${cwd}/one/t`, { recursive: true });
    await Deno.symlink("../../outside", `${cwd}/one/t/d`);
    await Deno.symlink("../outside", `${cwd}/one/top`);
    const first = sender(received.port, ["t", "top"], { cwd: `${cwd}/one` });
    assertEquals(await first.status, 0, first.stderr);
    makeFiles(`${cwd}/two`, { "t/d/file": "evil", "top/file": "evil" });
    for (const name of ["t", "top"]) {
      const next = sender(received.port, [name], { cwd: `${cwd}/two` });
      const status = await next.status;
      if (force.length === 0) assert(status !== 0, name);
    }
    assertEquals(await inventory(`${cwd}/outside`), outside);
  });
}

test("an archive stays an archive: nothing of it is unpacked (croc CVE-2023-43616)", async (cwd) => {
  await using received = await victim(cwd);
  const zip = Uint8Array.fromHex("504b0506" + "00".repeat(18));
  await Deno.writeFile(`${cwd}/a.zip`, zip);
  const sent = sender(received.port, ["a.zip"], { cwd });
  assertEquals(await sent.status, 0, sent.stderr);
  // The receiver tidies up after the sender has ended
  await until(() => namesIn(`${cwd}/dir`).join() === "a.zip", received);
  assertEquals(await Deno.readFile(`${cwd}/dir/a.zip`), zip);
});

test("what is said of files that are not there is zeros and nothing else (rsync CVE-2024-12085: memory that was never filled)", async (cwd) => {
  await using received = await victim(cwd);
  for (let attempt = 0; attempt < 2; attempt++) {
    const sending = await HostileSender.connect(received.port);
    await sending.tree(true);
    await sending.hears(FrameType.ACCEPT);
    if (attempt === 0) {
      // Something stays of it
      await sending.entry({ ...FILE, name: "a", size: 300_000 });
      await sending.say(FrameType.DATA, new Uint8Array(200_000));
      await pause(500);
    } else {
      await sending.entry({ ...FILE, name: "b", size: 10 });
      await sending.entry({ ...FILE, name: "c", size: 1_000_000 });
      await sending.say(FrameType.QUERY);
      const have = await sending.hears(FrameType.OFFSETS);
      assertEquals(have, new Uint8Array(16));
      await pause(300);
      const types = sending.heard.map(({ type }) => type);
      assert(!types.includes(FrameType.PREFIX_DIGESTS));
    }
    await sending.close();
    await pause(300);
  }
});

test("with -o the name is the receiver's, whatever the sender says (scp CVE-2019-6111)", async (cwd) => {
  const from = `${cwd}/from`;
  makeFiles(from, { ".bashrc": "evil" });
  await transfer(0, ["-o", "out"], [".bashrc"], { cwd, from });
  assertEquals(namesIn(cwd), ["from", "out"]);
});

test("a receiver that refuses with escapes and line ends in its words is shown in one clean line (scp CVE-2019-6110: the peer's standard error)", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "content");
  await using false_ = new HostileReceiver();
  const sent = sender(false_.port, ["in"], { cwd });
  const stream = await false_.stream;
  await false_.offer;
  const words =
    "no\x1b[2J\x1b[1;1H\r\nSent in, 7 B in 0.01 s\n\u202eevil\u200b" +
    "x".repeat(5_000);
  const fields = new FieldWriter().uint8(Tag.REASON, 0)
    .bytes(Tag.PATH, encoder.encode(words));
  await stream.write(frame(FrameType.REFUSE, fields.finish()));
  await stream.closeWrite();
  assertEquals(await sent.status, 3, sent.stderr);
  const said = sent.stderr.split("\n").filter((line) => /refused/.test(line));
  assertEquals(said.length, 1, sent.stderr);
  assert(!/^Sent in/m.test(sent.stderr), sent.stderr);
  assert(
    !/[^\n\P{Cc}]|\p{Cf}/u.test(sent.stderr),
    "it has control characters",
  );
  assert(sent.stderr.length < 1_000);
});

testWith(
  TMUX,
  "names of a tree leave a terminal alone while they are shown as progress (scp CVE-2019-6109, croc CVE-2023-43620)",
  () =>
    inDirectory(async (cwd) => {
      await Deno.mkdir(`${cwd}/tree`);
      await Deno.mkdir(`${cwd}/dir`);
      for (let i = 0; i < 4; i++) {
        const name = `${i}\x1b[2J\x1b]0;x\x07\u202e\u200b\x9b5n`;
        await Deno.writeFile(`${cwd}/tree/${name}`, new Uint8Array(200_000));
      }
      const port = freePort();
      await using terminal = await Terminal.ferry(
        ["receive", `${port}`, "-d", "dir", "--yes"],
        { cwd },
      );
      await listening("udp", port);
      const sent = sender(port, ["tree", "--rate", "4"], { cwd });
      assertEquals(await sent.status, 0, sent.stderr);
      assertEquals(await terminal.exit(), 0);
      const written = new TextDecoder().decode(await terminal.written());
      for (const evil of ["\x1b[2J", "\x1b]0;", "\x07", "\x9b", "\u202e"]) {
        assert(!written.includes(evil), JSON.stringify(evil));
      }
    }),
);

test("a code in the environment is not among the words of a process, and that is how ferry says to give it (croc CVE-2023-43621)", async (cwd) => {
  const env = { FERRY_CODE: "4711-walnut-copper-lagoon" };
  const received = await receiver(["-o", "out", "--code"], { cwd, env });
  const sent = sender(received.port, ["--code"], { cwd, env, input: true });
  await sent.listensForSignals();
  for (const { pid } of [received, sent]) {
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    assert(words.includes("--code") && !words.includes("walnut"), words);
  }
  await Promise.all([received.stop(), sent.stop()]);
  const made = await receiver(["-o", "new", "--code"], { cwd });
  const [, code] = await made.says(/FERRY_CODE=(\S+) ferry send/);
  assertMatch(code!, /^\d+(-\w+){3}$/);
  await made.stop();
});
