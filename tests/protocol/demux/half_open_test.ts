import { assert, assertEquals } from "@std/assert";
import { HalfOpenTable } from "../../../lib/protocol/demux/half_open.ts";

Deno.test("the source with the most half-open connections loses its oldest", () => {
  const table = new HalfOpenTable<string>(5);
  table.add(1, "first of many", "many");
  table.add(2, "alone", "one");
  table.add(3, "second of many", "many");
  assertEquals(table.displace(), "first of many");
  // Now both have one: the older goes.
  assertEquals(table.displace(), "alone");
  assertEquals(table.displace(), "second of many");
  assertEquals(table.displace(), undefined);
});

Deno.test("a connection whose peer's address is validated becomes the newest of its source", () => {
  const table = new HalfOpenTable<string>(5);
  const first = table.add(1, "first", "one");
  table.add(2, "second", "one");
  table.renew(3, first);
  assertEquals([table.displace(), table.displace()], ["second", "first"]);
});

Deno.test("a half-open connection that has ended counts for a second, and is displaced before any other", () => {
  const table = new HalfOpenTable<string>(2);
  table.add(0, "alive", "one");
  const ended = table.add(0, "ended", "two");
  table.end(500, ended);
  assert(table.isFull(1_499));
  assertEquals(table.size(1_500), 1);
  const again = table.add(1_500, "ended again", "two");
  table.end(1_500, again);
  assertEquals(table.displace(), undefined);
  assertEquals(table.size(1_600), 1);
  assertEquals(table.displace(), "alive");
});

Deno.test("a connection that is accepted no longer counts, even when it has ended", () => {
  const table = new HalfOpenTable<string>(2);
  const slot = table.add(0, "accepted", "one");
  table.remove(slot);
  table.end(0, slot);
  assertEquals(table.size(0), 0);
});

Deno.test("two connections at a time have a whole window, until they are accepted or end", () => {
  const table = new HalfOpenTable<string>(5);
  const [first, second] = [table.add(0, "a", "one"), table.add(0, "b", "one")];
  const third = table.add(0, "c", "one");
  assertEquals([first, second, third].map((slot) => slot.hasWholeWindow), [
    true,
    true,
    false,
  ]);
  table.remove(first);
  table.end(0, second);
  table.end(0, third);
  assert(table.add(0, "d", "one").hasWholeWindow);
  assert(table.add(0, "e", "one").hasWholeWindow);
  assert(!table.grantsWholeWindow);
});
