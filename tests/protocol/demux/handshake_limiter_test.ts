import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import {
  HandshakeLimiter,
  networkOf,
} from "../../../lib/protocol/demux/handshake_limiter.ts";

Deno.test("handshakes with addresses that are not validated are few, in all and from each source", () => {
  const limiter = new HandshakeLimiter(() => 0);
  let begun = 0;
  for (let i = 0; i < 1_000; i++) {
    if (limiter.takeUnvalidated(i, "one")) begun++;
  }
  assert(begun >= 8 && begun <= 17, `${begun} from one source`);
  const spread = new HandshakeLimiter(() => 0);
  begun = 0;
  for (let i = 0; i < 1_000; i++) {
    if (spread.takeUnvalidated(i, `source ${i}`)) begun++;
  }
  assert(begun >= 32 && begun <= 48, `${begun} from many`);
});

Deno.test("some hundred handshakes a second begin with validated addresses, at whatever moment they come", () => {
  const random = new Prng(3);
  for (
    const [rate, least, most] of [[100, 100, 100], [4_000, 150, 320]] as const
  ) {
    const limiter = new HandshakeLimiter(() => random.uint32());
    let begun = 0;
    let unlucky = 0;
    for (let i = 0; i < 10 * rate; i++) {
      const now = 1_000 * i / rate;
      if (limiter.takeValidated(now)) begun++;
      // One that comes right after another, each time.
      if (i % 500 === 0 && !limiter.takeValidated(now)) unlucky++;
    }
    assert(begun >= 10 * least && begun <= 10 * most, `${begun} of ${rate}`);
    assert(unlucky < 10 * rate / 500);
  }
});

Deno.test("a source is an IPv4 address or an IPv6 network", () => {
  assertEquals(networkOf("192.0.2.7"), "192.0.2.7");
  assertEquals(networkOf("::ffff:192.0.2.7"), "192.0.2.7");
  const network = networkOf("2001:db8:1:2:3:4:5:6");
  assertEquals(networkOf("2001:db8:1:2::1"), network);
  assertEquals(networkOf("2001:0db8:1:2:ffff::"), network);
  assert(networkOf("2001:db8:1:3::1") !== network);
  assertEquals(networkOf("fe80::1%eth0"), networkOf("fe80::2"));
  assertEquals(networkOf("::1"), networkOf("::"));
});
