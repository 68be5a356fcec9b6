import { assert, assertEquals } from "@std/assert";
import "../support/libraries.ts";
import { deviceMtu } from "../../lib/endpoint/socket/device_mtu.ts";

Deno.test("a loopback device carries far larger packets than Ethernet", () => {
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    assert(deviceMtu(address) >= 65_535, address);
  }
});

Deno.test("where the system has no route to tell of, Ethernet's packets are taken to pass", () => {
  // A socket that may not broadcast cannot be connected to this one
  assertEquals(deviceMtu("255.255.255.255"), 1_500);
});

Deno.test("of what is no address the system is not asked", () => {
  assertEquals(deviceMtu("no address"), 1_500);
  assertEquals(deviceMtu("12.7.0"), 1_500);
});

Deno.test("what a device carries is at least what IP asks of it", () => {
  for (const address of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]) {
    assert(deviceMtu(address) >= 576, address);
  }
});
