import { assertEquals } from "@std/assert";
import { gatewaysIn } from "../../../lib/endpoint/mapping/gateways.ts";

const HEAD =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

Deno.test("the default gateways are those of the routes to everywhere, by their metric", () => {
  const table = HEAD +
    "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n" +
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n" +
    "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n" +
    "tun0\t00000000\t0100000A\t0003\t0\t0\t50\t00000080\t0\t0\t0\n" +
    "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
  assertEquals(gatewaysIn(table), ["192.168.2.1", "192.168.1.1"]);
});

Deno.test("a table without routes, or none at all, has no gateway", () => {
  for (const table of ["", HEAD, "nonsense\nmore\n"]) {
    assertEquals(gatewaysIn(table), []);
  }
});
