import { assert, assertEquals } from "@std/assert";
import { AttemptKey } from "../../../lib/secure/attempt_key.ts";
import { isSameOwner, Owners } from "../../../lib/session/receiving/owner.ts";
import type { Offer } from "../../../lib/transfer/wire/messages.ts";

const FILE: Offer = { kind: "file", names: ["x"], count: 1 };

const BINDING = new Uint8Array(32).fill(1);
const KEY = new AttemptKey(new Uint8Array(32).fill(2), "x");

/** An offer whose attempt was proved to a channel of this binding. */
function offerAt(binding: Uint8Array): Offer {
  const attempt = { key: KEY.publicKey, proof: KEY.prove(binding) };
  return { ...FILE, attempt };
}

Deno.test("an attempt's key counts only if it was proved to this very channel", () => {
  using owners = new Owners({ mode: "encrypted" });
  assertEquals(
    owners.of(offerAt(BINDING), BINDING).key,
    KEY.publicKey,
  );
  const relayed = offerAt(new Uint8Array(32).fill(3));
  assertEquals(owners.of(relayed, BINDING).key, undefined);
  assertEquals(owners.of(FILE, BINDING).key, undefined);
});

Deno.test("a sender without a key is recognised by its code", () => {
  using owners = new Owners({ mode: "code", code: "1-right" });
  const owner = owners.of(FILE, BINDING);
  const verifier = owner.code!.verifier();
  assert(!verifier.includes("right"));
  assert(owner.code!.matches(verifier));
  using others = new Owners({ mode: "code", code: "1-wrong" });
  const other = others.of(FILE, BINDING);
  assert(!other.code!.matches(verifier));
});

Deno.test("two senders at once are the same by their key, or by the code", () => {
  const [key, other] = [KEY.publicKey, new Uint8Array(32)];
  const code = { verifier: () => "", matches: () => true };
  assert(isSameOwner({ key }, { key: key.slice() }));
  assert(isSameOwner({ code }, { key, code }));
  assert(!isSameOwner({ key }, { key: other }));
  assert(!isSameOwner({ key }, {}));
  assert(!isSameOwner({}, {}));
});
