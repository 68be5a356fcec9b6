import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/prng.ts";
import {
  type Config,
  DEFAULT_CONFIG,
} from "../../../lib/protocol/connection/config.ts";
import type { Connection } from "../../../lib/protocol/connection/connection.ts";
import type { Address } from "../../../lib/protocol/connection/address.ts";
import { Demultiplexer } from "../../../lib/protocol/demux/demultiplexer.ts";
import { Flag, Reset } from "../../../lib/protocol/wire/segment.ts";
import { type Datagram, TestEndpoint } from "../support/pair.ts";
import { knock } from "./network_of_demultiplexers.ts";
import { datagramOf, type Draft, draftOf } from "../../support/packets.ts";

const WHOLE = DEFAULT_CONFIG.initialWindow;
const SMALL = 4_096;
const BLOCK = 2 ** 16;

/** A host whose application admits by hand, and what it says. */
class Receiver {
  now = 1_000;
  readonly demultiplexer: Demultiplexer<Address>;
  readonly #into = new Uint8Array(65_535);

  constructor(config: Partial<Config> = {}) {
    const random = new Random(5);
    this.demultiplexer = new Demultiplexer({
      config: { ...DEFAULT_CONFIG, ...config },
      random: () => random.uint32(),
    });
    this.demultiplexer.listening = true;
  }

  /** Takes a datagram. @returns what is said then */
  hear(datagram: Uint8Array, from: Address): Datagram[] {
    this.demultiplexer.receive(this.now, datagram, from);
    return this.pollAll();
  }

  pollAll(): Datagram[] {
    const letters: Datagram[] = [];
    for (;;) {
      const sent = this.demultiplexer.poll(this.now, this.#into);
      if (sent === undefined) return letters;
      const datagram = this.#into.slice(0, sent.length);
      letters.push({ datagram, to: sent.to });
    }
  }

  pass(milliseconds: number): Datagram[] {
    const letters: Datagram[] = [];
    const end = this.now + milliseconds;
    while (this.now < end) {
      this.now = Math.min(end, Math.max(this.now, this.demultiplexer.deadline));
      this.demultiplexer.wake(this.now);
      letters.push(...this.pollAll());
    }
    return letters;
  }
}

/** Somebody who opens a connection and then says what a test likes. */
class Stranger {
  #packet = 0;
  /** Sequence number after the last that may be sent. */
  edge = 0;
  /** The packet that the receiver's answer came in, which proves the address. */
  heard = 0;
  connection: Connection | undefined;
  syns = 0;

  constructor(
    readonly receiver: Receiver,
    readonly id: number,
    readonly address: Address = { hostname: `stranger ${id}`, port: 1 },
  ) {}

  /** Opens, with a cookie where one is asked for. */
  open(): this {
    this.#take(this.receiver.hear(knock(this.id), this.address));
    this.connection = this.receiver.demultiplexer.nextIncoming();
    return this;
  }

  say(draft: Draft): Datagram[] {
    const common = { idHigh: 9, idLow: this.id, packetNumber: ++this.#packet };
    const { heard } = this;
    const proof = heard > 0
      ? { flags: Flag.ACK, ack: 1, blocks: [[heard, heard + 1]] as const }
      : {};
    const flags = (proof.flags ?? 0) | (draft.flags ?? 0);
    const datagram = datagramOf({ ...proof, ...common, ...draft, flags });
    const letters = this.receiver.hear(datagram, this.address);
    this.#take(letters);
    return letters;
  }

  #take(letters: Datagram[]): void {
    for (const { datagram, to } of letters) {
      const { idLow, flags, cookie, ...rest } = draftOf(datagram);
      if (idLow !== this.id || to.hostname !== this.address.hostname) continue;
      if (flags & Flag.COOKIE) {
        this.#take(this.receiver.hear(knock(this.id, cookie), this.address));
      } else if (flags & Flag.SYN) {
        this.syns++;
        this.heard = rest.packetNumber;
        this.edge = Math.max(this.edge, 1 + rest.initialWindow);
      }
      if (flags & Flag.ACK) {
        this.edge = Math.max(this.edge, rest.ack + rest.window);
      }
    }
  }
}

function strangers(receiver: Receiver, count: number): Stranger[] {
  return Array.from({ length: count }, (_, i) => {
    return new Stranger(receiver, i + 1).open();
  });
}

Deno.test("two at a time may send a whole window before they are admitted, all others a small one", () => {
  const receiver = new Receiver();
  const edges = strangers(receiver, 40).map(({ edge }) => edge - 1);
  assertEquals(edges.slice(0, 2), [WHOLE, WHOLE]);
  assertEquals(new Set(edges.slice(2)), new Set([SMALL]));
  // Who leaves, leaves it to the next.
  receiver.pass(DEFAULT_CONFIG.timeout + 5_000);
  const [again] = [new Stranger(receiver, 100).open()];
  assertEquals(again.edge - 1, WHOLE);
});

Deno.test("who is not admitted gets no larger window, whatever it asks for and wherever it writes", () => {
  for (const index of [0, 5]) {
    const receiver = new Receiver();
    const stranger = strangers(receiver, 6)[index];
    const { edge } = stranger;
    for (let i = 0; i < 20; i++) {
      stranger.say({
        flags: Flag.BLOCKED | Flag.PSH,
        seq: stranger.edge - 1,
        payload: Uint8Array.of(1),
      });
    }
    assertEquals(stranger.edge, edge);
  }
});

Deno.test("the window moves on as the application reads, admitted or not, and grows with that alone once admitted", () => {
  const receiver = new Receiver();
  const stranger = strangers(receiver, 3)[2];
  const connection = stranger.connection!;
  const into = new Uint8Array(2_000);
  const write = () => {
    const seq = 1 + sent;
    sent += 1_000;
    stranger.say({
      flags: Flag.BLOCKED | Flag.PSH,
      seq,
      payload: new Uint8Array(1_000),
    });
  };
  let sent = 0;
  for (let i = 0; i < 3; i++) write();
  while (connection.read(into) > 0);
  write();
  assertEquals(stranger.edge, 1 + 3_000 + SMALL);
  assert(receiver.demultiplexer.accept(connection));
  write();
  const granted = stranger.edge;
  assert(granted >= WHOLE, "at once");
  // One byte at the edge uses nothing up.
  stranger.say({
    flags: Flag.BLOCKED | Flag.PSH,
    seq: granted - 1,
    payload: Uint8Array.of(1),
  });
  assertEquals(stranger.edge, granted);
  for (let i = 0; i < 100; i++) {
    write();
    while (connection.read(into) > 0);
  }
  write();
  assert(stranger.edge > 2 * WHOLE, "what was read does");
});

Deno.test("who is admitted is told of its whole window at once", () => {
  const receiver = new Receiver();
  const stranger = strangers(receiver, 3)[2];
  stranger.say({ flags: Flag.PSH, seq: 1, payload: Uint8Array.of(1) });
  assert(receiver.demultiplexer.accept(stranger.connection!));
  const windows = receiver.pollAll().map(({ datagram }) => draftOf(datagram))
    .filter(({ idLow }) => idLow === stranger.id)
    .map(({ ack, window }) => ack + window);
  assertEquals(windows, [1 + WHOLE]);
});

Deno.test("of a peer that is not admitted few holes are kept, of one that is some thousands", () => {
  for (const [admitted, most] of [[false, 8], [true, 4_096]] as const) {
    const receiver = new Receiver();
    const [stranger] = strangers(receiver, 1);
    if (admitted) receiver.demultiplexer.accept(stranger.connection!);
    let acked = 0;
    for (let i = 1; i <= 5_000; i++) {
      const letters = stranger.say({
        flags: Flag.PSH,
        seq: 1 + 2 * i,
        payload: Uint8Array.of(1),
      });
      const [newest] = draftOf(letters.at(-1)!.datagram).blocks;
      if (newest[1] === i + 1) acked++;
    }
    assertEquals(acked, most, "what is not kept is not acknowledged");
    // The hole itself is always taken.
    stranger.say({ flags: Flag.PSH, seq: 1, payload: new Uint8Array(2) });
    assertEquals(stranger.connection!.readable, 3);
  }
});

Deno.test("what strangers write far apart takes little memory", () => {
  const receiver = new Receiver();
  const before = Deno.memoryUsage();
  const all = strangers(receiver, 200);
  for (const stranger of all) {
    for (let at = 1; at < stranger.edge; at += BLOCK) {
      const payload = Uint8Array.of(1);
      stranger.say({ flags: Flag.BLOCKED, seq: at, payload });
      stranger.say({ flags: Flag.BLOCKED, seq: stranger.edge - 1, payload });
    }
  }
  const after = Deno.memoryUsage();
  const grown = after.external + after.heapUsed - before.external -
    before.heapUsed;
  // With what is not collected yet; a window that grew, with a block for each byte, would be gigabytes.
  assert(grown < 40e6, `${grown} bytes`);
});

Deno.test("SYN and RST in turn soon meet a cookie", () => {
  const receiver = new Receiver();
  let begun = 0;
  for (let id = 1; id <= 1_000; id++) {
    const from = { hostname: `forged ${id}`, port: 1 };
    receiver.hear(knock(id), from);
    if (receiver.demultiplexer.nextIncoming() !== undefined) begun++;
    const payload = Uint8Array.of(Reset.ABORTED);
    const reset = { flags: Flag.RST, idHigh: 9, idLow: id, payload };
    receiver.hear(datagramOf({ ...reset, packetNumber: 2 }), from);
    receiver.pass(1);
  }
  // In one second.
  assert(begun > 0 && begun < 50, `${begun} handshakes begun`);
});

Deno.test("when the places are taken one that was admitted is not given up", () => {
  const receiver = new Receiver({ halfOpenPlaces: 10, maxConnections: 2 });
  const [first] = strangers(receiver, 1);
  first.say({});
  assert(receiver.demultiplexer.accept(first.connection!));
  for (let id = 10; id < 100; id++) new Stranger(receiver, id).open();
  assertEquals(first.connection!.closeReason, undefined);
  assertEquals(receiver.demultiplexer.size, 11);
});

Deno.test("who loses its place begins anew by repeating its SYN", () => {
  const receiver = new Receiver({ halfOpenPlaces: 10 });
  const [first] = strangers(receiver, 1);
  for (let id = 10; id < 40; id++) new Stranger(receiver, id).open();
  assertEquals(first.connection!.closeReason, "displaced");
  first.open();
  assertEquals([first.syns, first.connection?.closeReason], [2, undefined]);
});

for (const rate of [20, 100, 400, 1_000]) {
  for (const where of ["one address", "the sender's address", "many"]) {
    for (const says of ["nothing", "that it is there"]) {
      Deno.test(`an honest sender 100 ms away gets in beside ${rate} SYNs a second that answer cookies, from ${where}, and then say ${says}`, () => {
        crowded({ rate, where, answers: says !== "nothing" });
      });
    }
  }
}

/** An honest sender begins when strangers have come for some seconds, and is in within five. */
function crowded(
  { rate, where, answers }: { rate: number; where: string; answers: boolean },
): void {
  const receiver = new Receiver();
  const honest = new TestEndpoint("honest", 77);
  const addressOf = (id: number) => {
    if (where === "many") return `127.0.${id >> 8 & 255}.${id & 255}`;
    return where === "one address" ? "attacker" : "honest";
  };
  const delayed: { at: number; deliver: () => void }[] = [];
  const later = (deliver: () => void) =>
    delayed.push({ at: receiver.now + 50, deliver });
  const post = (letters: Datagram[]) => {
    for (const { datagram, to } of letters) {
      if (to.hostname !== "honest" || to.port !== 5000) continue;
      later(() =>
        honest.demultiplexer.receive(receiver.now, datagram, {
          hostname: "receiver",
          port: 5000,
        })
      );
    }
  };
  const start = receiver.now;
  const begin = start + (rate < 100 ? 10_000 : 2_000);
  let near: Connection | undefined;
  let id = 0;
  const seen = new Set<Connection>();
  for (; receiver.now < begin + 5_000;) {
    receiver.now++;
    receiver.demultiplexer.wake(receiver.now);
    post(receiver.pollAll());
    while (id < (receiver.now - start) * rate / 1_000) {
      const address = { hostname: addressOf(++id), port: 10_000 + id % 50_000 };
      const stranger = new Stranger(receiver, id, address);
      stranger.open();
      if (stranger.connection) seen.add(stranger.connection);
      if (answers) stranger.say({});
    }
    if (receiver.now >= begin && near === undefined) {
      const to = { hostname: "receiver", port: 5000 };
      near = honest.demultiplexer.connect(receiver.now, to);
      near.write(new Uint8Array(100));
    }
    honest.demultiplexer.wake(receiver.now);
    for (const { datagram } of honest.pollAll(receiver.now)) {
      later(() => {
        receiver.demultiplexer.receive(receiver.now, datagram, honest.address);
        post(receiver.pollAll());
      });
    }
    while (delayed.length > 0 && delayed[0].at <= receiver.now) {
      delayed.shift()!.deliver();
    }
    // The handshake above: a HELLO is answered, and then FINISHED makes it.
    for (;;) {
      const connection = receiver.demultiplexer.nextIncoming();
      if (connection === undefined) break;
      seen.add(connection);
    }
    for (const connection of seen) {
      if (connection.closeReason !== undefined) seen.delete(connection);
      else if (connection.idLow === near?.idLow) {
        const length = connection.read(new Uint8Array(1_000));
        if (length === 100) connection.write(new Uint8Array(100));
        if (length === 50) {
          return assert(receiver.demultiplexer.accept(connection));
        }
      }
    }
    if (near && near.read(new Uint8Array(100)) === 100) {
      near.write(new Uint8Array(50));
    }
    post(receiver.pollAll());
  }
  throw new Error("It did not get in");
}
