import { assert, assertEquals, assertThrows } from "@std/assert";
import { Link } from "./link.ts";
import { Network, type Node } from "./network.ts";

/** Sends what is put into its outbox, and keeps what it receives. */
class Mailbox implements Node {
  readonly outbox: { to: string; text: string }[] = [];
  readonly inbox: { now: number; from: string; text: string }[] = [];
  wakeTimes: number[] = [];

  receive(now: number, datagram: Uint8Array, from: string): void {
    this.inbox.push({ now, from, text: new TextDecoder().decode(datagram) });
  }

  poll(_now: number, into: Uint8Array) {
    const next = this.outbox.shift();
    if (!next) return undefined;
    const { written } = new TextEncoder().encodeInto(next.text, into);
    return { length: written, to: next.to };
  }

  nextWake(): number {
    return this.wakeTimes[0] ?? Infinity;
  }

  wake(now: number): void {
    this.wakeTimes.shift();
    this.inbox.push({ now, from: "clock", text: "" });
  }
}

function pair(...links: Link[]) {
  const network = new Network();
  const a = new Mailbox();
  const b = new Mailbox();
  network.add("a", a);
  network.add("b", b);
  network.route("a", "b", ...links);
  network.route("b", "a", ...links);
  return { network, a, b };
}

Deno.test("a datagram arrives at the time that its link says", () => {
  const { network, a, b } = pair(new Link({ delay: 10, rate: 1 }, 1));
  a.outbox.push({ to: "b", text: "one" }, { to: "b", text: "two" });
  network.run(Infinity);
  assertEquals(b.inbox, [
    { now: 13, from: "a", text: "one" },
    { now: 16, from: "a", text: "two" },
  ]);
});

Deno.test("links of a route add up", () => {
  const { network, a, b } = pair(
    new Link({ delay: 1 }, 1),
    new Link({ delay: 10, rate: 1 }, 2),
    new Link({ delay: 100 }, 3),
  );
  a.outbox.push({ to: "b", text: "four" });
  network.run(Infinity);
  assertEquals(b.inbox, [{ now: 115, from: "a", text: "four" }]);
});

Deno.test("flows of several nodes queue before a bottleneck they share", () => {
  const { network, a, b } = pair();
  const other = new Mailbox();
  network.add("c", other);
  const bottleneck = new Link({ rate: 1 }, 1);
  network.route("a", "b", new Link({ delay: 5 }, 2), bottleneck);
  network.route("c", "b", bottleneck);
  a.outbox.push({ to: "b", text: "from a" });
  other.outbox.push({ to: "b", text: "from c, and longer" });
  network.run(Infinity);
  assertEquals(b.inbox.map(({ now, from }) => [now, from]), [
    [18, "c"],
    [24, "a"],
  ]);
});

Deno.test("a node is woken when it asked to be, and not before", () => {
  const { network, a } = pair();
  a.wakeTimes = [5, 7.5, 30];
  network.run(20);
  assertEquals(a.inbox.map(({ now }) => now), [5, 7.5]);
  assertEquals(network.now, 20);
});

Deno.test("a run ends as soon as its condition holds", () => {
  const { network, a, b } = pair(new Link({ delay: 10 }, 1));
  a.outbox.push({ to: "b", text: "x" });
  a.wakeTimes = [50];
  assert(network.run(1_000, () => b.inbox.length > 0));
  assertEquals(network.now, 10);
  assert(!network.run(1_000, () => b.inbox.length > 1));
  assertEquals(network.now, 1_000);
});

Deno.test("a run ends when nothing will ever happen again", () => {
  const { network } = pair();
  assert(!network.run(Infinity));
  assertEquals(network.now, 0);
});

Deno.test("what a node got to send between two runs is sent", () => {
  const { network, a, b } = pair(new Link({ delay: 1 }, 1));
  network.run(100);
  a.outbox.push({ to: "b", text: "late" });
  network.run(200);
  assertEquals(b.inbox, [{ now: 101, from: "a", text: "late" }]);
});

Deno.test("copies and damage reach the node, the original is left alone", () => {
  const { network, a, b } = pair(new Link({ duplicate: 1, corrupt: 0.5 }, 1));
  const text = "a".repeat(100);
  for (let i = 0; i < 100; i++) a.outbox.push({ to: "b", text });
  network.run(Infinity);
  assertEquals(b.inbox.length, 200);
  const whole = b.inbox.filter((letter) => letter.text === text).length;
  assert(whole > 60 && whole < 140);
});

Deno.test("what is on its way to an address that its node left is lost", () => {
  const { network, a, b } = pair(new Link({ delay: 10 }, 1));
  a.outbox.push({ to: "b", text: "one" });
  b.outbox.push({ to: "a", text: "two" });
  network.run(5);
  network.readdress("b", "b2");
  a.outbox.push({ to: "b", text: "three" }, { to: "b2", text: "four" });
  b.outbox.push({ to: "a", text: "five" });
  network.run(Infinity);
  assertEquals(b.inbox.map(({ text }) => text), ["four"]);
  assertEquals(a.inbox.map(({ from, text }) => [from, text]), [
    ["b", "two"],
    ["b2", "five"],
  ]);
});

Deno.test("an onlooker sees every datagram sent, delivered and dropped", () => {
  const { network, a, b } = pair(new Link({ delay: 2 }, 1));
  const dead = new Link({ loss: 1 }, 1);
  network.route("b", "a", dead);
  const seen: string[] = [];
  network.onSighting = ({ what, now, from, to }) =>
    seen.push(`${now} ${what} ${from} ${to}`);
  a.outbox.push({ to: "b", text: "x" }, { to: "nowhere", text: "y" });
  b.outbox.push({ to: "a", text: "z" });
  network.run(Infinity);
  assertEquals(seen, [
    "0 sent a b",
    "0 sent a nowhere",
    "0 dropped a nowhere",
    "0 sent b a",
    "0 dropped b a",
    "2 delivered a b",
  ]);
});

Deno.test("nodes that are busy without end are found out", () => {
  const { network, a } = pair();
  a.nextWake = () => 3;
  assertThrows(() => network.run(10), Error, "at 3 ms");

  const other = pair(new Link({}, 1));
  other.a.poll = () => ({ length: 1, to: "b" });
  assertThrows(() => other.network.run(10), Error, "a sends without end");
});
