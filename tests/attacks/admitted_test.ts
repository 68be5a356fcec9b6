import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { bytesOf, FILE, HostileSender } from "./support/hostile_sender.ts";
import { openReceiver, receiver, sender, stateOf } from "./support/running.ts";
import {
  filesWith,
  inventory,
  makeFiles,
  namesIn,
  test,
} from "../support/fs.ts";
import { FULL } from "../support/ferry.ts";
import { pause, until } from "../support/wait.ts";

const SILENT: [
  string,
  number,
  (sending: HostileSender, index: number) => Promise<void>,
][] = [
  [
    "agree and then say next to nothing",
    25_000,
    ({ stream }) => stream.write(Uint8Array.of(FrameType.OFFER)),
  ],
  [
    "make an offer and then send nothing",
    FULL ? 120_000 : 60_000,
    (sending, index) => sending.file(`silent${index}`, 1_000_000),
  ],
];
for (const [what, limit, say] of SILENT) {
  test(`strangers who ${what} do not keep the others out of --keep`, async (cwd) => {
    await Deno.writeTextFile(`${cwd}/in`, "honest");
    await using received = await openReceiver(cwd);
    const silent: HostileSender[] = [];
    for (let i = 0; i < 16; i++) {
      const one = await HostileSender.connect(received.port);
      await say(one, i);
      silent.push(one);
    }
    await pause(500);
    const deadline = performance.now() + limit;
    let status: number;
    do {
      status = await sender(received.port, ["in"], { cwd }).status;
    } while (status !== 0 && performance.now() < deadline);
    assertEquals(status, 0, "nobody else got in");
    for (const one of silent) await one.close();
  });
}

/** Somebody's file that is half there: what a stranger is to learn nothing of. */
async function halfThere(cwd: string): Promise<void> {
  await Deno.writeFile(`${cwd}/theirs`, bytesOf(20_000_000));
  await Deno.mkdir(`${cwd}/state`);
  const received = await receiver(["-d", "dir", "--yes", "--timeout", "2"], {
    cwd,
  });
  const env = stateOf(`${cwd}/state`);
  const args = ["theirs", "--rate", "80", "--timeout", "2"];
  const sent = sender(received.port, args, { cwd, env });
  await until(async () => {
    const there = await inventory(`${cwd}/dir`);
    return there.some((line) => Number(line.split(" ")[4]) > 4_000_000);
  });
  sent.kill();
  await Promise.all([sent.status, received.status]);
}

test("a stranger learns neither length nor hash of what another sender has left half done (rsync CVE-2024-12086)", async (cwd) => {
  await halfThere(cwd);
  const before = await inventory(`${cwd}/dir`);
  await using received = await openReceiver(cwd);
  const size = 20_000_000;
  await using stranger = await HostileSender.connect(received.port);
  await stranger.file("theirs", size, true);
  await stranger.hears(FrameType.ACCEPT);
  await pause(500);
  const told = stranger.heard.filter(({ type }) =>
    type === FrameType.OFFSETS || type === FrameType.PREFIX_DIGESTS
  );
  assertEquals(told.length, 0, "it was told of somebody else's");
  // To begin with nothing must not cut what is there
  await stranger.say(FrameType.DATA, Uint8Array.of(1));
  await pause(500);
  await stranger.close();
  await pause(500);
  const after = await inventory(`${cwd}/dir`);
  const large = (lines: string[]) =>
    lines.filter((line) => Number(line.split(" ")[4]) > 1_000_000);
  assertEquals(large(after), large(before));
});

test("the sender itself goes on with what a stranger meanwhile offered under its name", async (cwd) => {
  await halfThere(cwd);
  const received = await openReceiver(cwd);
  const stranger = await HostileSender.connect(received.port);
  await stranger.file("theirs", 1);
  await pause(300);
  await stranger.close();
  const env = stateOf(`${cwd}/state`);
  const sent = sender(received.port, ["theirs"], { cwd, env });
  assertEquals(await sent.status, 0, sent.stderr);
  assert(/Resuming at/.test(sent.stderr), sent.stderr);
  await received.stop();
  assertEquals(
    (await Deno.readFile(`${cwd}/dir/theirs`)).length,
    20_000_000,
  );
});

test("a small file of a stranger does not take the place of what is being received under that name", async (cwd) => {
  await Deno.writeFile(`${cwd}/running`, bytesOf(6_000_000));
  await using received = await openReceiver(cwd);
  const args = ["running", "--rate", "20"];
  const sent = sender(received.port, args, { cwd });
  await until(async () => (await inventory(`${cwd}/dir`)).length > 1);
  for (const name of ["running", "running.ferry-part"]) {
    makeFiles(`${cwd}/other`, { [name]: "small", zzz: "small, too" });
    // Of a tree, what is small goes another way than a single file
    const names = [name, "zzz"];
    const stranger = sender(received.port, names, { cwd: `${cwd}/other` });
    await stranger.status;
  }
  const status = await sent.status;
  const there = await Deno.readFile(`${cwd}/dir/running`);
  if (status === 0) {
    assertEquals(there, bytesOf(6_000_000));
  } else {
    // Who is complete first has the name; what the other sent is not lost
    assertEquals(new TextDecoder().decode(there), "small");
    assert(/there already/.test(sent.stderr), sent.stderr);
    const left = (await inventory(`${cwd}/dir`))
      .filter((line) => Number(line.split(" ")[4]) > 5_000_000);
    assertEquals(left.length, 1);
  }
});

test("whoever knows name, size and time of a file that is there is told nothing of its content, and changes nothing of it", async (cwd) => {
  makeFiles(cwd, { "dir/t/diary.txt": "PIN 1234\n" });
  const diary = `${cwd}/dir/t/diary.txt`;
  await Deno.chmod(diary, 0o600);
  await Deno.utime(diary, 1_700_000_000, 1_700_000_000);
  const before = await inventory(`${cwd}/dir/t`);
  await using received = await openReceiver(cwd);
  const entry = { ...FILE, name: "diary.txt", size: 9, mode: 0o666 };
  for (let attempt = 0; attempt < 2; attempt++) {
    const sending = await HostileSender.connect(received.port);
    await sending.tree(true);
    await sending.entry(entry);
    await sending.say(FrameType.QUERY);
    await sending.say(FrameType.RESUME_AT, new Uint8Array(8));
    await pause(700);
    const told = sending.heard.some(({ type }) =>
      type === FrameType.PREFIX_DIGESTS
    );
    assert(!told, "its hash was told");
    await sending.close();
    await pause(300);
  }
  assertEquals(await inventory(`${cwd}/dir/t`), before);
  assertEquals(await filesWith(`${cwd}/dir`, "PIN 1234"), [diary]);
  assert(namesIn(`${cwd}/dir`).includes("t"));
});
