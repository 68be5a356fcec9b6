import { assert, assertEquals, assertRejects } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";
import { addressFrom } from "../../lib/endpoint/socket/address.ts";
import { Socket } from "../../lib/endpoint/socket/socket.ts";
import { FFI, testWith } from "../support/needs.ts";
import { local, udpSocket } from "../net/udp.ts";
import { tunedSocket } from "./tuned_socket.ts";

/** Whether the kernel sends several datagrams at a time. */
const CAN_SEGMENT = (() => {
  const socket = tunedSocket("127.0.0.1");
  const count = socket.maxSegments(100);
  socket.close();
  return count > 1;
})();

/** Sends `bytes` in datagrams of `size` and takes them at the other side. */
async function carry(
  from: Socket,
  bytes: Uint8Array,
  size: number,
): Promise<Uint8Array> {
  const receiver = Socket.bind("127.0.0.1", 0);
  await from.send(bytes, size, local(receiver.port));
  const whole: number[] = [];
  const into = new Uint8Array(65_535);
  while (whole.length < bytes.length) {
    const [datagrams, { port }] = await receiver.receive(into);
    assertEquals(port, from.port);
    whole.push(...datagrams);
  }
  receiver.close();
  return Uint8Array.from(whole);
}

Deno.test("a batch arrives as it was sent, whatever its datagrams' sizes", async () => {
  const socket = tunedSocket("127.0.0.1");
  const random = new Prng(1);
  for (const size of [100, 1_472, 1_472, 9_000, 1_200]) {
    const count = socket.maxSegments(size);
    const bytes = random.bytes(count * size - random.int(50));
    assertEquals(await carry(socket, bytes, size), bytes);
  }
  // A datagram larger than what the kernel was told to cut by stays whole
  const single = random.bytes(20_000);
  assertEquals(await carry(socket, single, single.length), single);
  socket.close();
});

Deno.test("a socket sends one datagram after the other until it is tuned", async () => {
  const socket = Socket.bind("127.0.0.1", 0);
  assertEquals([socket.tuned, socket.maxSegments(100)], [false, 1]);
  const bytes = new Prng(3).bytes(2_500);
  assertEquals(await carry(socket, bytes, 1_000), bytes);
  socket.tune();
  assert(socket.tuned);
  assertEquals(await carry(socket, bytes, 1_000), bytes);
  socket.close();
});

Deno.test("a datagram larger than those of the last batch is not cut", async () => {
  const socket = tunedSocket("127.0.0.1");
  const receiver = udpSocket();
  const to = receiver.addr as Deno.NetAddr;
  const sizes = [];
  await socket.send(new Uint8Array(2 * 1_200), 1_200, to);
  await socket.send(new Uint8Array(1_472), 1_472, to);
  await socket.send(new Uint8Array(2 * 1_200 + 1), 1_200, to);
  for (let i = 0; i < 6; i++) {
    const [{ length }] = await receiver.receive(new Uint8Array(65_535));
    sizes.push(length);
  }
  assertEquals(sizes, [1_200, 1_200, 1_472, 1_200, 1_200, 1]);
  receiver.close();
  socket.close();
});

Deno.test({
  name:
    "a batch that the kernel refuses goes as single datagrams, and so does all after it (needs UDP_SEGMENT)",
  ignore: !CAN_SEGMENT,
  fn: async () => {
    const socket = tunedSocket("127.0.0.1");
    // More datagrams than the kernel cuts
    const bytes = new Prng(1).bytes(150 * 100);
    assertEquals(await carry(socket, bytes, 100), bytes);
    assertEquals(socket.maxSegments(100), 1);
    const more = new Prng(2).bytes(150);
    assertEquals(await carry(socket, more, 100), more);
    socket.close();
  },
});

Deno.test("as many datagrams make a batch as the kernel and the peer's buffer take", () => {
  const socket = tunedSocket("127.0.0.1");
  for (const size of [40, 1_472, 16_000, 65_507]) {
    const count = socket.maxSegments(size);
    assert(count >= 1 && count <= 64, `${count} of ${size}`);
    assert(count === 1 || count * size <= 65_507, `${count} of ${size}`);
  }
  socket.close();
});

testWith(
  FFI,
  "a socket that is to hear of refusals says where nothing listens",
  async () => {
    for (const hostname of ["127.0.0.1", "::1"]) {
      const socket = Socket.bind(undefined, 0);
      const closed = Socket.bind(hostname, 0);
      const to = addressFrom(hostname, closed.port, true);
      closed.close();
      socket.hearRefusals(true);
      await socket.send(Uint8Array.of(1), 1, to);
      // It is told at the next call
      await assertRejects(() => socket.send(Uint8Array.of(1), 1, to));
      assertEquals(socket.refusals(), [to]);
      assertEquals(socket.refusals(), []);
      socket.close();
    }
  },
);
