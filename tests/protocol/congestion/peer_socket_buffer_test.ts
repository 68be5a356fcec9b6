import { assert, assertEquals } from "@std/assert";
import {
  LARGEST_USEFUL_DATAGRAM,
  socketBufferDatagrams,
} from "../../../lib/protocol/congestion/peer_socket_buffer.ts";

Deno.test("fewer datagrams than a kernel was seen to hold are counted on", () => {
  // A Linux socket with its default buffer holds 92 datagrams of 1,400 bytes, and 6 of 16,000.
  assertEquals(socketBufferDatagrams(1_400), 64);
  assertEquals(socketBufferDatagrams(16_000), 4);
});

Deno.test("the larger the datagrams, the fewer of them fit, but always two", () => {
  let last = Infinity;
  for (let size = 500; size <= 65_535; size += 100) {
    const count = socketBufferDatagrams(size);
    assert(count <= last && count >= 2, `${count} of ${size}`);
    last = count;
  }
});

Deno.test("of the largest useful datagram twice as many fit as of one that is a byte larger", () => {
  const useful = socketBufferDatagrams(LARGEST_USEFUL_DATAGRAM);
  assert(useful >= 2 * socketBufferDatagrams(LARGEST_USEFUL_DATAGRAM + 1));
});
