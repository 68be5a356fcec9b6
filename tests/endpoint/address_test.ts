import { assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import {
  alternating,
  formatAddress,
  isIPv6,
  resolve,
  unmapped,
} from "../../lib/endpoint/socket/address.ts";

const codeOf = async (promise: Promise<unknown>) =>
  (await assertRejects(() => promise, Failure)).code;

Deno.test("addresses are formatted with brackets around IPv6, and mapped ones as IPv4", () => {
  assertEquals(formatAddress("192.0.2.1", 5000), "192.0.2.1:5000");
  assertEquals(formatAddress("2001:db8::1", 5000), "[2001:db8::1]:5000");
  assertEquals(formatAddress("::ffff:192.0.2.1", 1), "192.0.2.1:1");
});

Deno.test("a mapped address is IPv4", () => {
  const at = (hostname: string) =>
    ({ transport: "udp", hostname, port: 1 }) as const;
  assertEquals(isIPv6(at("2001:db8::1")), true);
  assertEquals(isIPv6(at("::ffff:192.0.2.1")), false);
  assertEquals(isIPv6(at("192.0.2.1")), false);
  assertEquals(unmapped("::ffff:192.0.2.1"), "192.0.2.1");
  assertEquals(unmapped("::1"), "::1");
});

Deno.test("a numeric address is resolved to itself, mapped for an IPv6 socket", async () => {
  const hostnameOf = async (host: string, ipv6: boolean) =>
    (await resolve(host, 5000, ipv6))[0].hostname;
  assertEquals(await hostnameOf("192.0.2.1", false), "192.0.2.1");
  assertEquals(await hostnameOf("192.0.2.1", true), "::ffff:192.0.2.1");
  assertEquals(await hostnameOf("2001:db8::1", true), "2001:db8::1");
});

Deno.test("families of addresses take turns, and each address comes once", () => {
  assertEquals(
    alternating(["::1", "::2", "::1", "192.0.2.1", "::3", "192.0.2.2"]),
    ["::1", "192.0.2.1", "::2", "192.0.2.2", "::3"],
  );
  assertEquals(alternating(["192.0.2.1", "::1", "::2"]), [
    "192.0.2.1",
    "::1",
    "::2",
  ]);
  assertEquals(alternating([]), []);
});

Deno.test("each reason why a host cannot be reached has its code", async () => {
  assertEquals(await codeOf(resolve("::1", 1, false)), "no-ipv4-address");
  assertEquals(await codeOf(resolve("fe80::1%lo", 1, true)), "zone-address");
  assertEquals(
    await codeOf(resolve("no-such-host.invalid", 1, true)),
    "unknown-host",
  );
});
