import { createHmac } from "node:crypto";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  AddressValidation,
  COOKIE_SIZE,
} from "../../../lib/protocol/demux/address_validation.ts";

const ADDRESS = { hostname: "192.0.2.1", port: 5000 };
/** Milliseconds for which a cookie is good at least, and at most. */
const GOOD_FOR = 15_000;
const BAD_AFTER = 30_000;

const validation = new AddressValidation(new Uint8Array(32).fill(7));
const SYN = { from: ADDRESS, id: 2 ** 30 + 2 };
const cookie = validation.issue(1_000, SYN);

Deno.test("a cookie ends with the HMAC-SHA-256 of what it is bound to", () => {
  const key = new Uint8Array(32).fill(7);
  const hmac = createHmac("sha256", key)
    .update(cookie.subarray(0, 4))
    .update(Uint8Array.of(64, 0, 0, 2, 5000 >> 8, 5000 & 255))
    .update(ADDRESS.hostname);
  const digest = new Uint8Array(hmac.digest());
  assertEquals([...cookie.subarray(4)], [...digest.subarray(0, 16)]);
});

Deno.test("a cookie is accepted for the SYN it was issued for", () => {
  assertEquals(cookie.length, COOKIE_SIZE);
  assert(validation.accepts(1_000, SYN, cookie));
});

Deno.test("a cookie is refused for another address, port or connection", () => {
  const elsewhere = { ...ADDRESS, hostname: "192.0.2.2" };
  const another = { ...ADDRESS, port: 5001 };
  const farther = { ...ADDRESS, port: 5000 + 256 };
  assert(!validation.accepts(1_000, { ...SYN, from: elsewhere }, cookie));
  assert(!validation.accepts(1_000, { ...SYN, from: another }, cookie));
  assert(!validation.accepts(1_000, { ...SYN, from: farther }, cookie));
  assert(!validation.accepts(1_000, { ...SYN, id: 2 }, cookie));
  assert(!validation.accepts(1_000, { ...SYN, id: 2 ** 30 + 3 }, cookie));
});

Deno.test("a cookie expires", () => {
  for (let issued = 0; issued < GOOD_FOR; issued += 1_000) {
    const fresh = validation.issue(issued, SYN);
    assert(validation.accepts(issued + GOOD_FOR, SYN, fresh));
    assert(!validation.accepts(issued + BAD_AFTER, SYN, fresh));
  }
});

Deno.test("a cookie from the future is refused", () => {
  const early = validation.issue(100_000, SYN);
  assert(!validation.accepts(1_000, SYN, early));
});

Deno.test("each bit of a cookie counts, and so does its length", () => {
  for (let bit = 0; bit < 8 * cookie.length; bit++) {
    const forged = cookie.slice();
    forged[bit >> 3]! ^= 1 << (bit & 7);
    assert(!validation.accepts(1_000, SYN, forged));
  }
  for (const length of [0, 1, COOKIE_SIZE - 1]) {
    assert(!validation.accepts(1_000, SYN, cookie.subarray(0, length)));
  }
  const longer = new Uint8Array([...cookie, 0]);
  assert(!validation.accepts(1_000, SYN, longer));
});

Deno.test("a cookie made with another key is refused", () => {
  const other = new AddressValidation(new Uint8Array(32).fill(8));
  const forged = other.issue(1_000, SYN);
  assertNotEquals(forged, cookie);
  assert(!validation.accepts(1_000, SYN, forged));
});
