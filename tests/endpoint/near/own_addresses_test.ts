import { assert, assertEquals } from "@std/assert";
import { parseIp } from "../../../lib/base/ip_address.ts";
import {
  isOnLink,
  ownAddresses,
} from "../../../lib/endpoint/near/own_addresses.ts";

// N-10
Deno.test("an address is on the link only if it is in a network of this machine", () => {
  const own = [["192.0.2.7", "255.255.255.128"], [
    "2001:db8::7",
    "ffff:ffff:ffff:ffff::",
  ]].map(([hostname, mask]) => ({
    hostname: hostname!,
    bytes: parseIp(hostname!)!,
    mask: parseIp(mask!)!,
    broadcast: undefined,
    index: undefined,
  }));
  for (const near of ["192.0.2.1", "::ffff:192.0.2.127", "2001:db8::ff:1"]) {
    assert(isOnLink(near, own), near);
  }
  for (const far of ["192.0.2.128", "198.51.100.1", "2001:db8:0:1::1", "x"]) {
    assert(!isOnLink(far, own), far);
  }
});

Deno.test("loopback has a broadcast address, too, so that machines without a network find themselves", () => {
  const [loopback] = ownAddresses("127.0.0.1");
  assertEquals(loopback?.hostname, "127.0.0.1");
  assertEquals(loopback?.broadcast, "127.255.255.255");
  assertEquals(ownAddresses("192.0.2.250"), []);
});

Deno.test("no address with a zone is used, and with --bind 0.0.0.0 none of IPv6", () => {
  for (const { hostname } of ownAddresses(undefined)) {
    assert(!hostname.startsWith("fe80"), hostname);
  }
  for (const { bytes } of ownAddresses("0.0.0.0")) {
    assertEquals(bytes.length, 4);
  }
});
