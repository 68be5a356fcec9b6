import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  formatIp,
  inSameNetwork,
  mappedIp,
  parseIp,
} from "../../lib/base/ip_address.ts";
import { hexOf } from "../support/bytes.ts";

Deno.test("an address is read in every form that it can be written in", () => {
  const forms: Record<string, string | undefined> = {
    "192.0.2.7": "c0000207",
    "::ffff:192.0.2.7": "c0000207",
    "::ffff:c000:207": "c0000207",
    "2001:db8::1": "20010db8000000000000000000000001",
    "2001:DB8:0:0:0:0:0:1": "20010db8000000000000000000000001",
    "fe80::1%eth0": "fe800000000000000000000000000001",
    "::": "00000000000000000000000000000000",
    "1::": "00010000000000000000000000000000",
    "64:ff9b::192.0.2.7": "0064ff9b0000000000000000c0000207",
    "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    "1:2:3:4:5:6:7::": "00010002000300040005000600070000",
    "1:2:3:4:5:6:7:8:9": undefined,
    "1:2:3:4::5:6:7:8": undefined,
    "1::2::3": undefined,
    "1:2": undefined,
    "12345::": undefined,
    ":::": undefined,
    "::1.2.3": undefined,
    "::1.2.3.256": undefined,
    "256.0.0.1": undefined,
    "1.2.3": undefined,
    "b.example": undefined,
    "": undefined,
  };
  for (const [text, bytes] of Object.entries(forms)) {
    const found = parseIp(text);
    assertEquals(found && hexOf(found), bytes, text);
  }
});

Deno.test("an address is written as it is read, with the longest run of zeros left out", () => {
  const texts = ["192.0.2.7", "2001:db8::1", "::", "::1", "1::", "fe80::1:0:2"];
  for (const text of texts) assertEquals(formatIp(parseIp(text)!), text);
  assertEquals(formatIp(parseIp("1:0:0:2:0:0:0:3")!), "1:0:0:2::3");
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));
  const address = fc.array(group, { minLength: 16, maxLength: 16 });
  fc.assert(fc.property(address, (numbers) => {
    const bytes = Uint8Array.from(numbers);
    assertEquals(mappedIp(parseIp(formatIp(bytes))!), bytes);
  }));
});

Deno.test("two addresses are in one network if they have the bits of its mask in common", () => {
  const share = (...texts: [string, string, string]) => {
    const [one, other, mask] = texts.map((text) => parseIp(text)!);
    return inSameNetwork(one!, other!, mask!);
  };
  assertEquals(share("10.1.2.3", "10.1.3.4", "255.255.254.0"), true);
  assertEquals(share("10.1.2.3", "10.1.4.4", "255.255.254.0"), false);
  assertEquals(share("fd00::1", "fd00::2", "ffff:ffff:ffff:ffff::"), true);
  assertEquals(share("fd00::1", "10.1.2.3", "ffff:ffff:ffff:ffff::"), false);
});
