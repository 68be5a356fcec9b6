import { assertEquals } from "@std/assert";
import {
  deriveSecret,
  handshakeSecret,
  HASH_SIZE,
  hkdfExpand,
  hkdfExpandLabel,
  hkdfExtract,
  masterSecret,
  nextTrafficSecret,
  NO_SECRET,
  trafficKeys,
  transcriptHash,
  verifyData,
} from "../../../lib/secure/handshake/key_schedule.ts";
import { bytesOf } from "../../support/bytes.ts";

// RFC 5869, appendix A.1 to A.3.
const RFC5869 = [
  {
    ikm: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    salt: "000102030405060708090a0b0c",
    info: "f0f1f2f3f4f5f6f7f8f9",
    length: 42,
    prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    okm: `3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
      34007208d5b887185865`,
  },
  {
    ikm: `000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
      202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f
      404142434445464748494a4b4c4d4e4f`,
    salt: `606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f
      808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f
      a0a1a2a3a4a5a6a7a8a9aaabacadaeaf`,
    info: `b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf
      d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef
      f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff`,
    length: 82,
    prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
    okm: `b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
      59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
      cc30c58179ec3e87c14c01d5c1f3434f1d87`,
  },
  {
    ikm: "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
    salt: "",
    info: "",
    length: 42,
    prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    okm: `8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
      9d201395faa4b61a96c8`,
  },
];

for (const [at, { ikm, salt, info, length, prk, okm }] of RFC5869.entries()) {
  Deno.test(`HKDF gives what RFC 5869 gives in test case ${at + 1}`, () => {
    const extracted = hkdfExtract(bytesOf(salt), bytesOf(ikm));
    assertEquals(extracted, bytesOf(prk));
    const expanded = hkdfExpand(extracted, bytesOf(info), length);
    assertEquals(expanded, bytesOf(okm));
  });
}

// RFC 8448, section 3: a simple 1-RTT handshake.
const ECDHE = bytesOf(
  "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d",
);
const HELLOS = bytesOf(
  "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8",
);
const SERVER_FINISHED = bytesOf(
  "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13",
);
const SECRETS: [string, Uint8Array, string][] = [
  [
    "c hs traffic",
    HELLOS,
    "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21",
  ],
  [
    "s hs traffic",
    HELLOS,
    "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
  ],
  [
    "c ap traffic",
    SERVER_FINISHED,
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
  ],
  [
    "s ap traffic",
    SERVER_FINISHED,
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
  ],
  [
    "exp master",
    SERVER_FINISHED,
    "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50",
  ],
];

Deno.test("the key schedule gives the secrets of RFC 8448", () => {
  const handshake = handshakeSecret(NO_SECRET, ECDHE);
  assertEquals(
    handshake,
    bytesOf("1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"),
  );
  const master = masterSecret(handshake);
  assertEquals(
    master,
    bytesOf("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919"),
  );
  for (const [label, transcript, secret] of SECRETS) {
    const from = transcript === HELLOS ? handshake : master;
    assertEquals(deriveSecret(from, label, transcript), bytesOf(secret), label);
  }
});

Deno.test("a key and its iv are those of RFC 8448, where it has keys of 16 bytes", () => {
  const secret = bytesOf(SECRETS[1]![2]);
  assertEquals(
    hkdfExpandLabel(secret, "key", 16),
    bytesOf("3fce516009c21727d0f2e4e86ee403bc"),
  );
  const { key, iv } = trafficKeys(secret);
  assertEquals(iv, bytesOf("5d313eb2671276ee13000b30"));
  assertEquals(key, hkdfExpandLabel(secret, "key", 32));
});

Deno.test("verify_data is that of RFC 8448, section 4", () => {
  const binderKey =
    "69fe131a3bbad5d63c64eebcc30e395b9d8107726a13d074e389dbc8a4e47256";
  const transcript =
    "63224b2e4573f2d3454ca84b9d009a04f6be9e05711a8396473aefa01e924a14";
  assertEquals(
    verifyData(bytesOf(binderKey), bytesOf(transcript)),
    bytesOf("3add4fb2d8fdf822a0ca3cf7678ef5e88dae990141c5924d57bb6fa31b9e5f9d"),
  );
});

Deno.test("the next traffic secret is another one, of the same length", () => {
  const secret = bytesOf(SECRETS[2]![2]);
  const next = nextTrafficSecret(secret);
  assertEquals(next.length, HASH_SIZE);
  assertEquals(
    next,
    hkdfExpandLabel(secret, "traffic upd", HASH_SIZE),
  );
});

Deno.test("a transcript hash is that of the messages one after another", () => {
  const one = Uint8Array.of(1, 2);
  const other = Uint8Array.of(3);
  assertEquals(
    transcriptHash(one, other),
    transcriptHash(Uint8Array.of(1, 2, 3)),
  );
  assertEquals(
    transcriptHash(),
    bytesOf("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
  );
});
