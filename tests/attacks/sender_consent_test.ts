import { assert, assertEquals, assertMatch } from "@std/assert";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import "../support/libraries.ts";
import { Relay } from "../net/relay.ts";
import { HostileReceiver } from "./support/hostile_receiver.ts";
import { receiver, sender } from "./support/running.ts";
import { flowing, Terminal } from "./support/terminal.ts";
import { freePort, listening } from "../support/process.ts";
import { inDirectory, namesIn } from "../support/fs.ts";
import { pause } from "../support/wait.ts";
import { testWith, TMUX } from "../support/needs.ts";

const QUESTION = /\[y\/N\]/;

/** A test at a terminal, with something to send. */
function test(name: string, fn: (cwd: string) => Promise<void>): void {
  testWith(TMUX, name, () =>
    inDirectory(async (cwd) => {
      await Deno.writeTextFile(`${cwd}/secret`, "secret ".repeat(100_000));
      await fn(cwd);
    }));
}

/** `ferry send` at a terminal, to this port. */
function sending(port: number, cwd: string, columns = 80, ...args: string[]) {
  const command = ["send", "127.0.0.1", `${port}`, "secret", ...args];
  return Terminal.ferry(command, { cwd, columns });
}

for (const columns of [80, 40]) {
  test(`a sender without a code is shown address and words, and nothing of the content leaves before its yes, in ${columns} columns`, async (cwd) => {
    await using false_ = new HostileReceiver();
    await using terminal = await sending(false_.port, cwd, columns);
    const text = flowing(await terminal.shows(QUESTION));
    assertMatch(text, new RegExp(`127\\.0\\.0\\.1:${false_.port}`));
    const words = await false_.words;
    assert(text.includes(words!.join(" ")), text);
    await pause(1_000);
    assertEquals(false_.content, 0, "content left before the answer");
    await terminal.press("n", "Enter");
    assertEquals(await terminal.exit(20_000), 3);
    await pause(300);
    assertEquals(false_.content, 0, "content left after a no");
  });
}

test("after a yes the content goes to whoever is there", async (cwd) => {
  const received = await receiver(["-o", "out"], { cwd });
  await using terminal = await sending(received.port, cwd);
  await terminal.shows(QUESTION);
  await terminal.press("y", "Enter");
  assertEquals([await terminal.exit(), await received.status], [0, 0]);
});

test("after a no the sender ends at once, an honest receiver hears of it, and has nothing", async (cwd) => {
  const received = await receiver(["-o", "out"], { cwd });
  await using terminal = await sending(received.port, cwd);
  await terminal.shows(QUESTION);
  await terminal.press("n", "Enter");
  assertEquals(await terminal.exit(10_000), 3);
  assert(await received.status !== 0);
  assertEquals(namesIn(cwd), ["secret"]);
});

test("Ctrl-C at the sender's question ends it, and nothing has left", async (cwd) => {
  await using false_ = new HostileReceiver();
  await using terminal = await sending(false_.port, cwd);
  await terminal.shows(QUESTION);
  await terminal.press("C-c");
  assertEquals(await terminal.exit(), 130);
  assertEquals(false_.content, 0);
});

test("a receiver that leaves ends the sender's question", async (cwd) => {
  const false_ = new HostileReceiver();
  await using terminal = await sending(false_.port, cwd);
  await terminal.shows(QUESTION);
  await false_.close();
  assertEquals(await terminal.exit(), 1);
});

test("with --yes a sender is not asked", async (cwd) => {
  const received = await receiver(["-o", "out"], { cwd });
  await using terminal = await sending(received.port, cwd, 80, "--yes");
  assertEquals([await terminal.exit(), await received.status], [0, 0]);
  assert(!QUESTION.test(await terminal.screen()));
});

test("a sender that was told of a code gives nothing to a receiver that wants none, and is not asked to", async (cwd) => {
  await using false_ = new HostileReceiver();
  await using terminal = await sending(
    false_.port,
    cwd,
    80,
    "--code=17-walnut-copper-lagoon",
  );
  assert(await terminal.exit() !== 0);
  assertEquals(false_.frames, []);
});

test("a sender whose receiver says that it asks a person sends the offer alone before it has accepted", async (cwd) => {
  await using asking = new HostileReceiver(true);
  const sent = sender(asking.port, ["secret"], { cwd });
  const offer = await asking.offer;
  assertEquals(offer.names, ["secret"]);
  await pause(1_000);
  assertEquals(asking.content, 0);
  await asking.close();
  assert(await sent.status !== 0);
});

// T-1
test("a real receiver that asks gets nothing but the offer before its person's yes", async (cwd) => {
  const port = freePort();
  await using terminal = await Terminal.ferry(
    ["receive", `${port}`, "-d", "."],
    { cwd: await Deno.makeTempDir({ dir: cwd }) },
  );
  await listening("udp", port);
  let up = 0;
  await using relay = Relay.start({
    to: { hostname: "127.0.0.1", port },
    onDatagram: (datagram, direction) => {
      if (direction === "up") up += datagram.length;
    },
  });
  const sent = sender(relay.port, ["secret"], { cwd });
  await terminal.shows(QUESTION);
  await pause(1_000);
  assert(up < 20_000, `${up} bytes left before the answer`);
  await terminal.press("y", "Enter");
  assertEquals([await terminal.exit(), await sent.status], [0, 0]);
  assert(up > 700_000);
});

test("the frame that leaves first is the offer", async (cwd) => {
  await using false_ = new HostileReceiver();
  const sent = sender(false_.port, ["secret"], { cwd });
  await false_.offer;
  assertEquals(false_.frames[0]!.type, FrameType.OFFER);
  await false_.close();
  assert(await sent.status !== 0);
});
