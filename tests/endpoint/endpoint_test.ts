import { assert, assertEquals, assertRejects } from "@std/assert";
import "../support/libraries.ts";
import { Failure } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import type { Channel } from "../../lib/endpoint/channel.ts";
import { Endpoint } from "../../lib/endpoint/endpoint.ts";
import { acceptOne } from "./accept_one.ts";
import { spoofedSyn } from "../protocol/demux/test_network.ts";
import { readAll } from "../support/streams.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0, timeout: 10_000, mtu: 1500 };

async function pair(hostname = "127.0.0.1") {
  const receiver = Endpoint.listen({ ...LOOPBACK, hostname });
  const sender = Endpoint.listen({ ...LOOPBACK, hostname });
  const accepting = acceptOne(receiver);
  const channel = await sender.connect(hostname, receiver.port);
  await channel.write(new Uint8Array(0));
  const accepted = await accepting;
  return {
    channel,
    accepted,
    sender,
    receiver,
    close: () => Promise.all([sender.close(), receiver.close()]),
  };
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const failure = await assertRejects(() => promise, Failure);
  return failure;
}

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`bytes cross in both directions at once, and both sides close in order (${hostname})`, async () => {
    const { channel, accepted, close } = await pair(hostname);
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
    const receiver = Endpoint.listen({ ...LOOPBACK, hostname: undefined });
    const sender = Endpoint.listen({ ...LOOPBACK, hostname: undefined });
    const accepting = acceptOne(receiver);
    const channel = await sender.connect(host, receiver.port);
    await channel.write(Uint8Array.of(7));
    await channel.closeWrite();
    const accepted = await accepting;
    assertEquals(await readAll(accepted), Uint8Array.of(7));
    assert(accepted.peer.endsWith(`:${sender.port}`), accepted.peer);
    assert(!accepted.peer.includes("ffff"), accepted.peer);
    await accepted.closeWrite();
    assertEquals(await readAll(channel), new Uint8Array(0));
    await Promise.all([channel.closed, accepted.closed]);
    await Promise.all([sender.close(), receiver.close()]);
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
  const channel = await second.connect("127.0.0.1", receiver.port);
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
  const silent = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  const { port } = silent.addr as Deno.NetAddr;
  const sender = Endpoint.listen({ ...LOOPBACK, timeout: 300 });
  const channel = await sender.connect("127.0.0.1", port);
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
  const receiver = Endpoint.listen(LOOPBACK);
  const sender = Endpoint.listen({ ...LOOPBACK, timeout: 400 });
  const accepting = acceptOne(receiver);
  const channel = await sender.connect("127.0.0.1", receiver.port);
  await channel.write(Uint8Array.of(1));
  await accepting;
  await channel.established;
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
  const { hostname } = LOOPBACK;
  const flooder = Deno.listenDatagram({
    transport: "udp",
    hostname,
    port: 0,
  });
  const to = { transport: "udp", hostname, port: receiver.port } as const;
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
  const receiver = Endpoint.listen(LOOPBACK);
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
  const sender = Endpoint.listen(LOOPBACK);
  const one = await sender.connect("127.0.0.1", receiver.port);
  await one.write(Uint8Array.of(1));
  await first;
  const other = await sender.connect("127.0.0.1", receiver.port);
  await other.write(Uint8Array.of(2));
  return {
    one,
    other,
    asked: () => asked,
    close: async () => {
      over.abort();
      await Promise.all([sender.close(), receiver.close()]);
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
  const receiver = Endpoint.listen(LOOPBACK);
  const sender = Endpoint.listen(LOOPBACK);
  const connections = receiver.incoming();
  const next = async () => {
    const arrival = connections.next();
    const channel = await sender.connect("127.0.0.1", receiver.port);
    await channel.write(Uint8Array.of(1));
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
  await Promise.all([sender.close(), receiver.close()]);
});

Deno.test("what is sent before a connection is accepted can be read to decide on it", async () => {
  const receiver = Endpoint.listen(LOOPBACK);
  const sender = Endpoint.listen(LOOPBACK);
  const channel = await sender.connect("127.0.0.1", receiver.port);
  await channel.write(Uint8Array.of(1, 2, 3));
  for await (const { channel: from } of receiver.incoming()) {
    const into = new Uint8Array(10);
    assertEquals(await from.read(into), 3);
    assertEquals(into.subarray(0, 3), Uint8Array.of(1, 2, 3));
    break;
  }
  await Promise.all([sender.close(), receiver.close()]);
});

Deno.test("a connection that is opened before anybody takes one waits", async () => {
  const receiver = Endpoint.listen(LOOPBACK);
  const sender = Endpoint.listen(LOOPBACK);
  receiver.holdIncoming();
  const channel = await sender.connect("127.0.0.1", receiver.port);
  await channel.write(Uint8Array.of(1));
  await channel.established;
  assert((await acceptOne(receiver)).established);
  await Promise.all([sender.close(), receiver.close()]);
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

Deno.test("an unknown host, a port in use and a foreign address are refused with a reason", async () => {
  const endpoint = Endpoint.listen(LOOPBACK);
  const unknown = await failureOf(endpoint.connect("no-such-host.invalid", 1));
  assertEquals(unknown.detail, {
    code: "unknown-host",
    host: "no-such-host.invalid",
  });
  const listenAgain = () =>
    Endpoint.listen({ ...LOOPBACK, port: endpoint.port });
  const inUse = await failureOf((async () => await listenAgain())());
  assertEquals(inUse.detail, { code: "port-in-use", port: endpoint.port });
  const foreign = { ...LOOPBACK, hostname: "192.0.2.77" };
  const bound = await failureOf((async () => await Endpoint.listen(foreign))());
  assertEquals(bound.detail, { code: "cannot-bind", address: "192.0.2.77" });
  await endpoint.close();
});

Deno.test("an address with a zone is refused at once", async () => {
  const endpoint = Endpoint.listen({ ...LOOPBACK, hostname: undefined });
  const failure = await failureOf(endpoint.connect("fe80::1%lo", 5000));
  assertEquals(failure.code, "zone-address");
  await endpoint.close();
});

Deno.test("resolving a name ends with the signal", async () => {
  const endpoint = Endpoint.listen(LOOPBACK);
  const signal = AbortSignal.abort(new Failure({ code: "interrupted" }));
  const failure = await failureOf(endpoint.connect("localhost", 5000, signal));
  assertEquals(failure.code, "interrupted");
  // The system's lookup cannot be ended: it is over when a later one is
  await (await endpoint.connect("localhost", 5000)).abort(failure);
  await endpoint.close();
});

Deno.test("an IPv4 socket says that it cannot reach an IPv6 address", async () => {
  const endpoint = Endpoint.listen(LOOPBACK);
  const failure = await failureOf(endpoint.connect("::1", 5000));
  assertEquals(failure.code, "no-ipv4-address");
  await endpoint.close();
});
