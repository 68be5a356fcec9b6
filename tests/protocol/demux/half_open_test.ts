import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/prng.ts";
import {
  HalfOpen,
  HandshakeBudget,
  sourceOf,
} from "../../../lib/protocol/demux/half_open.ts";

Deno.test("who has most places gives up its oldest", () => {
  const places = new HalfOpen<string>(5);
  places.take(1, "first of many", "many");
  places.take(2, "lonely", "one");
  places.take(3, "second of many", "many");
  assertEquals(places.giveUp(), "first of many");
  // Now both have one: the older goes.
  assertEquals(places.giveUp(), "lonely");
  assertEquals(places.giveUp(), "second of many");
  assertEquals(places.giveUp(), undefined);
});

Deno.test("who gets on with the handshake is the newest of its source", () => {
  const places = new HalfOpen<string>(5);
  const first = places.take(1, "first", "one");
  places.take(2, "second", "one");
  places.renew(3, first);
  assertEquals([places.giveUp(), places.giveUp()], ["second", "first"]);
});

Deno.test("a half-open connection that ended counts for a second, and is given up before any other", () => {
  const places = new HalfOpen<string>(2);
  places.take(0, "alive", "one");
  const ended = places.take(0, "ended", "two");
  places.end(500, ended);
  assert(places.isFull(1_499));
  assertEquals(places.size(1_500), 1);
  const again = places.take(1_500, "ended again", "two");
  places.end(1_500, again);
  assertEquals(places.giveUp(), undefined);
  assertEquals(places.size(1_600), 1);
  assertEquals(places.giveUp(), "alive");
});

Deno.test("who leaves its place for a better one leaves it at once", () => {
  const places = new HalfOpen<string>(2);
  const place = places.take(0, "admitted", "one");
  places.free(place);
  places.end(0, place);
  assertEquals(places.size(0), 0);
});

Deno.test("handshakes without a proved address are few, in all and for each source", () => {
  const budget = new HandshakeBudget(() => 0);
  let begun = 0;
  for (let i = 0; i < 1_000; i++) if (budget.take(i, "one")) begun++;
  assert(begun >= 8 && begun <= 17, `${begun} of one source`);
  const spread = new HandshakeBudget(() => 0);
  begun = 0;
  for (let i = 0; i < 1_000; i++) if (spread.take(i, `source ${i}`)) begun++;
  assert(begun >= 32 && begun <= 48, `${begun} of many`);
});

Deno.test("of handshakes with proved addresses some hundred a second are begun, whoever comes when", () => {
  const random = new Random(3);
  for (const [rate, least, most] of [[100, 100, 100], [4_000, 150, 320]]) {
    const budget = new HandshakeBudget(() => random.uint32());
    let begun = 0;
    let unlucky = 0;
    for (let i = 0; i < 10 * rate; i++) {
      const now = 1_000 * i / rate;
      const begins = budget.takeValidated(now);
      if (begins) begun++;
      // One who comes right after somebody else, each time.
      if (i % 500 === 0 && !budget.takeValidated(now)) unlucky++;
    }
    assert(begun >= 10 * least && begun <= 10 * most, `${begun} of ${rate}`);
    assert(unlucky < 10 * rate / 500);
  }
});

Deno.test("a source is an IPv4 address or an IPv6 network", () => {
  assertEquals(sourceOf("192.0.2.7"), "192.0.2.7");
  assertEquals(sourceOf("::ffff:192.0.2.7"), "192.0.2.7");
  const network = sourceOf("2001:db8:1:2:3:4:5:6");
  assertEquals(sourceOf("2001:db8:1:2::1"), network);
  assertEquals(sourceOf("2001:0db8:1:2:ffff::"), network);
  assert(sourceOf("2001:db8:1:3::1") !== network);
  assertEquals(sourceOf("fe80::1%eth0"), sourceOf("fe80::2"));
  assertEquals(sourceOf("::1"), sourceOf("::"));
});
