import { assertEquals, assertNotEquals } from "@std/assert";
import {
  KEY_SHARE_SIZE,
  KeyShare,
} from "../../../lib/secure/handshake/key_share.ts";
import { bytesOf } from "../../support/bytes.ts";

Deno.test("X25519 gives what RFC 7748 gives in section 5.2", () => {
  const VECTORS = [
    {
      scalar:
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
      u: "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      product:
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    },
    {
      scalar:
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
      u: "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
      product:
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    },
  ];
  for (const { scalar, u, product } of VECTORS) {
    const key = KeyShare.of(bytesOf(scalar));
    assertEquals(key.agree(bytesOf(u)), bytesOf(product));
  }
});

Deno.test("Alice and Bob of RFC 7748, section 6.1, agree", () => {
  const alice = KeyShare.of(
    bytesOf("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
  );
  const bob = KeyShare.of(
    bytesOf("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
  );
  assertEquals(
    alice.publicKey,
    bytesOf("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
  );
  assertEquals(
    bob.publicKey,
    bytesOf("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
  );
  const shared = bytesOf(
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  );
  assertEquals(alice.agree(bob.publicKey), shared);
  assertEquals(bob.agree(alice.publicKey), shared);
});

Deno.test("each key is new, and two of them agree", () => {
  const one = KeyShare.generate();
  const other = KeyShare.generate();
  assertEquals(one.publicKey.length, KEY_SHARE_SIZE);
  assertNotEquals(one.publicKey, other.publicKey);
  assertEquals(one.agree(other.publicKey), other.agree(one.publicKey));
});

// S-4
Deno.test("a share that would make any key agree on the same is none", () => {
  // Points of low order: 0, 1, and p - 1.
  const lowOrder = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    `ec${"ff".repeat(30)}7f`,
  ];
  for (const share of lowOrder) {
    assertEquals(KeyShare.generate().agree(bytesOf(share)), undefined);
  }
  assertEquals(KeyShare.generate().agree(new Uint8Array(31)), undefined);
});
