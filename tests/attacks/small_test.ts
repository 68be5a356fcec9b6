import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import { datagramOf, draftOf } from "../support/packets.ts";
import { Relay } from "../net/relay.ts";
import { bytesOf } from "./support/hostile_sender.ts";
import { receiver, sender, transfer } from "./support/running.ts";
import { cpuOf, MemoryWatch } from "../support/process.ts";
import { FULL } from "../support/ferry.ts";
import { test } from "../support/fs.ts";
import { local, udpSocket } from "../net/udp.ts";
import { pause, until } from "../support/wait.ts";
import { connect } from "../endpoint/connect.ts";

test("single bytes with a hole before each do not make a receiver's memory or work grow without bound", async (cwd) => {
  await Deno.writeFile(`${cwd}/in`, bytesOf(50_000_000));
  const received = await receiver(["-o", "out", "--timeout", "20"], { cwd });
  let seen: ReturnType<typeof draftOf> | undefined;
  const relay = Relay.start({
    to: { hostname: "127.0.0.1", port: received.port },
    onDatagram: (datagram, direction) => {
      if (direction === "up") seen = draftOf(datagram);
    },
  });
  const sent = sender(
    relay.port,
    ["in", "--rate", "80", "--timeout", "20"],
    { cwd },
  );
  await until(() => (seen?.seq ?? 0) > 2_000_000);
  using memory = new MemoryWatch(received.pid);
  const before = cpuOf(received.pid);
  // From here on only the one in the middle is heard
  relay.darken();
  await pause(100);
  const socket = udpSocket();
  const to = local(received.port);
  const { id, packetNumber, seq } = seen!;
  const payload = Uint8Array.of(7);
  const holes = FULL ? 100_000 : 30_000;
  for (let i = 0; i < holes; i++) {
    // Descending, so that each is before all others
    const at = seq + 1_000_000 - 2 * i;
    const draft = { id, payload, seq: Math.max(at, seq + 2) };
    const number = packetNumber + 10 + 2 * i;
    await socket.send(datagramOf({ ...draft, packetNumber: number }), to);
    if (i % 100 === 0) await pause(1);
  }
  await pause(200);
  const work = cpuOf(received.pid) - before;
  socket.close();
  assert(memory.growth < 32e6, `${memory.growth} more`);
  // A few microseconds for each datagram are what it costs to look at it
  assert(work / holes < 0.000_2, `${work} s for ${holes} datagrams`);
  await relay.close();
  await Promise.all([received.stop(), sent.stop()]);
});

test("--json writes no control, bidirectional or zero-width character of a name as it is", async (cwd) => {
  const name = "a\x9b2J\u202egpj\u200b\u{e0041}.exe";
  await Deno.writeTextFile(`${cwd}/${name}`, "x");
  const receive = ["-d", "dir", "--yes", "--json"];
  const send = [name, "--json"];
  const { received, sent } = await transfer(0, receive, send, { cwd });
  for (const { stderr } of [received, sent]) {
    const unsafe = /[^\n\P{Cc}]|\p{Cf}/u.exec(stderr)?.[0].codePointAt(0);
    assertEquals(unsafe?.toString(16), undefined, stderr);
  }
  const events = received.stderr.trim().split("\n")
    .map((line) => JSON.parse(line));
  const offer = events.find(({ event }) => event === "offer");
  assertEquals(offer.name, name);
});

test("however many strangers there were before, a wrong code is told to the person", async (cwd) => {
  const env = { FERRY_CODE: "17-walnut-copper-lagoon" };
  await using received = await receiver(
    ["-d", "dir", "--keep", "--code"],
    { cwd, env },
  );
  const options = { hostname: "127.0.0.1", port: 0, timeout: 5_000 };
  for (let i = 0; i < 30; i++) {
    const endpoint = Endpoint.listen(options);
    const channel = await connect(endpoint, received.port);
    await channel.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    await channel.established.catch(() => {});
    await pause(20);
    channel.abort(new Error("left"));
    await endpoint.close();
  }
  const wrong = { FERRY_CODE: "17-wrong-guess" };
  const status = await sender(received.port, ["--code"], { cwd, env: wrong })
    .status;
  assertEquals(status, 3);
  await received.says(/1 of 3/);
});
