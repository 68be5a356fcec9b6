import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../../lib/protocol/connection/config.ts";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { Link } from "../../net/link.ts";
import { Pair, readAll, type TestEndpoint } from "../support/pair.ts";
import { peersOver } from "../support/peer.ts";
import { draftOf } from "../../support/packets.ts";

/** Small windows that never grow. */
const SMALL: Partial<Config> = { initialWindow: 4_000, maxWindow: 4_000 };

/** A sender with more to send than a small window lets through, whose peer does not read. */
function stalled() {
  const pair = new Pair(SMALL);
  const { near, far } = pair.establish();
  near.write(new Uint8Array(20_000));
  pair.advance(100);
  assertEquals(far.readable, 4_000);
  return { pair, near, far };
}

/** Notes the windows that the server grants from now on. */
function windowsOf(pair: Pair) {
  const windows: number[] = [];
  const note = (from: TestEndpoint, datagram: Uint8Array) => {
    if (from === pair.server && draftOf(datagram).flags & Flag.ACK) {
      windows.push(draftOf(datagram).window);
    }
    return false;
  };
  return { windows, note };
}

Deno.test("a sender stops at the window's edge while the peer does not read", () => {
  const { pair, far } = stalled();
  pair.advance(60_000);
  assertEquals([far.readable, far.state], [4_000, "ESTABLISHED"]);
});

Deno.test("a window that opens is told at once, and the rest follows", () => {
  const { pair, far } = stalled();
  const start = pair.now;
  for (let read = 0; read < 20_000;) {
    read += readAll(far).length;
    pair.drive();
  }
  assert(pair.now - start < 1_000);
});

Deno.test("a closed window is asked about, less and less often but at least once a second or so", () => {
  const { pair, near } = stalled();
  const asked: number[] = [];
  pair.advance(30_000, {
    drop: (from, datagram) => {
      if (from === pair.client) {
        assertEquals(draftOf(datagram).payload.length, 0);
        asked.push(pair.now);
      }
      return false;
    },
  });
  assertEquals(near.state, "ESTABLISHED");
  assert(asked.length > 20 && asked.length < 60, `${asked.length}`);
  for (let i = 1; i < asked.length; i++) {
    assert(asked[i]! - asked[i - 1]! < 1_500);
  }
});

Deno.test("a window whose opening is lost is found open by asking", () => {
  const { pair, far } = stalled();
  readAll(far);
  const updates = pair.collect(pair.server);
  assertEquals(updates.length, 1, "it is lost");
  pair.advance(3_000);
  assertEquals(far.readable, 4_000);
});

Deno.test("a receiver does not tell of every byte that was read", () => {
  const { pair, far } = stalled();
  const { windows, note } = windowsOf(pair);
  far.read(new Uint8Array(10));
  pair.drive({ drop: note });
  assertEquals(windows, []);
  for (let i = 0; i < 10; i++) far.read(new Uint8Array(100));
  pair.drive({ drop: note });
  assert(windows.length > 0 && windows.length < 5);
});

Deno.test("an end needs no window", () => {
  const pair = new Pair(SMALL);
  const { near, far } = pair.establish();
  near.write(new Uint8Array(4_000));
  near.close();
  pair.advance(1_000);
  assertEquals([far.readable, near.state], [4_000, "FIN-WAIT-2"]);
});

Deno.test("a sender that the window would hold back asks for more, and is given more as it is used", () => {
  const pair = new Pair({ initialWindow: 2_000, maxWindow: 64_000 });
  const { near, far } = pair.establish();
  const { windows, note } = windowsOf(pair);
  near.write(new Uint8Array(60_000));
  for (let turn = 0; turn < 200; turn++) {
    pair.advance(10, { drop: note });
    readAll(far);
  }
  assert(Math.max(...windows) > 16_000);
  assert(Math.max(...windows) <= 64_000);
});

Deno.test("an application that does not read is granted no more", () => {
  const pair = new Pair({ initialWindow: 2_000, maxWindow: 64_000 });
  const { near, far } = pair.establish();
  near.write(new Uint8Array(60_000));
  pair.advance(10_000);
  assert(far.readable <= 8_000, `${far.readable} bytes wait`);
});

Deno.test("who has little to say is granted no large window", () => {
  const pair = new Pair({ initialWindow: 20_000, maxWindow: 2 ** 20 });
  const { near, far } = pair.establish();
  const { windows, note } = windowsOf(pair);
  for (let i = 0; i < 100; i++) {
    near.write(new Uint8Array(100));
    pair.advance(100, { drop: note });
    readAll(far);
  }
  assert(Math.max(...windows) <= 80_000, `${Math.max(...windows)}`);
});

Deno.test("what is kept to be sent again is bounded, however much is written", () => {
  const pair = new Pair({ maxWindow: 2 ** 20 });
  const { near, far } = pair.establish();
  let written = 0;
  let read = 0;
  for (let turn = 0; turn < 120; turn++) {
    written += near.write(new Uint8Array(500_000));
    pair.advance(10);
    read += readAll(far).length;
    assert(written - read <= 2 * 2 ** 20);
  }
  assert(read > 2 ** 21, `${read} bytes`);
  // Now nobody reads any more.
  for (let turn = 0; turn < 50; turn++) {
    written += near.write(new Uint8Array(500_000));
    pair.advance(10);
  }
  assert(written - read <= 3 * 2 ** 20);
  assert(far.readable <= 2 ** 20);
});

Deno.test("what the peer has not acknowledged yet is known, SYN and FIN apart", () => {
  const pair = new Pair();
  const near = pair.connect();
  assertEquals(near.unacknowledged, 0);
  near.write(new Uint8Array(100));
  assertEquals(near.unacknowledged, 100);
  near.close();
  pair.drive();
  assertEquals(near.unacknowledged, 0);
});

Deno.test("a segment that asks is handed on at once, others may wait for more", () => {
  const pair = new Pair();
  const { near, far } = pair.establish();
  near.write(new Uint8Array(10));
  pair.drive();
  assert(far.pushed, "the last before a pause asks");
  readAll(far);
  assert(!far.pushed);
});

Deno.test("what was pushed behind a hole is handed on when the hole is filled", () => {
  const pair = new Pair({ initialDatagramSize: 1_472 });
  const { near, far } = pair.establish();
  near.write(new Uint8Array(3_000));
  near.close();
  const [first, hole, ...rest] = pair.collect(pair.client);
  pair.deliver(pair.server, [first!, ...rest]);
  assert(readAll(far).length > 0);
  assert(far.pushed, "there is more that should not wait");
  pair.deliver(pair.server, [hole!]);
  assert(far.pushed && far.readable > 0);
  readAll(far);
  assert(!far.pushed);
});

/** How long it takes to send `bytes` over `link`, ms. */
function timeToSend(bytes: number, link: Link, config: Partial<Config> = {}) {
  const back = new Link({ delay: 50 }, 2);
  const { client, server, network } = peersOver(link, back, { bytes, config }, {
    config,
  });
  assert(network.run(600_000, () => client.ended && server.ended));
  assertEquals(server.read, bytes);
  return network.now;
}

Deno.test("the window grows until the path is full, not the other way round", () => {
  const rate = 12_500;
  const bytes = 25_000_000;
  const link = new Link({ delay: 50, rate, queue: 2_500_000 }, 1);
  const time = timeToSend(bytes, link);
  // 100 ms at this rate are 1.25 MB, five times the first window.
  assert(time < 1.5 * bytes / rate, `${time} ms`);
});

Deno.test("a window of next to nothing still delivers", () => {
  const config = { initialWindow: 1, maxWindow: 1 };
  const link = new Link({ delay: 5, loss: 0.1 }, 1);
  timeToSend(20_000, link, config);
});
