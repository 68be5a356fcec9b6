import { assert, assertEquals, assertMatch } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import { utf8 } from "../../../lib/base/utf8.ts";
import { Endpoint } from "../../../lib/endpoint/endpoint.ts";
import { acceptOne, connect } from "../../endpoint/connect.ts";
import { normalCode } from "../../../lib/secure/code/code.ts";
import {
  answerHello,
  ClientHandshake,
} from "../../../lib/secure/handshake/handshake.ts";
import { readMessage } from "../../../lib/secure/handshake/message_reader.ts";
import { RecordType } from "../../../lib/secure/handshake/messages.ts";
import { agreeAsClient, prepare } from "../../../lib/secure/secure_channel.ts";
import { ServerSecrets } from "../../../lib/secure/handshake/server_secrets.ts";
import { freePort, listening } from "../../support/process.ts";
import "../../support/libraries.ts";
import type { Direction } from "../../net/relay.ts";
import { assertFailed } from "../../support/assertions.ts";
import { Meter } from "../../support/meter.ts";
import {
  type Ended,
  Ferry,
  runFerry,
  runPair,
  startReceiver,
} from "../../support/ferry.ts";
import { namesIn, sameFiles, test, writeRandomFile } from "../../support/fs.ts";
import { readAll } from "../../support/streams.ts";
import { until } from "../../support/wait.ts";
import { program, testWith } from "../../support/needs.ts";

const TEXT = "The quick brown fox jumps over the lazy dog. ";

/** What a relay saw go by. */
interface Capture {
  readonly direction: Direction;
  readonly datagram: Uint8Array;
}

/** Sends a text through a relay that keeps what it sees. */
async function captured(
  cwd: string,
  args: string[],
  delay = 0,
): Promise<{ capture: Capture[]; ended: [Ended, Ended] }> {
  const capture: Capture[] = [];
  await Deno.writeTextFile(`${cwd}/in`, TEXT.repeat(200));
  await using network = new Meter({
    up: { delay },
    onDatagram: (datagram, direction) => {
      capture.push({ direction, datagram: datagram.slice() });
    },
  });
  const ended = await runPair({
    cwd,
    via: network.start,
    security: args,
    send: { args: ["in"] },
    receive: { args: ["-o", "out"] },
  });
  assertEquals(ended.map(({ code }) => code), [0, 0]);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
  return { capture, ended };
}

function textIn(capture: Capture[]): string {
  const decoder = new TextDecoder("latin1");
  return capture.map(({ datagram }) => decoder.decode(datagram)).join("");
}

for (const args of [[], ["--code=17-walnut-copper-lagoon"]]) {
  test(`a capture of a transfer ${args} has nothing of text, name, code and the machine's addresses in it (croc CVE-2023-43617, CVE-2023-43618)`, async (cwd) => {
    const { capture } = await captured(cwd, args);
    const text = textIn(capture);
    assert(text.length > 9_000);
    const words = ["quick", "brown", "jumps", "walnut", "copper", "\x02in"];
    for (const { address, family } of Deno.networkInterfaces()) {
      words.push(address);
      if (family !== "IPv4") continue;
      words.push(String.fromCharCode(...address.split(".").map(Number)));
    }
    for (const word of words) assert(!text.includes(word), word);
  });
}

test("a capture of a plain transfer has the text in it", async (cwd) => {
  const { capture } = await captured(cwd, ["--plain"]);
  assert(textIn(capture).includes(TEXT));
});

for (const security of [[], ["--code=17-walnut-copper-lagoon"]]) {
  test(`the content's first byte leaves with the second flight of the sender, encrypted as it is ${security}`, async (cwd) => {
    const { capture } = await captured(cwd, security, 40);
    const flights = [capture[0]];
    let content: number | undefined;
    for (const one of capture) {
      if (one.direction !== flights.at(-1)!.direction) flights.push(one);
      // A key share fits into much less.
      const full = one.direction === "up" && flights.length > 1 &&
        one.datagram.length > 1_000;
      if (full) content ??= flights.length;
    }
    assertEquals(content, 3, "up, down, and up again");
  });
}

test("without a code both sides say the same three words, and the receiver that anyone may send", async (cwd) => {
  const receive = { shell: '"$@" > out' };
  const ended = await runPair({ cwd, security: [], receive });
  const [received, sent] = ended;
  const words = /^Encrypted\. Both sides should show: ((\w+ ){2}\w+)$/m;
  assertMatch(sent.notes, words);
  assertEquals(words.exec(received.notes)?.[1], words.exec(sent.notes)?.[1]);
  assertMatch(received.notes, /^Anyone who can reach UDP port \d+ can send/m);
  const quiet = await runPair({
    cwd,
    security: [],
    send: { args: ["-q"] },
    receive: { ...receive, args: ["-q"] },
  });
  assertEquals(quiet.map(({ notes, stderr }) => notes + stderr), ["", ""]);
});

const MISMATCHES: [string, string[], string[], RegExp][] = [
  ["--plain to one that encrypts", ["--plain"], [], /--plain/],
  ["encryption to one with --plain", [], ["--plain"], /--plain/],
  ["no code to one with a code", [], ["--code=a"], /--code=CODE or FERRY_/],
  ["--plain to one with a code", ["--plain"], ["--code=a"], /requires a code/],
  ["a code to one without", ["--code=a"], [], /the receiver has none/],
];
for (const [what, here, there, words] of MISMATCHES) {
  test(`a sender that comes with ${what} is refused, and the next is served`, async (cwd) => {
    const args = ["-o", "out", ...there];
    const { receiver, send } = await startReceiver(args, { cwd });
    const refused = await send(here).ended;
    assertFailed(refused, 3, words);
    assertEquals((await send(there).ended).code, 0);
    const { code, stderr } = await receiver.ended;
    assertEquals(code, 0);
    assertMatch(
      stderr,
      /127\.0\.0\.1:\d+ (was not let in: the sender|gave no code)/,
    );
  });
}

/** A receiver with a code, in a directory of its own, and how to send to it with a code. */
async function guarded(cwd: string) {
  const args = ["-o", "out", "--code=right"];
  const { receiver, send } = await startReceiver(args, { cwd });
  const attempt = (code: string) => send(["in", `--code=${code}`]).ended;
  await writeRandomFile(`${cwd}/in`, 100_000);
  return { receiver, attempt };
}

test("a wrong code is told to both sides, nothing is written, and the receiver waits on", async (cwd) => {
  const { receiver, attempt } = await guarded(cwd);
  for (const wrong of ["mistaken", "right-too"]) {
    const sent = await attempt(wrong);
    assertFailed(sent, 3, /^The code is wrong: /);
    assert(!sent.stderr.includes(wrong));
  }
  assertEquals(namesIn(cwd).includes("out"), false);
  assertEquals((await attempt(" RIGHT ")).code, 0);
  const { code, stderr } = await receiver.ended;
  assertEquals(code, 0);
  assertMatch(stderr, /not let in \(1 of 3\): the sender's code is wrong\n/);
  assertMatch(stderr, /not let in \(2 of 3\): the sender's code is wrong\n/);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
});

test("a third wrong code ends the receiver, which says so", async (cwd) => {
  const { receiver, attempt } = await guarded(cwd);
  for (const wrong of ["a", "b", "c"]) {
    assertEquals((await attempt(wrong)).code, 3);
  }
  const { code, stderr } = await receiver.ended;
  assertEquals(code, 3);
  assertMatch(stderr, /\nClosed after 3 wrong codes: [^\n]*\n$/);
  assert(!stderr.includes("right"));
  assertEquals(namesIn(cwd), ["in"]);
});

test("a code that was made up is in the command for the other side, and only there", async (cwd) => {
  const port = freePort();
  const receiver = new Ferry(
    ["receive", "--code", `${port}`, "--trace", "--bind", "127.0.0.1"],
    { cwd, shell: 'exec "$@" > out 2> said' },
  );
  await listening("udp", port);
  await until(() => Deno.readTextFileSync(`${cwd}/said`).includes("address\n"));
  const said = await Deno.readTextFile(`${cwd}/said`);
  const form =
    /^ {2}FERRY_CODE=(\d+(?:-[a-z]+){3}) ferry send 127\.0\.0\.1 (\d+) FILE$/m;
  const [, code, told] = form.exec(said)!;
  assertEquals(told, `${port}`);
  const sent = await new Ferry(
    ["send", "127.0.0.1", `${port}`, "--trace"],
    { cwd, shell: `echo hello | FERRY_CODE=${code} "$@"` },
  ).ended;
  assertEquals([sent.code, (await receiver.ended).code], [0, 0]);
  assertEquals(await Deno.readTextFile(`${cwd}/out`), "hello\n");
  assert(!sent.stderr.includes(code!));
  const later = (await Deno.readTextFile(`${cwd}/said`)).slice(said.length);
  assertMatch(later, /^RECV /);
  assert(!later.includes(code!));
});

testWith(
  await program("script"),
  "a sender is asked for the code that it was not given, on the terminal",
  async (cwd) => {
    const [received] = await runPair({
      cwd,
      security: [],
      receive: { args: ["-o", "out", "--code=sesame"] },
      send: {
        args: [],
        shell: [
          "echo data > in",
          // Standard input is what is sent: the terminal is standard error.
          `printf '%q ' "$@" > command; echo '< in' >> command`,
          `(until grep -q code: typescript; do sleep 0.05; done; echo Sesame; until [ -s out ]; do sleep 0.05; done) |`,
          `script -qfec 'bash command' typescript > /dev/null`,
        ].join("\n"),
      },
    });
    assertEquals(received.code, 0, received.stderr);
    assertEquals(await Deno.readTextFile(`${cwd}/out`), "data\n");
  },
);

const OPTIONS = { hostname: "127.0.0.1", port: 0, timeout: 5_000, mtu: 1500 };

/** A stranger who opens a connection, says this, and then nothing any more. */
async function stranger(port: number, says: Uint8Array): Promise<Endpoint> {
  const endpoint = Endpoint.listen(OPTIONS);
  const channel = await connect(endpoint, port);
  await channel.write(says);
  await channel.established;
  return endpoint;
}

test("who connects and says nothing, half of it, nonsense, or nothing after agreeing keeps nobody out", async (cwd) => {
  const args = ["-o", "out"];
  const { receiver, port, send } = await startReceiver(args, { cwd });
  const hello = new ClientHandshake(
    await prepare({ mode: "encrypted" }),
    new Uint8Array(32),
  ).hello;
  const agreeing = Endpoint.listen(OPTIONS);
  const agreed = await connect(agreeing, port);
  await agreeAsClient(agreed, await prepare({ mode: "encrypted" }));
  const nonsense = [utf8("GET / HTTP/1.1\r\n\r\n"), new Prng(1).bytes(5_000)];
  const strangers = await Promise.all(
    [new Uint8Array(0), hello, hello.subarray(0, 20), ...nonsense]
      .map((says) => stranger(port, says)),
  );
  const sent = await send([]).ended;
  assertEquals(sent.code, 0, sent.stderr);
  const { code, stderr } = await receiver.ended;
  assertEquals(code, 0);
  assertMatch(stderr, /was not let in: the other side does not speak ferry/);
  strangers.push(agreeing);
  await Promise.all(strangers.map((endpoint) => endpoint.close()));
});

Deno.test("a receiver that agrees, takes everything and never proves itself is given up", async () => {
  for (const code of [undefined, "17-walnut-copper-lagoon"]) {
    const endpoint = Endpoint.listen(OPTIONS);
    const options = code === undefined ? [] : [`--code=${code}`];
    const sending = runFerry(
      ["send", "127.0.0.1", `${endpoint.port}`, "--timeout", "1", ...options],
    );
    const channel = await acceptOne(endpoint);
    using secrets = new ServerSecrets(
      code === undefined
        ? { mode: "encrypted" }
        : { mode: "code", code: normalCode(code)! },
    );
    await secrets.ready;
    const nonce = new Uint8Array(32);
    const message = await readMessage(channel, RecordType.HELLO);
    await channel.write(answerHello(secrets, message, { nonce }).hello);
    const swallowing = readAll(channel).catch(() => {});
    const sent = await sending;
    assertEquals(sent.code, 1);
    assertMatch(sent.stderr, /did not complete the handshake within 1 s/);
    await swallowing;
    await endpoint.close();
  }
});
