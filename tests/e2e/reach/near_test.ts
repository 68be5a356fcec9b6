import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeQuestion, type Question } from "../../../lib/near/message.ts";
import { QUESTION_PORT } from "../../../lib/endpoint/near/group.ts";
import { bytesOf } from "../../support/bytes.ts";
import { eventsOf, Ferry, runFerry, start } from "../../support/ferry.ts";
import { inDirectory, writeRandomFile } from "../../support/fs.ts";
import { type Machine, Machines } from "../../support/machines/namespaces.ts";
import {
  NAMESPACES,
  type Need,
  program,
  testWith,
} from "../../support/needs.ts";
import { kill } from "../../support/process.ts";
import { until } from "../../support/wait.ts";

const CODE = "17-walnut-copper-lagoon";
const TCPDUMP = await program("tcpdump");
const ANSWERS = new URL("answers.ts", import.meta.url).pathname;

/** Two machines on two networks, which have nothing in common but these, and no route elsewhere. */
interface Networks {
  readonly a: Machine;
  readonly b: Machine;
  /** Where all that is sent passes. */
  readonly between: Machine;
}

async function makeNetworks(machines: Machines): Promise<Networks> {
  const [a, b] = [await machines.add("a"), await machines.add("b")];
  const between = await machines.add("s");
  for (const network of [0, 1]) {
    await between.ip(`link add br${network} type bridge`);
    await between.ip(`link set br${network} up`);
    for (const [number, machine] of [a, b].entries()) {
      const port = `p${network}${number}`;
      await machines.connect([machine, `eth${network}`], [between, port]);
      await between.ip(`link set ${port} master br${network}`);
      const address = `10.77.${network}.${number + 1}/24`;
      await machine.ip(`addr add ${address} dev eth${network}`);
    }
  }
  return { a, b, between };
}

/** A test of these, with a directory that has a `file` of 300,000 bytes. */
function test(
  name: string,
  fn: (networks: Networks, path: string) => Promise<void>,
  needs: readonly Need[] = [],
): void {
  testWith([NAMESPACES, ...needs], name, () =>
    inDirectory(async (path) => {
      await using machines = new Machines();
      await writeRandomFile(`${path}/file`, 300_000);
      await fn(await makeNetworks(machines), path);
    }));
}

/** Starts a receiver with a code on a machine, and waits until it listens. */
async function receiver(
  machine: Machine,
  port: number,
  { code = CODE, args = [] as string[] } = {},
): Promise<Ferry> {
  const ferry = new Ferry(["receive", `${port}`, "--json", ...args], {
    ...machine.place,
    env: { FERRY_CODE: code },
  });
  // Its own port is bound first, and then that of questions
  const others = await questionSockets(machine);
  await until(async () => {
    const isBound = (await machine.udpPorts()).includes(port);
    return isBound && await questionSockets(machine) > others;
  }, ferry);
  return ferry;
}

async function questionSockets(machine: Machine): Promise<number> {
  const ports = await machine.udpPorts();
  return ports.filter((port) => port === QUESTION_PORT).length;
}

function occurrences(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Runs a sender on a machine to its end. */
async function send(
  machine: Machine,
  path: string,
  { code = CODE, args = [] as string[] } = {},
) {
  const ended = await runFerry(["send", "--near", "--json", ...args, path], {
    ...machine.place,
    env: { FERRY_CODE: code },
  });
  return { ...ended, events: eventsOf(ended) };
}

/** Payloads of the datagrams to this port in a capture, with their TTL. */
async function questionsIn(
  capture: string,
): Promise<{ ttl: number; question: Question | undefined }[]> {
  const args = ["-r", capture, "-nx", `ip and dst port ${QUESTION_PORT}`];
  const { stdout } = await new Deno.Command("tcpdump", {
    args,
    stderr: "null",
  }).output();
  const packets = new TextDecoder().decode(stdout).split(/\n(?=\S)/);
  return packets.filter((text) => text.includes("0x0000")).map((text) => {
    const rows = [...text.matchAll(/0x[0-9a-f]{4}: {2}(.*)/g)];
    const packet = bytesOf(rows.map(([, row]) => row).join(""));
    const question = decodeQuestion(packet.subarray(28));
    return { ttl: packet[8]!, question };
  });
}

// N-1, N-2
test(
  "--near finds the receiver with the code among others, and a watcher sees a number and ports",
  async ({ a, b, between }, path) => {
    const capture = `${path}/capture`;
    const watcher = start(
      [
        "ip",
        ...between.command(`tcpdump -i any -U -w ${capture}`.split(" ")),
      ],
      { stdin: "null", stdout: "null", stderr: "null" },
    );
    await until(() =>
      Deno.stat(capture).then(({ size }) => size > 0, () => false)
    );
    const others = [
      await receiver(b, 5001, { code: "17-other-words-here" }),
      await receiver(b, 5002, { code: "18-walnut-copper-lagoon" }),
    ];
    const wanted = await receiver(b, 5003, { args: ["-o", `${path}/copy`] });
    const sent = await send(a, `${path}/file`);
    assertEquals(sent.code, 0, sent.stderr);
    assertEquals((await wanted.ended).code, 0);
    assertEquals(
      await Deno.readFile(`${path}/copy`),
      await Deno.readFile(`${path}/file`),
    );
    const types = sent.events.map(({ event }) => event);
    assert(types.includes("found"), types.join(" "));
    // That would be said after a second
    assert(!types.includes("searching"), types.join(" "));
    for (const ferry of others) ferry.kill("SIGTERM");
    const [sameNumber, sameWords] = await Promise.all(
      others.map(({ ended }) => ended),
    );
    const guesses = occurrences(sameNumber!.stderr, '"code":"wrong-code"');
    assert(guesses <= 1, sameNumber!.stderr);
    assertEquals(occurrences(sameWords!.stderr, "wrong"), 0);
    kill(watcher.pid, "SIGTERM");
    await watcher.status;
    const seen = new TextDecoder("latin1")
      .decode(await Deno.readFile(capture)).toLowerCase();
    for (const word of ["walnut", "copper", "lagoon", "secret-name"]) {
      assert(!seen.includes(word), word);
    }
    const questions = await questionsIn(capture);
    assert(questions.length > 0);
    for (const { question } of questions) assertEquals(question?.number, 17);
    assert(questions.some(({ ttl }) => ttl === 1));
  },
  [TCPDUMP],
);

test(
  "--near finds a receiver that is bound to one address, and one on the same machine",
  async ({ a, b }, path) => {
    const bound = await receiver(b, 5001, {
      args: ["-o", `${path}/one`, "--bind", "10.77.1.2"],
    });
    const sent = await send(a, `${path}/file`);
    assertEquals(sent.code, 0, sent.stderr);
    const found = sent.events.find(({ event }) => event === "connected");
    assertEquals(found?.peer, "10.77.1.2:5001");
    assertEquals((await bound.ended).code, 0);
    const same = await receiver(a, 5001, { args: ["-o", `${path}/two`] });
    const bindTo = ["--bind", "127.0.0.1"];
    const local = await send(a, `${path}/file`, { args: bindTo });
    assertEquals(local.code, 0, local.stderr);
    assertEquals((await same.ended).code, 0);
  },
);

test(
  "--near says what may be the reason if nobody answers",
  async ({ a, b }, path) => {
    const other = await receiver(b, 5001, {
      code: "18-walnut-copper-lagoon",
    });
    const { code, events } = await send(a, `${path}/file`, {
      args: ["--wait", "1.5"],
    });
    assertEquals(code, 1);
    assertEquals(
      events.map(({ event, number, code }) => [event, number ?? code]),
      [["start", undefined], ["searching", 17], ["error", "nobody-near"]],
    );
    const { message } = events.at(-1)!;
    assertMatch(`${message}`, /within 1\.5 s.*Wi-Fi.*VPN.*address/);
    other.kill("SIGTERM");
    await other.ended;
  },
);

// N-4
test(
  "a receiver with the same number and another code gets a guess, and nothing of the content",
  async ({ a, b }, path) => {
    const other = await receiver(b, 5001, { code: "17-other-words-here" });
    const { code, stderr, events } = await send(a, `${path}/file`, {
      args: ["--trace"],
    });
    assertEquals(code, 3, stderr);
    assertMatch(`${events.at(-1)?.message}`, /^The code is wrong/);
    const sent = events.map(({ line }) => `${line}`.split(" "))
      .filter(([verb]) => verb === "SEND").map(([, seq]) => Number(seq));
    assert(Math.max(...sent) < 300, `${sent}`);
    other.kill("SIGTERM");
    const told = (await other.ended).stderr;
    assertEquals(occurrences(told, '"code":"wrong-code"'), 1, told);
  },
);

test(
  "a flood of answers from receivers that are not there hides none that is",
  async ({ a, b, between }, path) => {
    await between.ip("addr add 10.77.0.66/24 dev br0");
    const flood = start(
      [
        "ip",
        ...between.command([
          ..."deno run -A --quiet --no-check --unstable-net".split(" "),
          ANSWERS,
          "200",
        ]),
      ],
      { stdin: "null", stdout: "piped", stderr: "null" },
    );
    const reader = flood.stdout.getReader();
    await reader.read();
    const wanted = await receiver(b, 5001, { args: ["-o", `${path}/one`] });
    const sent = await send(a, `${path}/file`, { args: ["--wait", "30"] });
    assertEquals(sent.code, 0, sent.stderr);
    assertEquals((await wanted.ended).code, 0);
    kill(-flood.pid, "SIGKILL");
    await reader.cancel();
    await flood.status;
  },
);
