import { assertEquals, assertNotEquals } from "@std/assert";
import {
  calculateGenerator,
  Cpace,
  generatorString,
  littleEndian,
  lvCat,
  scalarMultVfy,
} from "../../../lib/secure/code/cpace.ts";
import { utf8 } from "../../../lib/base/utf8.ts";
import { bytesOf } from "../../support/bytes.ts";

// draft-irtf-cfrg-cpace, appendix B.3: ristretto255 and SHA-512.
const INPUTS = {
  prs: utf8("Password"),
  ci: utf8("\x0bA_initiator\x0bB_responder"),
  sid: bytesOf("7e4b4791d6a8ef019b936c79fb7f2c57"),
};
const ADA = utf8("ADa");
const ADB = utf8("ADb");
const YA = bytesOf(
  "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08",
);
const YB = bytesOf(
  "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d",
);
const SHARE_A = bytesOf(
  "d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157",
);
const SHARE_B = bytesOf(
  "3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258",
);
const ISK = bytesOf(`
  b69effbf61b51d56401c0f65601abe428de8206feaaf0e32198896dc
  ae7b35cd2b38950a39dfd5d4a79164614c2984f7daa460b588c1e80c
  3fa2068af7900447`);

Deno.test("lv_cat and its lengths are the draft's", () => {
  const parts = ["1234", "5", "", "678"].map(utf8);
  assertEquals(lvCat(...parts), bytesOf("043132333401350003363738"));
  const long = Uint8Array.from({ length: 128 }, (_, at) => at);
  assertEquals(lvCat(long.subarray(0, 127)).slice(0, 2), bytesOf("7f00"));
  assertEquals(lvCat(long).slice(0, 3), bytesOf("800100"));
});

Deno.test("the generator is the draft's", () => {
  assertEquals(
    generatorString(INPUTS),
    bytesOf(`
      11435061636552697374726574746f3235350850617373776f726464
      00000000000000000000000000000000000000000000000000000000
      00000000000000000000000000000000000000000000000000000000
      00000000000000000000000000000000000000000000000000000000
      00000000000000000000000000000000180b415f696e69746961746f
      720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f
      2c57`),
  );
  assertEquals(
    calculateGenerator(INPUTS).toBytes(),
    bytesOf("222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56"),
  );
});

Deno.test("both sides' shares and the key they agree on are the draft's", () => {
  const a = new Cpace(INPUTS, { scalar: YA });
  const b = new Cpace(INPUTS, { scalar: YB });
  assertEquals(a.share, SHARE_A);
  assertEquals(b.share, SHARE_B);
  const initiator = { share: SHARE_A, ad: ADA };
  const responder = { share: SHARE_B, ad: ADB };
  assertEquals(a.sessionKey(SHARE_B, initiator, responder), ISK);
  assertEquals(b.sessionKey(SHARE_A, initiator, responder), ISK);
});

Deno.test("a share times a scalar is the draft's", () => {
  const scalar = bytesOf(
    "7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05",
  );
  const share = bytesOf(
    "2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c",
  );
  assertEquals(
    scalarMultVfy(littleEndian(scalar), share),
    bytesOf("7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e"),
  );
});

Deno.test("a share that is no element, or the neutral one, is refused", () => {
  const side = new Cpace(INPUTS, { scalar: YA });
  const none = { share: new Uint8Array(0), ad: new Uint8Array(0) };
  const refused = [
    "2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c",
    "00".repeat(32),
    "ff".repeat(32),
    "00",
  ];
  for (const share of refused) {
    assertEquals(side.sessionKey(bytesOf(share), none, none), undefined);
  }
});

Deno.test("another password, another channel or other data make another key", () => {
  const initiator = { share: SHARE_A, ad: ADA };
  const responder = { share: SHARE_B, ad: ADB };
  const others = [
    new Cpace({ ...INPUTS, prs: utf8("password") }, { scalar: YA }),
    new Cpace({ ...INPUTS, ci: utf8("elsewhere") }, { scalar: YA }),
    new Cpace({ ...INPUTS, sid: utf8("at another time") }, { scalar: YA }),
  ];
  for (const other of others) assertNotEquals(other.share, SHARE_A);
  const side = new Cpace(INPUTS, { scalar: YA });
  const changed = { ...responder, ad: ADA };
  assertNotEquals(side.sessionKey(SHARE_B, initiator, changed), ISK);
});

Deno.test("without a scalar each side takes a new one", () => {
  assertNotEquals(new Cpace(INPUTS).share, new Cpace(INPUTS).share);
});
