import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  decodeNatPmp,
  encodeAddressRequest,
  encodeNatPmp,
} from "../../lib/mapping/nat_pmp.ts";
import { decodePcp, encodePcp } from "../../lib/mapping/pcp.ts";
import { bytesOf, hexOf } from "../support/bytes.ts";

const CLIENT = Uint8Array.of(192, 168, 1, 7);
const NONCE = bytesOf("0102030405060708090a0b0c");

Deno.test("a request of PCP is that of RFC 6887, figures 2 and 9", () => {
  const request = encodePcp({
    client: CLIENT,
    nonce: NONCE,
    port: 5000,
    externalPort: 5001,
    lifetime: 600,
  });
  assertEquals(
    hexOf(request),
    "02010000" + "00000258" + "00000000000000000000ffffc0a80107" +
      "0102030405060708090a0b0c" + "11000000" + "13881389" +
      "00000000000000000000ffff00000000",
  );
});

Deno.test("a response of PCP is read, and an error without a map, too", () => {
  const response = bytesOf(
    "02810000" + "00000258" + "00000001" + "000000000000000000000000" +
      "0102030405060708090a0b0c" + "11000000" + "13881389" +
      "00000000000000000000ffffcb007107",
  );
  assertEquals(decodePcp(response), {
    result: 0,
    lifetime: 600,
    map: {
      nonce: NONCE,
      port: 5000,
      externalPort: 5001,
      externalAddress: bytesOf("00000000000000000000ffffcb007107"),
    },
  });
  assertEquals(
    decodePcp(bytesOf("02810001" + "00000e10" + "00".repeat(16))),
    { result: 1, lifetime: 3600, map: undefined },
  );
  const others = ["02010000", "02820000", "00810000", "02810000"];
  for (const start of others) {
    assertEquals(decodePcp(bytesOf(start + "00".repeat(20))), undefined);
  }
});

Deno.test("requests and responses of NAT-PMP are those of RFC 6886, section 3", () => {
  assertEquals(hexOf(encodeAddressRequest()), "0000");
  const map = { port: 5000, externalPort: 5001, lifetime: 600 };
  assertEquals(hexOf(encodeNatPmp(map)), "000100001388138900000258");
  const deleted = encodeNatPmp({ ...map, lifetime: 0 });
  assertEquals(hexOf(deleted), "000100001388000000000000");
  assertEquals(decodeNatPmp(bytesOf("00800000" + "00000001" + "cb007107")), {
    about: "address",
    result: 0,
    address: bytesOf("cb007107"),
  });
  assertEquals(
    decodeNatPmp(bytesOf("00810000" + "00000001" + "13881389" + "00000258")),
    { about: "map", result: 0, ...map },
  );
  assertEquals(
    decodeNatPmp(bytesOf("00ff0001" + "00000001")),
    { about: undefined, result: 1 },
  );
});

Deno.test("what is cut or strange is no response", () => {
  for (const text of ["", "0080", "0000", "00000000000000000000"]) {
    assertEquals(decodeNatPmp(bytesOf(text)), undefined);
    assertEquals(decodePcp(bytesOf(text)), undefined);
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    decodeNatPmp(bytes);
    decodePcp(bytes);
  }));
});
