import { assert, assertEquals, assertThrows } from "@std/assert";
import { openLibcrypto, openOneOf } from "../../lib/system/libcrypto.ts";

const OPENSSL = openLibcrypto();
const KEY = new Uint8Array(32).fill(7);
const NONCE = new Uint8Array(12).fill(9);
const DATA = Uint8Array.of(0x14, 0, 0, 20);

function test(name: string, fn: () => void): void {
  Deno.test({
    name: OPENSSL ? name : `${name} (needs the system's libcrypto)`,
    ignore: OPENSSL === undefined,
    fn,
  });
}

function sealed(plaintext: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const cipher = OPENSSL!.create(KEY);
  const into = new Uint8Array(plaintext.length + 16);
  cipher.seal(NONCE, DATA, plaintext, into);
  cipher.free();
  return into;
}

test("what one direction seals the other opens, in place and of any size", () => {
  const cipher = OPENSSL!.create(KEY);
  for (const size of [0, 1, 15, 16, 17, 163_840]) {
    const plaintext = new Uint8Array(size).fill(size);
    const record = sealed(plaintext);
    assertEquals(cipher.open(NONCE, DATA, record), plaintext);
  }
  cipher.free();
});

test("what is opened goes where it is asked for, if it fits there", () => {
  const cipher = OPENSSL!.create(KEY);
  const plaintext = new Uint8Array(1000).fill(5);
  for (const room of [0, 999, 1000, 2000]) {
    const record = sealed(plaintext);
    const into = new Uint8Array(room);
    const opened = cipher.open(NONCE, DATA, record, into);
    assertEquals(opened, plaintext);
    assertEquals(opened!.buffer, (room < 1000 ? record : into).buffer);
  }
  const forged = sealed(plaintext).fill(1, 0, 1);
  const into = new Uint8Array(1000);
  assertEquals(cipher.open(NONCE, DATA, forged, into), undefined);
  assertEquals(into, new Uint8Array(1000));
  cipher.free();
});

test("the plaintext is erased if its tag is wrong", () => {
  const plaintext = new Uint8Array(1000).fill(5);
  const cipher = OPENSSL!.create(KEY);
  for (const at of [0, 999, 1000, 1015]) {
    const record = sealed(plaintext);
    record[at]! ^= 1;
    assertEquals(cipher.open(NONCE, DATA, record), undefined);
    assert(record.subarray(0, 1000).every((byte) => byte === 0));
  }
  const other = DATA.map((byte) => byte ^ 1);
  assertEquals(cipher.open(NONCE, other, sealed(plaintext)), undefined);
  assertEquals(cipher.open(NONCE, DATA, sealed(plaintext)), plaintext);
  cipher.free();
});

test("a cipher that was freed is not used, and freed once", () => {
  const cipher = OPENSSL!.create(KEY);
  cipher.free();
  cipher.free();
  assertThrows(() => cipher.open(NONCE, DATA, new Uint8Array(20)), Error);
});

Deno.test("a library that is missing, or is another, is not used", () => {
  assertEquals(openOneOf(["/nowhere/libcrypto.so.3"]), undefined);
  const libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6"];
  assertEquals(openOneOf(libraries), undefined);
});
