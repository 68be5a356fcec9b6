import { assert, assertEquals } from "@std/assert";
import "../support/c_library.ts";
import {
  type DatagramFilter,
  filterProgram,
  FloodGate,
  SAMPLE,
} from "../../lib/endpoint/socket/syn_filter.ts";
import type { GuestList } from "../../lib/protocol/demux/demultiplexer.ts";
import { COOKIE_SIZE } from "../../lib/protocol/demux/address_validation.ts";
import { Flag, SYN_SIZE } from "../../lib/protocol/wire/segment.ts";
import { datagramOf } from "../support/packets.ts";
import { tunedSocket } from "./tuned_socket.ts";

const SERVED = { idHigh: 0x01234567, idLow: 0x89abcdef };
const OTHER = { idHigh: 0x01234567, idLow: 0x89abcdee };
const WATCHWORD = 0xabcdef01;
const FULL = guestsOf([SERVED], "taken");

function guestsOf(
  connections: GuestList["connections"],
  places: GuestList["places"],
): GuestList {
  return { connections, places, watchword: WATCHWORD };
}

/** A kernel that only remembers what it was told. */
class Kernel implements DatagramFilter {
  program: Uint8Array | undefined;
  able = true;

  attachFilter(program: Uint8Array): boolean {
    if (this.able) this.program = program;
    return this.able;
  }

  detachFilter(): void {
    this.program = undefined;
  }
}

/** A gate after a second in which so many strays came. */
function afterSecond(rate: number, kernel = new Kernel()) {
  const gate = new FloodGate(kernel);
  gate.update(1_000, 0, FULL);
  for (let at = 1; at <= 10; at++) {
    gate.update(1_000 + 100 * at, at * rate / 10, FULL);
  }
  return { gate, kernel };
}

Deno.test("a few strays are looked at, a flood of them is left to the kernel", () => {
  assertEquals(afterSecond(1_000).kernel.program, undefined);
  assertEquals(afterSecond(50_000).kernel.program, filterProgram(FULL));
});

Deno.test("the gate opens when the flood is over, as far as its sample shows", () => {
  const { gate, kernel } = afterSecond(50_000);
  gate.update(3_000, 50_000 + 50_000 / SAMPLE, FULL);
  assert(kernel.program !== undefined);
  gate.update(4_000, 50_000 + 50_000 / SAMPLE + 10, FULL);
  assertEquals(kernel.program, undefined);
});

Deno.test("who comes while the gate is closed is let through from then on", () => {
  const { gate, kernel } = afterSecond(50_000);
  const both = guestsOf([SERVED, OTHER], "some");
  gate.update(2_001, 50_000, both);
  assertEquals(kernel.program, filterProgram(both));
});

Deno.test("where the kernel does not filter, all goes on", () => {
  const kernel = new Kernel();
  kernel.able = false;
  const { gate } = afterSecond(50_000, kernel);
  gate.update(3_000, 50_000, FULL);
  assertEquals(kernel.program, undefined);
});

/** Sends each of these so often, and counts which of them come through `guests`. */
async function passing(
  hostname: string,
  guests: GuestList,
  rounds: number,
  datagrams: readonly Uint8Array[],
) {
  const socket = tunedSocket(hostname);
  const able = socket.attachFilter(filterProgram(guests));
  const sender = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const to = { transport: "udp", hostname, port: socket.port } as const;
  const into = new Uint8Array(2_000);
  const counts = new Map(datagrams.map((datagram) => [datagram.length, 0]));
  const last = withId(SERVED, 99);
  for (let i = 0; i < rounds; i++) {
    for (const datagram of [...datagrams, last]) {
      await sender.send(datagram, to);
    }
    for (;;) {
      const [{ length }] = await socket.receive(into);
      if (length === last.length) break;
      counts.set(length, counts.get(length)! + 1);
    }
  }
  socket.detachFilter();
  const stray = new Uint8Array(50);
  await sender.send(stray, to);
  assertEquals((await socket.receive(into))[0], stray);
  socket.close();
  sender.close();
  return { able, counts: [...counts.values()] };
}

/** Something of that many bytes with this id. */
function withId({ idHigh, idLow }: typeof SERVED, size: number): Uint8Array {
  const datagram = new Uint8Array(size);
  const view = new DataView(datagram.buffer);
  view.setUint32(8, idHigh);
  view.setUint32(12, idLow);
  return datagram;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`the kernel passes what bears an id that is wanted, and a share of the rest (${hostname})`, async () => {
    const guests = guestsOf([SERVED, OTHER], "taken");
    const { able, counts } = await passing(hostname, guests, 500, [
      withId(OTHER, 100),
      withId({ idHigh: OTHER.idHigh, idLow: OTHER.idLow ^ 1 << 31 }, 101),
      withId({ idHigh: OTHER.idLow, idLow: OTHER.idHigh }, 102),
      new Uint8Array(10),
    ]);
    assertEquals(counts[0], 500);
    const strays = counts[1] + counts[2] + counts[3];
    if (able) assert(strays > 0 && strays < 100, `${strays} of 1500`);
    else assertEquals(strays, 1500);
  });
}

/** A SYN; its length tells it from others. */
function syn(padding: number, cookie?: Uint8Array): Uint8Array {
  const draft = { flags: Flag.SYN, idLow: 7, cookie };
  return datagramOf({
    ...draft,
    padding: SYN_SIZE - datagramOf(draft).length + padding,
  });
}

const SHARES = { taken: [0, 30], some: [70, 180], all: [70, 180] } as const;

for (const places of ["taken", "some", "all"] as const) {
  Deno.test(`the kernel passes the more SYNs the more places there are: ${places}`, async () => {
    const guests = guestsOf([SERVED], places);
    const good = new Uint8Array(COOKIE_SIZE);
    new DataView(good.buffer).setUint32(0, WATCHWORD);
    const joined = new Uint8Array(SYN_SIZE + 600);
    joined.set(syn(0, good));
    const { able, counts } = await passing("127.0.0.1", guests, 500, [
      syn(0),
      joined,
      syn(1),
      datagramOf({ flags: Flag.SYN | Flag.ACK, idLow: 7 }),
    ]);
    if (!able) return;
    const [syns, withCookie, ...others] = counts;
    const [least, most] = SHARES[places];
    assert(syns >= least && syns <= most, `${syns} of 500`);
    if (places === "all") assertEquals(withCookie, 500);
    else assert(withCookie <= most, `${withCookie} of 500`);
    // Too long for a SYN, and the answer to one
    for (const other of others) assert(other < 30, `${other} of 500`);
  });
}
