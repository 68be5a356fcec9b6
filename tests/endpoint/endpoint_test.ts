import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import "../support/libraries.ts";
import { Failure } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import type { Channel } from "../../lib/endpoint/channel.ts";
import { Endpoint, type EndpointOptions } from "../../lib/endpoint/endpoint.ts";
import { acceptOne, connect } from "./connect.ts";
import { spoofedSyn } from "../protocol/demux/test_network.ts";
import { readAll } from "../support/streams.ts";
import { local, portOf, udpSocket } from "../net/udp.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0, timeout: 10_000, mtu: 1500 };

/** Two endpoints. */
function endpoints(options: Partial<EndpointOptions> = {}) {
  const receiver = Endpoint.listen({ ...LOOPBACK, ...options });
  const sender = Endpoint.listen({ ...LOOPBACK, ...options });
  return {
    receiver,
    sender,
    /** Opens a connection, and sends a byte. */
    open: async (host?: string) => {
      const channel = await connect(sender, receiver.port, host);
      await channel.write(Uint8Array.of(7));
      return channel;
    },
    close: () => Promise.all([sender.close(), receiver.close()]),
  };
}

/** Two endpoints, and an accepted connection between them, on which a byte was sent and read. */
async function pair(options?: Partial<EndpointOptions>, host?: string) {
  const both = endpoints(options);
  const accepting = acceptOne(both.receiver);
  const channel = await both.open(host);
  const accepted = await accepting;
  assertEquals(await accepted.read(new Uint8Array(10)), 1);
  return { ...both, channel, accepted };
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  return await assertRejects(() => promise, Failure);
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`bytes cross in both directions at once, and both sides close in order (${hostname})`, async () => {
    const { channel, accepted, close } = await pair({ hostname }, hostname);
    const forth = new Prng(1).bytes(1_500_000);
    const back = new Prng(2).bytes(700_001);
    const [gotForth, gotBack] = await Promise.all([
      readAll(accepted),
      readAll(channel),
      channel.write(forth).then(() => channel.closeWrite()),
      accepted.write(back).then(() => accepted.closeWrite()),
    ]);
    assertEquals(gotForth, forth);
    assertEquals(gotBack, back);
    await Promise.all([channel.closed, accepted.closed]);
    await close();
  });
}

Deno.test("an endpoint that is bound to nothing in particular is reached by IPv4 and IPv6", async () => {
  for (const host of ["127.0.0.1", "::1", "localhost"]) {
    const both = await pair({ hostname: undefined }, host);
    const { channel, accepted, sender } = both;
    assert(accepted.peer.endsWith(`:${sender.port}`), accepted.peer);
    assert(!accepted.peer.includes("ffff"), accepted.peer);
    await Promise.all([channel.closeWrite(), accepted.closeWrite()]);
    await Promise.all([readAll(channel), readAll(accepted)]);
    await Promise.all([channel.closed, accepted.closed]);
    await both.close();
  }
});

Deno.test("a write waits while the reader does not read", async () => {
  const { channel, accepted, close } = await pair();
  const size = 80_000_000;
  let written = false;
  const writing = channel.write(new Uint8Array(size)).then(() => {
    written = true;
    return channel.closeWrite();
  });
  const into = new Uint8Array(100_000);
  let read = await accepted.read(into) ?? 0;
  assert(!written);
  for (;;) {
    const length = await accepted.read(into);
    if (length === null) break;
    read += length;
  }
  await writing;
  assertEquals(read, size);
  accepted.abort(new Error("enough"));
  await close();
});

Deno.test("a second sender is told that the receiver is busy", async () => {
  const { receiver, close } = await pair();
  const second = Endpoint.listen(LOOPBACK);
  const channel = await connect(second, receiver.port);
  await channel.write(Uint8Array.of(1));
  assertEquals((await failureOf(channel.established)).code, "busy");
  assertEquals((await failureOf(channel.closed)).code, "busy");
  await second.close();
  await close();
});

Deno.test("an abort ends the other side's reading and writing at once", async () => {
  const { channel, accepted, close } = await pair();
  const reading = failureOf(accepted.read(new Uint8Array(1)));
  channel.abort(new Failure({ code: "interrupted" }));
  assertEquals((await failureOf(channel.closed)).code, "interrupted");
  assertEquals((await reading).code, "peer-stopped");
  assertEquals(
    (await failureOf(accepted.write(new Uint8Array(1)))).code,
    "peer-stopped",
  );
  await close();
});

Deno.test("where nobody answers, the failure names the address and what to look at", async () => {
  const silent = udpSocket();
  const port = portOf(silent);
  const sender = Endpoint.listen({ ...LOOPBACK, timeout: 300 });
  const channel = await connect(sender, port);
  await channel.write(Uint8Array.of(1));
  const failure = await failureOf(channel.closed);
  assertEquals(failure.code, "no-answer");
  assertEquals(failure.detail, {
    code: "no-answer",
    peer: `127.0.0.1:${port}`,
    seconds: 0.3,
    sendError: undefined,
  });
  await sender.close();
  silent.close();
});

Deno.test("a peer that falls silent is given up after the timeout", async () => {
  const { channel, receiver, sender } = await pair({ timeout: 400 });
  await receiver.close();
  assertEquals((await failureOf(channel.closed)).code, "peer-silent");
  await sender.close();
});

Deno.test("a receiver that was restarted on the same port ends the old connection at once", async () => {
  const { channel, receiver, sender } = await pair();
  const { port } = receiver;
  await receiver.close();
  const restarted = Endpoint.listen({ ...LOOPBACK, port });
  await channel.write(Uint8Array.of(1));
  assertEquals((await failureOf(channel.closed)).code, "unknown-connection");
  await Promise.all([restarted.close(), sender.close()]);
});

Deno.test("an endpoint closes in the midst of a flood of SYNs", async () => {
  const receiver = Endpoint.listen(LOOPBACK);
  const nobody = acceptOne(receiver).catch(() => {});
  const flooder = udpSocket();
  const to = local(receiver.port);
  const over = new AbortController();
  const flooding = (async () => {
    for (let id = 0; !over.signal.aborted; id++) {
      await flooder.send(spoofedSyn(id), to).catch(() => {});
    }
  })();
  // Answered, so it is in the midst of it
  for (let answers = 0; answers < 20; answers++) await flooder.receive();
  await receiver.close();
  over.abort();
  await Promise.race([nobody, flooding]);
  await flooding;
  flooder.close();
});

/** Serves one sender, and then lets another one come. */
async function another(mayAbort: (first: Channel) => boolean) {
  const { receiver, open, close } = endpoints();
  const { promise: first, resolve } = Promise.withResolvers<Channel>();
  const over = new AbortController();
  let asked = 0;
  let served: Channel;
  const serve = async () => {
    const makeRoom = () => {
      asked++;
      return mayAbort(served);
    };
    const connections = receiver.incoming(over.signal, { makeRoom });
    for await (const incoming of connections) {
      incoming.accept().then(() => {
        served ??= incoming.channel;
        resolve(served);
      }, () => {});
    }
  };
  serve().catch(() => {});
  const one = await open();
  await first;
  const other = await open();
  return {
    one,
    other,
    asked: () => asked,
    close: async () => {
      over.abort();
      await close();
    },
  };
}

Deno.test("when all places are taken the application is asked for one, and the next connection is served", async () => {
  const { one, other, asked, close } = await another((first) => {
    first.abort(new Failure({ code: "superseded" }));
    return true;
  });
  await other.established;
  assertEquals((await failureOf(one.closed)).code, "peer-stopped");
  assertEquals(asked(), 1);
  await close();
});

Deno.test("when the application gives up no place, the next connection is told that it is busy, and the first is not affected", async () => {
  const { one, other, asked, close } = await another(() => false);
  assertEquals((await failureOf(other.established)).code, "busy");
  assertEquals(asked(), 1);
  await one.write(Uint8Array.of(3));
  one.ping();
  assertEquals(one.finished, false);
  await close();
});

Deno.test("a refused connection is aborted, and the next one can be accepted", async () => {
  const { receiver, open, close } = endpoints();
  const connections = receiver.incoming();
  const next = async () => {
    const arrival = connections.next();
    const channel = await open();
    const { value: incoming } = await arrival;
    return { channel, incoming };
  };
  const first = await next();
  first.incoming.refuse(new Failure({ code: "busy" }));
  assertEquals((await failureOf(first.channel.closed)).code, "peer-stopped");
  const second = await next();
  await second.incoming.accept();
  await second.channel.established;
  assertEquals((await failureOf(first.incoming.accept())).code, "busy");
  await close();
});

Deno.test("what is sent before a connection is accepted can be read to decide on it", async () => {
  const { receiver, open, close } = endpoints();
  await open();
  for await (const { channel } of receiver.incoming()) {
    const into = new Uint8Array(10);
    assertEquals(await channel.read(into), 1);
    assertEquals(into[0], 7);
    break;
  }
  await close();
});

Deno.test("a connection that is opened before anybody takes one waits", async () => {
  const { receiver, open, close } = endpoints();
  receiver.holdIncoming();
  await (await open()).established;
  assert((await acceptOne(receiver)).established);
  await close();
});

Deno.test("the iteration ends when the endpoint is closed, or with the signal's reason", async () => {
  const receiver = Endpoint.listen(LOOPBACK);
  const stopped = new Failure({ code: "interrupted" });
  const over = new AbortController();
  const listening = receiver.incoming(over.signal).next();
  over.abort(stopped);
  assertEquals(await failureOf(listening), stopped);
  const again = failureOf(receiver.incoming().next());
  await assertRejects(() => receiver.incoming().next(), TypeError);
  await receiver.close();
  assertEquals((await again).code, "interrupted");
});

Deno.test("a port in use and a foreign address are refused with a reason", () => {
  const endpoint = Endpoint.listen(LOOPBACK);
  const { port } = endpoint;
  const address = "192.0.2.77";
  for (
    const [options, detail] of [
      [{ port }, { code: "port-in-use", port }],
      [{ hostname: address }, { code: "cannot-bind", address }],
    ] as const
  ) {
    const listen = () => Endpoint.listen({ ...LOOPBACK, ...options });
    assertEquals(assertThrows(listen, Failure).detail, detail);
  }
  return endpoint.close();
});

Deno.test("resolving a name ends with the signal", async () => {
  const endpoint = Endpoint.listen(LOOPBACK);
  const signal = AbortSignal.abort(new Failure({ code: "interrupted" }));
  const failure = await failureOf(endpoint.resolve("localhost", 5000, signal));
  assertEquals(failure.code, "interrupted");
  // The system's lookup cannot be ended: it is over when a later one is
  await endpoint.resolve("localhost", 5000);
  await endpoint.close();
});
