import { assertEquals } from "@std/assert";
import { rankedAddresses } from "../../lib/session/meeting/own_addresses.ts";
import { streamName } from "../../lib/session/destination.ts";

Deno.test("addresses that others can use are shown, IPv4 first", () => {
  assertEquals(
    rankedAddresses([
      "127.0.0.1",
      "::1",
      "fe80::1",
      "2001:db8::7",
      "169.254.3.4",
      "192.0.2.7",
    ]),
    ["192.0.2.7", "2001:db8::7"],
  );
});

Deno.test("a stream without a name is saved under the time", () => {
  assertEquals(
    streamName(new Date(2026, 0, 5, 9, 8, 7)),
    "ferry-20260105-090807",
  );
});
