import { assert, assertEquals } from "@std/assert";
import "../c_library.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import { uint32At } from "../../lib/protocol/integers.ts";
import { Flag, SYN_SIZE } from "../../lib/protocol/segment.ts";
import { ClientHandshake } from "../../lib/secure/handshake.ts";
import { prepare } from "../../lib/secure/secure_channel.ts";
import { writeRandomFile } from "../bench/processes.ts";
import { datagramOf, mend } from "../protocol/wire.ts";
import {
  type Ended,
  FULL,
  inDirectory,
  sameFiles,
  startPair,
} from "./ferry.ts";
import { flood } from "./flood.ts";

/** SYNs a second, and random datagrams a second. */
const RATE = FULL ? 50_000 : 20_000;
const SIZE = FULL ? 500_000_000 : 100_000_000;

/** Where the low half of the id is in a datagram. */
const ID_LOW_AT = 12;

/** A transfer with a flood at the receiver's port, or without one. */
async function transfer(cwd: string, rate: number) {
  const over = new AbortController();
  let flooding: ReturnType<typeof flood> | undefined;
  const start = performance.now();
  const { ended } = await startPair({
    cwd,
    via: (port) => {
      if (rate > 0) flooding = flood(port, rate, over.signal);
      return port;
    },
    send: { args: ["in"] },
    receive: { args: ["-o", "out"] },
  });
  const ends: Ended[] = await ended;
  const seconds = (performance.now() - start) / 1000;
  over.abort();
  assertEquals(ends.map(({ code }) => code), [0, 0], ends[1].stderr);
  assert(await sameFiles(`${cwd}/in`, `${cwd}/out`));
  await Deno.remove(`${cwd}/out`);
  return { seconds, memory: ends[0].memory, flooded: await flooding };
}

Deno.test("a flood of forged SYNs and of garbage does not stop a transfer", () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, SIZE);
    const flooded = await transfer(cwd, RATE);
    assert(flooded.flooded!.datagrams > 1_000);
    if (!FULL) return;
    const calm = await transfer(cwd, 0);
    // A third of the speed is aimed at; a busy machine would tell otherwise
    console.log("flooded", flooded, "calm", calm);
    assert(flooded.memory < calm.memory + 20e6);
  }));

Deno.test("an address that is not proved gets no more bytes than came from it, whatever it sends", async () => {
  const options = { hostname: "127.0.0.1", port: 0, timeout: 5_000, mtu: 1500 };
  const receiver = Endpoint.listen(options);
  const refusing = receiver.accept().catch(() => {});
  const stranger = Deno.listenDatagram({ ...options, transport: "udp" });
  const to = { ...options, transport: "udp", port: receiver.port } as const;
  // What was sent to it and came from it, for each connection
  const sent = new Map<number, number>();
  const count = (counts: Map<number, number>, datagram: Uint8Array) => {
    const id = uint32At(datagram, ID_LOW_AT);
    counts.set(id, (counts.get(id) ?? 0) + datagram.length);
  };
  const send = async (datagram: Uint8Array) => {
    count(sent, datagram);
    await stranger.send(datagram, to);
  };
  const secrets = await prepare({ mode: "encrypted" });
  const { hello } = new ClientHandshake(secrets, new Uint8Array(32));
  // Half open, asked for a cookie, unknown, of another version
  for (let id = 0; id < 20; id++) await send(syn(id, hello));
  // The same again, and nonsense
  for (let id = 0; id < 20; id++) await send(syn(id, hello));
  for (let i = 0; i < 20; i++) {
    await stranger.send(crypto.getRandomValues(new Uint8Array(20 * i)), to);
  }
  for (let id = 0; id < 20; id++) {
    await send(datagramOf({ flags: Flag.ACK, idLow: 100 + id }));
    await send(datagramOf({ idLow: 200 + id, payload: Uint8Array.of(1) }));
  }
  const last = syn(999, hello);
  last[4]++;
  mend(last);
  await send(last);
  const into = new Uint8Array(2_000);
  const got = new Map<number, number>();
  let answers = 0;
  for (let answeredLast = false; !answeredLast;) {
    const [datagram] = await stranger.receive(into);
    count(got, datagram);
    answers++;
    const id = uint32At(datagram, ID_LOW_AT);
    assert(got.get(id)! <= sent.get(id)!, `too much for ${id}`);
    answeredLast = id === 999;
  }
  assert(answers > 20, `${answers}`);
  stranger.close();
  await receiver.close();
  await Promise.race([refusing, undefined]);
});

/** A SYN that carries this. */
function syn(idLow: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const draft = { flags: Flag.SYN, idHigh: 5, idLow, payload };
  const padding = SYN_SIZE - datagramOf(draft).length;
  return datagramOf({ ...draft, padding });
}
