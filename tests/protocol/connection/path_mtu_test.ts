import { assert, assertEquals } from "@std/assert";
import {
  BASE_DATAGRAM_SIZE,
  PathMtu,
} from "../../../lib/protocol/connection/path_mtu.ts";

const MINUTE = 60_000;

/** A path that takes datagrams of up to `takes` bytes. */
class Path {
  now = 0;
  packet = 0;
  probes: number[] = [];

  constructor(readonly mtu: PathMtu, public takes: number) {}

  /** Sends probes until none is due. */
  search(): void {
    for (;;) {
      const size = this.mtu.probeSize(this.now);
      if (size === 0) return;
      this.probes.push(size);
      this.mtu.onProbeSent(++this.packet);
      assertEquals(this.mtu.probeSize(this.now), 0, "one at a time");
      if (size <= this.takes) this.ack(this.packet, size);
      else assert(this.lose(this.packet, size), "a probe is no congestion");
    }
  }

  ack(packet: number, size: number): void {
    this.mtu.onAcked(this.now, packet, size);
  }

  lose(packet: number, size: number): boolean {
    return this.mtu.onLost(this.now, packet, size);
  }

  /** Sends `count` datagrams as large as they may be. */
  send(count: number): void {
    for (let i = 0; i < count; i++) {
      const { size } = this.mtu;
      if (size <= this.takes) this.ack(++this.packet, size);
      else this.lose(++this.packet, size);
    }
  }
}

Deno.test("a path is searched from the base up, in steps that are common", () => {
  const path = new Path(new PathMtu(BASE_DATAGRAM_SIZE, 15_936), Infinity);
  path.search();
  assertEquals(path.probes, [1_472, 8_972, 15_936]);
  assertEquals(path.mtu.size, 15_936);
});

Deno.test("nothing larger than what is allowed is tried", () => {
  for (const max of [1_200, 1_252, 1_452, 1_472]) {
    const path = new Path(new PathMtu(BASE_DATAGRAM_SIZE, max), Infinity);
    path.search();
    assertEquals(path.probes, max > 1_200 ? [max] : []);
    assertEquals(path.mtu.size, max);
  }
});

Deno.test("a size from the start is used without a search", () => {
  const path = new Path(new PathMtu(9_000, 1_472), Infinity);
  assertEquals(path.mtu.size, 1_472);
  path.search();
  assertEquals(path.probes, []);
});

Deno.test("what a peer takes at most holds from then on", () => {
  const path = new Path(new PathMtu(1_472, 15_936), Infinity);
  path.mtu.limit(1_300);
  assertEquals(path.mtu.size, 1_300);
  path.search();
  assertEquals(path.probes, []);
});

Deno.test("any path is used but for a thirtieth of what it takes", () => {
  for (const takes of [1_200, 1_252, 1_300, 1_392, 1_400, 1_440, 1_471]) {
    const path = new Path(new PathMtu(BASE_DATAGRAM_SIZE, 1_472), takes);
    path.search();
    const { size } = path.mtu;
    assert(size <= takes && size >= takes / 1.04, `${size} of ${takes}`);
    assert(path.probes.length <= 6, `${path.probes}`);
  }
});

Deno.test("a probe that is lost by chance is repeated soon", () => {
  const path = new Path(new PathMtu(BASE_DATAGRAM_SIZE, 1_472), 0);
  path.search();
  assertEquals(path.mtu.size, BASE_DATAGRAM_SIZE);
  path.takes = 1_500;
  path.now = 500;
  path.search();
  assertEquals(path.mtu.size, 1_472);
});

Deno.test("a path that is too narrow is searched again ever more seldom, down to once a minute", () => {
  const path = new Path(new PathMtu(BASE_DATAGRAM_SIZE, 1_472), 1_300);
  const searched: number[] = [];
  for (; path.now <= 5 * MINUTE; path.now += 500) {
    path.probes = [];
    path.search();
    if (path.probes.length > 0) searched.push(path.now);
  }
  const pauses = searched.map((time, i) => time - (searched[i - 1] ?? 0));
  assertEquals(pauses.slice(0, 5), [0, 500, 1_000, 2_000, 4_000]);
  assertEquals(pauses.slice(-2), [MINUTE, MINUTE]);
  assert(path.mtu.size > 1_250 && path.mtu.size <= 1_300);
  path.takes = 1_472;
  path.now += MINUTE;
  path.search();
  assertEquals(path.mtu.size, 1_472);
});

Deno.test("when only large datagrams vanish, the base is used and the search begins anew", () => {
  const path = new Path(new PathMtu(1_472, 1_472), 1_472);
  path.send(100);
  path.takes = 1_400;
  path.send(3);
  assertEquals(path.mtu.size, 1_472);
  path.send(1);
  assertEquals(path.mtu.size, BASE_DATAGRAM_SIZE);
  path.search();
  const { size } = path.mtu;
  assert(size > 1_350 && size <= 1_400, `${size}`);
});

Deno.test("large datagrams that are lost among others that arrive are no black hole", () => {
  const { mtu } = new Path(new PathMtu(1_472, 1_472), Infinity);
  for (let packet = 1; packet < 1_000; packet++) {
    if (packet % 4 === 0) mtu.onAcked(0, packet, 1_472);
    else assert(!mtu.onLost(0, packet, 1_472));
  }
  assertEquals(mtu.size, 1_472);
});

Deno.test("a burst of losses is no black hole if a large datagram that left later arrived", () => {
  const { mtu } = new Path(new PathMtu(1_472, 1_472), Infinity);
  mtu.onAcked(0, 100, 1_472);
  for (let packet = 1; packet < 100; packet++) mtu.onLost(0, packet, 1_472);
  assertEquals(mtu.size, 1_472);
});

Deno.test("small datagrams that are lost are no black hole", () => {
  const { mtu } = new Path(new PathMtu(1_472, 1_472), Infinity);
  for (let packet = 1; packet < 100; packet++) {
    mtu.onLost(0, packet, BASE_DATAGRAM_SIZE);
  }
  assertEquals(mtu.size, 1_472);
});
