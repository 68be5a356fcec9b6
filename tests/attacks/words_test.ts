import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import type { Channel } from "../../lib/endpoint/channel.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import { ClientHandshake } from "../../lib/secure/handshake/handshake.ts";
import { readMessage } from "../../lib/secure/handshake/message_reader.ts";
import { RecordType } from "../../lib/secure/handshake/messages.ts";
import { prepare } from "../../lib/secure/secure_channel.ts";
import { HostileSender } from "./support/hostile_sender.ts";
import { receiver, sender } from "./support/running.ts";
import { Terminal } from "./support/terminal.ts";
import { freePort, listening } from "../support/process.ts";
import { FULL } from "../support/ferry.ts";
import { inDirectory, test } from "../support/fs.ts";
import { pause } from "../support/wait.ts";
import { testWith, TMUX } from "../support/needs.ts";
import { connect } from "../endpoint/connect.ts";

const OPTIONS = { hostname: "127.0.0.1", port: 0, timeout: 10_000 };
/** Handshakes that a receiver takes before it slows down. */
const FREE = 8;

/** Somebody in the middle, who is the client towards the receiver. */
class Grinder {
  readonly endpoint = Endpoint.listen(OPTIONS);

  constructor(readonly port: number) {}

  /**
   * One try: until the receiver has told what decides the words; then it leaves.
   *
   * @returns whether it came so far
   */
  async try(limit = 20_000): Promise<boolean> {
    const secrets = await prepare({ mode: "encrypted" });
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    const handshake = new ClientHandshake(secrets, nonce);
    const channel = await connect(this.endpoint, this.port);
    const timer = setTimeout(() => channel.abort(new Error("late")), limit);
    try {
      await talkUntilWords(channel, handshake);
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      channel.abort(new Error("left"));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.endpoint.close();
  }
}

async function talkUntilWords(
  channel: Channel,
  handshake: ClientHandshake,
): Promise<void> {
  await channel.write(handshake.hello);
  const hello = await readMessage(channel, RecordType.HELLO);
  const { proof } = handshake.receiveHello(hello);
  await channel.write(proof!.finished);
  proof!.receiveFinished(await readMessage(channel, RecordType.FINISHED));
}

// S-6, S-7
test("trying for session words is told to the person, and becomes slow after the first few", async (cwd) => {
  await using received = await receiver(["-o", "out"], { cwd });
  await using grinder = new Grinder(received.port);
  const times: number[] = [];
  const tries = FREE + (FULL ? 8 : 4);
  for (let i = 0; i < tries; i++) {
    await grinder.try();
    times.push(performance.now());
  }
  // What a timer guarantees: it never fires early
  const slow = times.at(-1)! - times[FREE]!;
  const least = 0.8 * 1_000 * (tries - 1 - FREE);
  assert(slow >= least, `${tries - 1 - FREE} more tries in ${slow} ms`);
  await received.says(/tr(y|ied|ies)|words|left|was not let in/);
});

test("trying for words many at a time is no faster", async (cwd) => {
  await using received = await receiver(["-o", "out"], { cwd });
  let successes = 0;
  const begin = performance.now();
  const over = begin + 8_000;
  const grind = async () => {
    await using grinder = new Grinder(received.port);
    while (performance.now() < over) {
      if (await grinder.try(8_000)) successes++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, grind));
  // The first few, and one a second
  const seconds = (performance.now() - begin) / 1000;
  assert(
    successes <= FREE + seconds + 4,
    `${successes} tries in ${seconds} s`,
  );
  await received.says(/tr(y|ied|ies)|words|left|was not let in/);
});

testWith(
  TMUX,
  "trying for words by offers that are gone before there is an answer is no faster",
  () =>
    inDirectory(async (cwd) => {
      const port = freePort();
      const args = ["receive", `${port}`, "--quiet"];
      await using terminal = await Terminal.ferry(args, { cwd });
      await listening("udp", port);
      // Behind this one no other is shown
      await using first = await HostileSender.connect(port);
      await first.file("first", 5);
      await terminal.shows(/\[y\/N\]/);
      let successes = 0;
      const begin = performance.now();
      const over = begin + 6_000;
      while (performance.now() < over) {
        await using next = await HostileSender.connect(port);
        await next.words;
        successes++;
        await next.file("next", 5);
        await pause(10);
      }
      const seconds = (performance.now() - begin) / 1000;
      assert(successes <= FREE + seconds + 2, `${successes} in ${seconds} s`);
    }),
);

test("an honest sender gets in while somebody tries for words, and its words are the receiver's", async (cwd) => {
  await Deno.writeTextFile(`${cwd}/in`, "honest");
  const received = await receiver(["-o", "out"], { cwd });
  const grinder = new Grinder(received.port);
  let over = false;
  const grinding = (async () => {
    while (!over) {
      await grinder.try(3_000);
      await pause(10);
    }
  })();
  await pause(1_000);
  const deadline = performance.now() + 40_000;
  let sent;
  do {
    sent = sender(received.port, ["in"], { cwd });
  } while (await sent.status !== 0 && performance.now() < deadline);
  over = true;
  await grinding;
  await grinder.endpoint.close();
  assertEquals(await sent.status, 0, sent.stderr);
  assertEquals(await received.status, 0);
  const words = /(?:should show:|same words:?) (\w+ \w+ \w+)/.exec(
    sent.stderr,
  )?.[1];
  assert(words !== undefined && received.stderr.includes(words));
});
