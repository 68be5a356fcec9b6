import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import {
  decodeClientHello,
  decodeFinished,
  decodeRefuse,
  decodeServerHello,
} from "../../../lib/secure/handshake/messages.ts";

Deno.test("flags of a server's HELLO that are not known are ignored (S-1)", () => {
  const known = decodeServerHello(Uint8Array.of(2, 0, 0x01));
  assert(known.asks);
  assertEquals(decodeServerHello(Uint8Array.of(2, 0, 0xff)), known);
});

const SIZES: [string, (body: Uint8Array) => unknown, number, number][] = [
  ["a client's HELLO in plain mode", decodeClientHello, 0, 2],
  ["a client's HELLO in encrypted mode", decodeClientHello, 1, 66],
  ["a client's HELLO in code mode", decodeClientHello, 2, 98],
  ["a server's HELLO in plain mode", decodeServerHello, 0, 3],
  ["a server's HELLO in encrypted mode", decodeServerHello, 1, 67],
  ["a server's HELLO in code mode", decodeServerHello, 2, 99],
  ["FINISHED", decodeFinished, 0, 64],
  ["REFUSE", decodeRefuse, 0, 1],
];
for (const [what, decode, mode, right] of SIZES) {
  Deno.test(`${what} has ${right} bytes, and with more or fewer is malformed (S-2)`, () => {
    for (let size = 0; size <= 256; size++) {
      const body = new Uint8Array(size);
      body.set([2, mode].slice(0, size));
      if (size === right) decode(body);
      else assertThrows(() => decode(body), Failure);
    }
  });
}
