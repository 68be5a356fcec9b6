import { assert, assertEquals } from "@std/assert";
import { Mapper } from "../../lib/mapping/mapper.ts";
import { bytesOf } from "../support/bytes.ts";

const NONCE = bytesOf("0102030405060708090a0b0c");
const OUTSIDE = [203, 0, 113, 7];

/** How a gateway behaves. */
interface Behaviour {
  pcp?: boolean;
  natPmp?: boolean;
  /** The code of its results. */
  result?: number;
  /** Milliseconds to an answer. */
  delay?: number;
  nonce?: Uint8Array;
  port?: number;
  /** Seconds granted. */
  lifetime?: number;
  /** Whether it says which versions it does not know. */
  saysUnsupported?: boolean;
}

/** A gateway, and the time. */
class World {
  now = 1000;
  readonly mapper = new Mapper(this.now, {
    client: Uint8Array.of(192, 168, 1, 7),
    port: 5000,
    nonce: NONCE,
  });
  /** What is mapped, by the port inside. */
  readonly mapped = new Map<number, number>();
  /** When which datagrams came. */
  readonly requests: { at: number; datagram: Uint8Array }[] = [];
  behaviour: Behaviour;
  readonly #answers: { at: number; datagram: Uint8Array }[] = [];

  constructor(behaviour: Behaviour) {
    this.behaviour = behaviour;
  }

  /** Lets time pass until then. */
  run(until: number): void {
    for (;;) {
      this.#poll();
      const [answer] = this.#answers.toSorted((a, b) => a.at - b.at);
      const next = Math.min(answer?.at ?? Infinity, this.mapper.deadline);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (answer !== undefined && answer.at <= this.now) {
        this.#answers.splice(this.#answers.indexOf(answer), 1);
        this.mapper.receive(this.now, answer.datagram);
      }
    }
    this.now = until;
  }

  #poll(): void {
    for (;;) {
      const datagram = this.mapper.poll(this.now);
      if (datagram === undefined) return;
      this.requests.push({ at: this.now, datagram });
      const answer = datagram[0] === 2
        ? this.#pcp(datagram)
        : this.#natPmp(datagram);
      if (answer === undefined) continue;
      const at = this.now + (this.behaviour.delay ?? 5);
      this.#answers.push({ at, datagram: answer });
    }
  }

  #pcp(datagram: Uint8Array): Uint8Array | undefined {
    const { pcp, result = 0, saysUnsupported } = this.behaviour;
    if (!pcp) {
      return saysUnsupported ? bytesOf("00810001" + "00000001") : undefined;
    }
    const answer = datagram.slice();
    const view = new DataView(answer.buffer);
    answer[1]! |= 0x80;
    answer[3] = result;
    const wanted = view.getUint32(4);
    const granted = Math.min(wanted, this.behaviour.lifetime ?? wanted);
    view.setUint32(4, granted);
    answer.set(this.behaviour.nonce ?? NONCE, 24);
    view.setUint16(42, this.behaviour.port ?? view.getUint16(42));
    answer.set(OUTSIDE, 56);
    if (result === 0) this.#map(5000, view.getUint16(42), wanted);
    return answer;
  }

  #natPmp(datagram: Uint8Array): Uint8Array | undefined {
    const { natPmp, result = 0, saysUnsupported } = this.behaviour;
    if (!natPmp) {
      return saysUnsupported
        ? bytesOf("02800001" + "00".repeat(20))
        : undefined;
    }
    const answer = new Uint8Array(datagram[1] === 0 ? 12 : 16);
    const view = new DataView(answer.buffer);
    answer[1] = 0x80 | datagram[1]!;
    answer[3] = result;
    if (datagram[1] === 0) {
      answer.set(OUTSIDE, 8);
      return answer;
    }
    const lifetime = new DataView(datagram.buffer).getUint32(8);
    const port = this.behaviour.port ?? 5000;
    answer.set(datagram.subarray(4, 6), 8);
    view.setUint16(10, port);
    view.setUint32(12, Math.min(lifetime, this.behaviour.lifetime ?? lifetime));
    if (result === 0) this.#map(5000, port, lifetime);
    return answer;
  }

  #map(inside: number, outside: number, lifetime: number): void {
    if (lifetime === 0) this.mapped.delete(inside);
    else this.mapped.set(inside, outside);
  }

  /** Ends, and lets the gateway answer that. */
  close(): void {
    this.mapper.close(this.now);
    this.run(this.now + 1000);
  }
}

for (
  const [protocol, behaviour] of [
    ["PCP", { pcp: true }],
    ["PCP", { pcp: true, natPmp: true }],
    ["NAT-PMP", { natPmp: true }],
    ["NAT-PMP", { natPmp: true, saysUnsupported: true }],
  ] as const
) {
  const name = JSON.stringify(behaviour);
  Deno.test(`a port is mapped by ${protocol}, and deleted at the end: ${name}`, () => {
    const world = new World(behaviour);
    world.run(1250);
    assertEquals(world.mapper.state, "mapped");
    assertEquals(world.mapper.mapping, {
      protocol,
      address: "203.0.113.7",
      port: 5000,
      lifetime: 600,
    });
    assertEquals([...world.mapped], [[5000, 5000]]);
    world.close();
    assertEquals(world.mapper.state, "closed");
    assertEquals([...world.mapped], []);
  });

  Deno.test(`a mapping by ${protocol} is renewed before half of its lifetime: ${name}`, () => {
    const world = new World({ ...behaviour, lifetime: 120 });
    world.run(1250);
    const before = world.requests.length;
    world.run(1000 + 1_000_000);
    const times = world.requests.slice(before).map(({ at }) => at);
    assert(times.length > 15, `${times}`);
    for (const [at, time] of times.entries()) {
      assert(time - (times[at - 1] ?? 1000) < 60_250, `${times}`);
    }
    assertEquals(world.mapper.state, "mapped");
  });
}

Deno.test("a gateway that gives another port than asked for is taken at its word", () => {
  for (const behaviour of [{ pcp: true }, { natPmp: true }]) {
    const world = new World({ ...behaviour, port: 41_000 });
    world.run(1250);
    assertEquals(world.mapper.mapping?.port, 41_000);
    world.close();
    assertEquals([...world.mapped], []);
  }
});

Deno.test("a gateway that says nothing is not waited for longer than 250 ms", () => {
  const world = new World({});
  world.run(1249);
  assertEquals(world.mapper.state, "asking");
  world.run(1250);
  assertEquals(world.mapper.state, "silent");
  assertEquals(world.mapper.deadline, Infinity);
  assertEquals(world.requests.length, 6);
  world.mapper.close(world.now);
  assertEquals(world.mapper.state, "closed");
});

Deno.test("an answer that comes too late has its mapping deleted", () => {
  const world = new World({ pcp: true, delay: 400 });
  world.run(1300);
  assertEquals(world.mapper.state, "silent");
  assertEquals(world.mapped.size, 1);
  world.run(3000);
  assertEquals(world.mapper.mapping, undefined);
  assertEquals([...world.mapped], []);
});

Deno.test("what grants an earlier request is not taken for the answer to its deletion", () => {
  const world = new World({ pcp: true, delay: 50 });
  world.run(1010);
  world.mapper.close(world.now);
  world.run(1055);
  assertEquals(world.mapper.state, "deleting");
  world.run(1065);
  assertEquals(world.mapper.state, "closed");
});

Deno.test("what was asked in vain is deleted at the end all the same", () => {
  const world = new World({ pcp: true, delay: 10_000 });
  world.run(1300);
  world.close();
  assertEquals([...world.mapped], []);
});

Deno.test("an answer with a wrong nonce is no answer (RFC 6887, section 11.4)", () => {
  const nonce = bytesOf("0102030405060708090a0b0d");
  const world = new World({ pcp: true, nonce });
  world.run(1300);
  assertEquals(world.mapper.state, "silent");
});

Deno.test("a refusal says why, and nothing is deleted after it", () => {
  for (const behaviour of [{ pcp: true }, { natPmp: true }]) {
    const world = new World({ ...behaviour, result: 2 });
    world.run(1700);
    assertEquals([world.mapper.state, world.mapper.result], ["refused", 2]);
    const asked = world.requests.length;
    world.close();
    assertEquals(world.requests.length, asked);
  }
});

Deno.test("a gateway that speaks neither protocol and says so is no gateway for this", () => {
  const world = new World({ saysUnsupported: true });
  world.run(1700);
  assert(["refused", "silent"].includes(world.mapper.state));
});

Deno.test("a mapping that cannot be renewed has expired with its lifetime, and few requests were sent for it", () => {
  const world = new World({ pcp: true });
  world.run(1250);
  world.behaviour = {};
  world.run(1000 + 599_000);
  assertEquals(world.mapper.state, "mapped");
  world.run(1000 + 601_000);
  assertEquals(world.mapper.state, "expired");
  assertEquals(world.mapper.mapping, undefined);
  assert(world.requests.length < 30, `${world.requests.length}`);
});

Deno.test("a lifetime without end, or of nothing, is neither waited for nor believed", () => {
  const endless = new World({ pcp: true });
  endless.run(1001);
  const answer = endless.requests[0]!.datagram.slice();
  answer[1]! |= 0x80;
  answer.set([255, 255, 255, 255], 4);
  answer.set(OUTSIDE, 56);
  endless.mapper.receive(1002, answer);
  assertEquals(endless.mapper.mapping?.lifetime, 86_400);
  const nothing = new World({ pcp: true, lifetime: 0 });
  nothing.run(1300);
  assertEquals(nothing.mapper.state, "refused");
});
