import { assert, assertEquals } from "@std/assert";
import { Link } from "../../net/link.ts";
import { peersOver } from "../support/peer.ts";

/** 100 Mbit/s, in bytes per millisecond. */
const RATE = 12_500;
const BYTES = 5_000_000;

interface Options {
  /** The largest datagram that passes, and from a time on another one, in bytes. */
  takes: number;
  later?: { at: number; takes: number };
  /** What the sides send at most, and at first. */
  max?: number;
  initial?: number;
  loss?: number;
  delay?: number;
}

/** Sends {@linkcode BYTES} over one path. */
function transfer(options: Options) {
  const { takes, later, max = 1_472, initial = 1_200, loss } = options;
  const { delay = 10 } = options;
  const conditions = { rate: RATE, queue: 250_000, delay, loss, mtu: takes };
  const config = { maxDatagramSize: max, initialDatagramSize: initial };
  const forward = new Link(conditions, 3);
  const backward = new Link({ delay, mtu: takes }, 4);
  const sent = { bytes: BYTES, config };
  const { client, server, network } = peersOver(forward, backward, sent, {
    config,
  });
  const sizes = new Map<number, number>();
  network.onSighting = ({ what, from, datagram: { length } }) => {
    if (what !== "delivered" || from !== "client") return;
    sizes.set(length, (sizes.get(length) ?? 0) + 1);
  };
  if (later !== undefined) {
    network.run(later.at);
    forward.conditions = { ...conditions, mtu: later.takes };
  }
  assert(network.run(60_000, () => client.ended && server.ended));
  assertEquals([server.read, server.wrongAt], [BYTES, undefined]);
  // The size that carried most
  const [common] = [...sizes].sort(([s, a], [t, b]) => t * b - s * a)[0]!;
  const { counters, path } = client.connection!;
  const found = path.size;
  return { time: server.lastReadAt, common, found, counters, forward };
}

Deno.test("a path of common size is used in full from the second round trip on", () => {
  const { common, counters } = transfer({ takes: 1_472 });
  assertEquals(common, 1_472);
  const { datagramsSent, retransmissions } = counters;
  assert(datagramsSent - retransmissions < 1.05 * BYTES / 1_436);
});

Deno.test("a tunnel costs no time: it is found while the transfer goes on", () => {
  const wide = transfer({ takes: 1_472 });
  const narrow = transfer({ takes: 1_392 });
  assert(narrow.common > 1_350 && narrow.common <= 1_392, `${narrow.common}`);
  assert(narrow.time < 1.05 * wide.time, `${narrow.time} of ${wide.time} ms`);
  assert(narrow.forward.counters.oversized < 8);
});

Deno.test("a path that takes more than Ethernet is used in full", () => {
  for (const takes of [8_972, 15_936]) {
    assertEquals(transfer({ takes, max: takes }).common, takes);
  }
});

Deno.test("a search that finds nothing larger takes nothing from the rate", () => {
  const plain = transfer({ takes: 1_472 });
  const searching = transfer({ takes: 1_472, max: 15_936 });
  assert(searching.time < 1.05 * plain.time);
  assert(searching.common >= 1_436 && searching.common <= 1_472);
});

Deno.test("a size that was given and is too large is given up within a second", () => {
  const wide = transfer({ takes: 1_472 });
  const { time, found } = transfer({ takes: 1_392, initial: 1_472 });
  assert(found > 1_350, `${found}`);
  assert(time < wide.time + 1_000, `${time} of ${wide.time} ms`);
});

Deno.test("a path that becomes narrower on the way holds the transfer up for less than a second", () => {
  for (const loss of [0, 0.1]) {
    const wide = transfer({ takes: 1_472, loss });
    const later = { at: 120, takes: 1_300 };
    const { time, common } = transfer({ takes: 1_472, later, loss });
    // What is lost by chance may take longer to be tried again.
    const least = loss === 0 ? 1_250 : 1_200;
    assert(common >= least && common <= 1_300, `${common}`);
    assert(time < 1.15 * wide.time + 1_000, `${time} of ${wide.time} ms`);
  }
});

Deno.test("with a fifth of all datagrams lost, the size is still found", () => {
  const { common } = transfer({ takes: 1_472, loss: 0.2 });
  assertEquals(common, 1_472);
});

Deno.test("who has little to send does not try larger datagrams", () => {
  const [forth, back] = [
    new Link({ delay: 10 }, 3),
    new Link({ delay: 10 }, 4),
  ];
  const { server, network } = peersOver(forth, back, {
    bytes: 1_100,
    keepOpen: true,
  }, { keepOpen: true });
  let largest = 0;
  network.onSighting = ({ datagram }) => {
    largest = Math.max(largest, datagram.length);
  };
  network.run(20_000);
  assertEquals([server.read, largest], [1_100, 1_200]);
});
