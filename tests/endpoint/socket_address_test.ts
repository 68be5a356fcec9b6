import { assertEquals } from "@std/assert";
import {
  decodeAddress,
  encodeAddress,
  portOf,
} from "../../lib/endpoint/socket/socket_address.ts";

Deno.test("an address that was encoded is decoded to what it was", () => {
  const addresses = [
    "127.0.0.1",
    "255.1.20.3",
    "::",
    "::1",
    "2001:db8::1:0:0:1",
    "fe80::1:2:3:4",
  ];
  for (const [index, hostname] of addresses.entries()) {
    const port = 255 + 9_000 * index;
    const struct = encodeAddress(hostname, port)!;
    assertEquals(portOf(struct), port);
    const address = { transport: "udp" as const, hostname, port };
    assertEquals(decodeAddress(struct), address);
  }
});

Deno.test("what is no numeric address has no struct", () => {
  for (const hostname of ["", "localhost", "12.7.0", "1.2.3.4.5", ":::"]) {
    assertEquals(encodeAddress(hostname, 1), undefined, hostname);
  }
});
