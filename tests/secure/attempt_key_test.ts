import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { Prng } from "../../lib/base/prng.ts";
import {
  AttemptKey,
  isAttemptProof,
  SIGNATURE_SIZE,
} from "../../lib/secure/attempt_key.ts";
import { utf8 } from "../../lib/base/utf8.ts";
import { privateKeyOf, publicBytesOf } from "../../lib/secure/curve_key.ts";
import { bytesOf } from "../support/bytes.ts";

const SECRET = new Uint8Array(32).fill(7);
const BINDING = new Uint8Array(32).fill(9);

Deno.test("the keys of RFC 8032, section 7.1, follow from their seeds", () => {
  const vectors = [
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ],
  ];
  for (const [seed, publicKey] of vectors) {
    const key = privateKeyOf("Ed25519", bytesOf(seed!));
    assertEquals(publicBytesOf(key), bytesOf(publicKey!));
  }
});

Deno.test("a key is that of the seed which HKDF makes of secret and context", async () => {
  const secret = await crypto.subtle
    .importKey("raw", SECRET, "HKDF", false, ["deriveBits"]);
  const hkdf = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(0),
    info: utf8("photos\0notes.txt"),
  };
  const seed = await crypto.subtle.deriveBits(hkdf, secret, 256);
  assertEquals(
    new AttemptKey(SECRET, "photos\0notes.txt").publicKey,
    publicBytesOf(privateKeyOf("Ed25519", new Uint8Array(seed))),
  );
});

Deno.test("a proof is an Ed25519 signature of the prefix and the binding", async () => {
  const key = new AttemptKey(SECRET, "photos");
  const proof = key.prove(BINDING);
  assertEquals(proof.length, SIGNATURE_SIZE);
  const publicKey = await crypto.subtle.importKey(
    "raw",
    key.publicKey.slice(),
    "Ed25519",
    false,
    ["verify"],
  );
  const signed = Uint8Array.of(...utf8("ferry attempt"), ...BINDING);
  assert(
    await crypto.subtle.verify("Ed25519", publicKey, proof.slice(), signed),
  );
});

Deno.test("the same secret and context have the same key, others others", () => {
  const { publicKey } = new AttemptKey(SECRET, "photos");
  assertEquals(new AttemptKey(SECRET.slice(), "photos").publicKey, publicKey);
  assertNotEquals(new AttemptKey(SECRET, "notes").publicKey, publicKey);
  assertNotEquals(new AttemptKey(BINDING, "photos").publicKey, publicKey);
});

Deno.test("a proof counts for its key and its connection alone", () => {
  const key = new AttemptKey(SECRET, "photos");
  const proof = key.prove(BINDING);
  assert(isAttemptProof(key.publicKey, BINDING, proof));
  const elsewhere = new Uint8Array(32).fill(10);
  assert(!isAttemptProof(key.publicKey, elsewhere, proof));
  const { publicKey } = new AttemptKey(SECRET, "notes");
  assert(!isAttemptProof(publicKey, BINDING, proof));
});

Deno.test("a proof with any bit changed is none", () => {
  const key = new AttemptKey(SECRET, "photos");
  const proof = key.prove(BINDING);
  for (let at = 0; at < proof.length; at++) {
    const changed = proof.slice();
    changed[at]! ^= 1 << at % 8;
    assert(!isAttemptProof(key.publicKey, BINDING, changed), `byte ${at}`);
  }
});

Deno.test("malformed keys and proofs are rejected", () => {
  const key = new AttemptKey(SECRET, "photos");
  const proof = key.prove(BINDING);
  const random = new Prng(1);
  for (let i = 0; i < 200; i++) {
    const bytes = () => random.bytes(random.int(100));
    assert(!isAttemptProof(bytes(), BINDING, bytes()));
    assert(!isAttemptProof(random.bytes(32), BINDING, proof));
    assert(!isAttemptProof(key.publicKey, BINDING, random.bytes(64)));
  }
  assert(!isAttemptProof(new Uint8Array(0), BINDING, new Uint8Array(0)));
  assert(!isAttemptProof(key.publicKey, new Uint8Array(0), proof));
});

Deno.test("a key of small order proves nothing", () => {
  // The neutral element and 0: some implementations accept it as a signature of any message
  const anything = Uint8Array.of(1, ...new Uint8Array(63));
  const { length } = ED25519_TORSION_SUBGROUP;
  assertEquals(length, 8);
  for (const key of ED25519_TORSION_SUBGROUP) {
    for (const sign of [0, 0x80]) {
      const weak = bytesOf(key);
      weak[31]! ^= sign;
      for (let i = 0; i < 32; i++) {
        assert(!isAttemptProof(weak, new Uint8Array(32).fill(i), anything));
      }
    }
  }
});
