import { assertEquals } from "@std/assert";
import {
  decodeAddress,
  encodeAddress,
  portOf,
} from "../../lib/endpoint/socket/socket_address.ts";
import { socketCalls } from "../../lib/system/c_library.ts";
import "../support/libraries.ts";
import { FFI, testWith } from "../support/needs.ts";

const library = socketCalls();

/** A test of what needs the C library. */
function test(name: string, fn: () => void): void {
  testWith(FFI, name, fn);
}

test("an address that was encoded is decoded to what it was", () => {
  const addresses = [
    "127.0.0.1",
    "255.1.20.3",
    "::",
    "::1",
    "::ffff:192.0.2.1",
    "2001:db8::1:0:0:1",
    "fe80::1:2:3:4",
  ];
  for (const [index, hostname] of addresses.entries()) {
    const port = 255 + 9_000 * index;
    const struct = encodeAddress(library!, hostname, port)!;
    assertEquals(portOf(struct), port);
    const address = { transport: "udp" as const, hostname, port };
    assertEquals(decodeAddress(library!, struct), address);
  }
});

test("what is no numeric address has no struct", () => {
  for (const hostname of ["", "localhost", "12.7.0", "1.2.3.4.5", ":::"]) {
    assertEquals(encodeAddress(library!, hostname, 1), undefined, hostname);
  }
});
