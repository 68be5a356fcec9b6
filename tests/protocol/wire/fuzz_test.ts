import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import {
  decodeSegment,
  Flag,
  MAX_SACK_BLOCKS,
  Reset,
  Segment,
} from "../../../lib/protocol/wire/segment.ts";
import { Link } from "../../net/link.ts";
import { Network, type Node } from "../../net/network.ts";
import { type Breed, Mutator } from "./mutator.ts";
import { Peer, type PeerOptions } from "../support/peer.ts";
import { datagramOf, mend } from "../../support/packets.ts";

const TIMEOUT = 5_000;
const WINDOW = 20_000;

/** A peer that gets mutants along with the datagrams that reach it, once a millisecond at most. */
class Target implements Node {
  readonly peer: Peer;
  readonly #mutator: Mutator;
  readonly #litter: number;
  #nextTime = 0;
  /** Mutants that it got. */
  mutants = 0;
  /** Whether there are any more. */
  fuzzing = true;

  constructor(peer: Peer, mutator: Mutator, litter: number) {
    this.peer = peer;
    this.#mutator = mutator;
    this.#litter = litter;
  }

  receive(now: number, datagram: Uint8Array, from: string): void {
    this.#mutator.show(datagram);
    if (this.fuzzing && now >= this.#nextTime) this.#fuzz(now, from);
    this.peer.receive(now, datagram, from);
    const { connection } = this.peer;
    assert((connection?.readable ?? 0) <= WINDOW);
  }

  #fuzz(now: number, from: string): void {
    // Or the answers to mutants would bring more and more of them.
    this.#nextTime = now + 1;
    for (let i = 0; i < this.#litter; i++) {
      this.peer.receive(now, this.#mutator.next(), from);
      this.mutants++;
    }
  }

  poll(now: number, into: Uint8Array) {
    return this.peer.poll(now, into);
  }

  nextWake(): number {
    return this.peer.nextWake();
  }

  wake(now: number): void {
    this.peer.wake(now);
  }
}

/** Two peers that send each other some bytes while mutants rain on both. */
class Run {
  readonly client: Target;
  readonly server: Target;
  readonly network = new Network();

  constructor(seed: number, breed: Breed, litter: number) {
    const options: PeerOptions = {
      seed: 1,
      bytes: 20_000,
      config: {
        timeout: TIMEOUT,
        maxDatagramSize: 1_472,
        initialWindow: WINDOW,
        maxWindow: WINDOW,
      },
    };
    const client = new Peer(options, 2);
    const server = new Peer({ ...options, seed: 2 }, 1);
    server.demultiplexer.listening = true;
    this.client = new Target(client, new Mutator(2 * seed, breed), litter);
    this.server = new Target(server, new Mutator(2 * seed + 1, breed), litter);
    const { network } = this;
    network.add("client", this.client);
    network.add("server", this.server);
    const conditions = { delay: 5, jitter: 2, loss: 0.02 };
    network.route("client", "server", new Link(conditions, 2 * seed));
    network.route("server", "client", new Link(conditions, 2 * seed + 1));
    client.connect(0, "server");
  }

  get peers(): Peer[] {
    return [this.client.peer, this.server.peer];
  }

  get mutants(): number {
    return this.client.mutants + this.server.mutants;
  }

  /** Runs until both have ended, or for so many ms. */
  until(time: number): boolean {
    const { network, peers } = this;
    return network.run(time, () => peers.every((peer) => peer.ended));
  }

  stopFuzzing(): void {
    this.client.fuzzing = this.server.fuzzing = false;
  }
}

/** Lets mutants rain until there were `count`, over transfers that must not mind. */
function unharmed(breed: Breed, count: number): void {
  let mutants = 0;
  for (let seed = 1; mutants < count; seed++) {
    const run = new Run(seed, breed, 60);
    assert(run.until(600_000), `seed ${seed} never ended`);
    for (const { connection, read, wrongAt } of run.peers) {
      assertEquals(connection?.closeReason, "done", `seed ${seed}`);
      assertEquals([read, wrongAt], [20_000, undefined], `seed ${seed}`);
    }
    mutants += run.mutants;
    // Whatever the mutants opened is given up.
    run.stopFuzzing();
    run.network.run(run.network.now + 3 * TIMEOUT);
    for (const { demultiplexer } of run.peers) {
      assertEquals(demultiplexer.deadline, Infinity);
    }
  }
}

Deno.test("400,000 random and mutated datagrams are decoded or refused, within every bound", () => {
  const random = new Prng(1);
  const noise = random.bytes(70_000);
  const mutator = new Mutator(2, { mended: true, id: "any" });
  for (let i = 0; i < 64; i++) mutator.show(someDatagram(random));
  const segment = new Segment();
  let decoded = 0;
  for (let i = 0; i < 400_000; i++) {
    const datagram = i % 4 === 0 ? someNoise(random, noise) : mutator.next();
    if (decodeSegment(datagram, segment) !== undefined) continue;
    decoded++;
    checkBounds(segment, datagram);
  }
  assert(decoded > 50_000, `${decoded} were decoded`);
});

/** Noise, half of it with a header and a checksum that pass. */
function someNoise(random: Prng, noise: Uint8Array): Uint8Array {
  const from = random.int(60_000);
  const datagram = noise.subarray(from, from + random.int(200));
  if (datagram.length > 6 && random.int(2) === 0) {
    datagram[6]! &= ~Flag.RST;
    mend(datagram);
  }
  return datagram;
}

/** A well-formed datagram of any kind. */
function someDatagram(random: Prng): Uint8Array {
  const top = 10_000 + random.int(1_000);
  return datagramOf({
    flags: random.int(128),
    packetNumber: 2 ** 31 + random.uint32(),
    seq: 0,
    ack: random.uint32(),
    blocks: Array.from({ length: random.int(20) }, (_, i) => {
      const end = top - 500 * i;
      return [end - 1 - random.int(300), end];
    }),
    cookie: random.bytes(random.int(30)),
    payload: random.bytes(random.int(100)),
  });
}

function checkBounds(segment: Segment, datagram: Uint8Array): void {
  const { packetNumber, floor, seq, payloadOffset } = segment;
  const ack = segment.has(Flag.ACK) ? segment.ack : 0;
  for (const value of [packetNumber, floor, seq, ack]) {
    assert(Number.isSafeInteger(value) && value >= 0);
  }
  assert(floor <= packetNumber);
  assert(payloadOffset + segment.payloadLength <= datagram.length);
  const { blockCount, blockStarts, blockEnds } = segment;
  assert(blockCount <= MAX_SACK_BLOCKS);
  for (let i = 0; i < blockCount; i++) {
    assert(blockStarts[i]! >= 0 && blockStarts[i]! < blockEnds[i]!);
    assert(i === 0 || blockEnds[i]! < blockStarts[i - 1]!);
  }
}

Deno.test("500,000 mutants whose checksum tells do no harm", () => {
  unharmed({ mended: false, id: "any" }, 500_000);
});

Deno.test("300,000 well-formed mutants of other connections do no harm", () => {
  unharmed({ mended: true, id: "wrong" }, 300_000);
});

Deno.test("500,000 well-formed mutants of the connection itself break it at worst", () => {
  let mutants = 0;
  const endings = new Set<string | undefined>();
  for (let seed = 1; mutants < 500_000; seed++) {
    const run = new Run(seed, { mended: true, id: "right" }, 1 + seed % 7);
    run.until(3 * TIMEOUT);
    run.stopFuzzing();
    // They may have been made to wait for each other for ever; nothing else.
    run.until(run.network.now + 3 * TIMEOUT);
    mutants += run.mutants;
    for (const { connection, demultiplexer } of run.peers) {
      endings.add(connection?.closeReason);
      checkTalk(run, seed);
      connection?.abort(Reset.ABORTED);
      while (demultiplexer.poll(run.network.now, new Uint8Array(2_048)));
    }
    run.network.run(run.network.now + 3 * TIMEOUT);
    for (const { demultiplexer } of run.peers) {
      assertEquals(demultiplexer.deadline, Infinity);
    }
  }
  assert(endings.has("done"), `${[...endings]}`);
});

/** No mutant makes a side talk without end. */
function checkTalk(run: Run, seed: number): void {
  const seconds = run.network.now / 1_000;
  for (const { connection } of run.peers) {
    if (connection === undefined) continue;
    const { datagramsSent, datagramsReceived } = connection.counters;
    const limit = 200 + 10 * seconds + 4 * datagramsReceived;
    assert(datagramsSent < limit, `seed ${seed}: ${datagramsSent} sent`);
  }
}
