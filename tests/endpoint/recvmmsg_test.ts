import { assert, assertEquals } from "@std/assert";
import { Prng } from "../../lib/base/prng.ts";
import type { Socket } from "../../lib/endpoint/socket/socket.ts";
import "../support/libraries.ts";
import { FFI, testWith } from "../support/needs.ts";
import { local } from "../net/udp.ts";
import { tunedSocket } from "./tuned_socket.ts";

/** A test of what needs the C library. */
function test(name: string, fn: () => void | Promise<void>): void {
  testWith(FFI, name, fn);
}

interface Message {
  bytes: Uint8Array;
  from: Deno.NetAddr;
}

/** Waits for one message, and takes as many as have come by then. */
async function takeAll(socket: Socket): Promise<Message[]> {
  const [bytes, from] = await socket.receive(new Uint8Array(65_536));
  const messages = [{ bytes: bytes.slice(), from }];
  socket.receiveMore((bytes, from) =>
    messages.push({ bytes: bytes.slice(), from })
  );
  return messages;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  test(`what has arrived is taken together, in order (${hostname})`, async () => {
    const receiver = tunedSocket(hostname);
    const sender = tunedSocket(hostname);
    const to = local(receiver.port, hostname);
    const sent = [1, 1_400, 30_000, 700, 64].map((size) =>
      new Prng(size).bytes(size)
    );
    for (const bytes of sent) await sender.send(bytes, bytes.length, to);
    const messages = await takeAll(receiver);
    assertEquals(messages.map(({ bytes }) => bytes), sent);
    // As Deno tells the first one's
    const first = { ...messages[0]!.from };
    for (const { from } of messages) assertEquals({ ...from }, first);
    assertEquals(messages[0]!.from.port, sender.port);
    receiver.close();
    sender.close();
  });
}

test("a message tells who sent it, whoever sent the one before", async () => {
  const receiver = tunedSocket(undefined);
  const senders = ["127.0.0.1", "::1", "127.0.0.1"].map((hostname) => ({
    hostname,
    socket: tunedSocket(hostname),
  }));
  const order = [0, 1, 1, 2, 0, 2, 1];
  for (const index of order) {
    const { hostname, socket } = senders[index]!;
    const to = local(receiver.port, hostname);
    await socket.send(Uint8Array.of(index), 1, to);
  }
  const messages = await takeAll(receiver);
  assertEquals(messages.map(({ bytes }) => bytes[0]), order);
  for (const { bytes, from } of messages) {
    const { hostname, socket } = senders[bytes[0]!]!;
    assertEquals(from.port, socket.port);
    const mapped = hostname === "::1" ? hostname : `::ffff:${hostname}`;
    assertEquals(from.hostname, mapped);
  }
  receiver.close();
  for (const { socket } of senders) socket.close();
});

test("what is too much for one time stays for the next", async () => {
  const receiver = tunedSocket("127.0.0.1");
  const sender = tunedSocket("127.0.0.1");
  const to = local(receiver.port);
  const sizes = Array.from({ length: 100 }, (_, index) => 1 + index);
  for (const size of sizes) await sender.send(new Uint8Array(size), size, to);
  const taken: number[] = [];
  let times = 0;
  while (taken.length < sizes.length) {
    const messages = await takeAll(receiver);
    taken.push(...messages.map(({ bytes }) => bytes.length));
    times++;
  }
  assertEquals(taken, sizes);
  assert(times > 1 && times < 10, `${times} times`);
  receiver.receiveMore(() => assert(false, "there is no more"));
  receiver.close();
  sender.close();
});

test("a socket that was closed takes nothing, whoever has its descriptor now", async () => {
  const closed = tunedSocket("127.0.0.1");
  closed.close();
  const heirs = [1, 2, 3].map(() => tunedSocket("127.0.0.1"));
  const sender = heirs[0]!;
  for (const heir of heirs) {
    await sender.send(Uint8Array.of(1), 1, local(heir.port));
  }
  closed.receiveMore(() => assert(false, "that is somebody else's"));
  for (const heir of heirs) {
    assertEquals((await takeAll(heir)).length, 1);
    heir.close();
  }
});
