import { assert, assertMatch, assertNotEquals } from "@std/assert";
import {
  makeCodeVerifier,
  matchesCode,
} from "../../../lib/secure/code/code_verifier.ts";

const CODE = "17-walnut-copper-lagoon";

Deno.test("a verifier matches the code it was made of, and no other", () => {
  const verifier = makeCodeVerifier(CODE);
  assert(matchesCode(verifier, CODE));
  for (
    const other of [
      "17-walnut-copper-lagoo",
      "17-walnut-copper-lagoonn",
      "",
      "17",
    ]
  ) {
    assert(!matchesCode(verifier, other), other);
  }
});

Deno.test("a verifier is one line of text, without the code, and another one each time", () => {
  const verifier = makeCodeVerifier(CODE);
  assertMatch(verifier, /^scrypt-4096-8-1:[0-9a-f]{32}:[0-9a-f]{64}$/);
  assertNotEquals(makeCodeVerifier(CODE), verifier);
});

Deno.test("a verifier made by RFC 7914's scrypt elsewhere matches", () => {
  // Python: hashlib.scrypt(b"17-walnut-copper-lagoon", salt=bytes(range(16)), n=4096, r=8, p=1, dklen=32)
  const verifier = "scrypt-4096-8-1:000102030405060708090a0b0c0d0e0f:" +
    "81eb875cd86288dec1fa3489226af47d5618cf05624ea666d4fcb9058c0bcf8b";
  assert(matchesCode(verifier, CODE));
});

Deno.test("a malformed verifier matches nothing and chooses no cost", () => {
  const verifier = makeCodeVerifier(CODE);
  const none = [
    "",
    CODE,
    verifier.slice(0, -1),
    `${verifier}0`,
    `${verifier}\n`,
    verifier.toUpperCase(),
    verifier.replace("4096", "1073741824"),
    verifier.replace("4096", "1"),
    verifier.replace(/:[0-9a-f]{64}/, ":"),
  ];
  for (const text of none) assert(!matchesCode(text, CODE), text);
});
