import { assertEquals, assertNotEquals } from "@std/assert";
import { Relay, type RelayOptions } from "./relay.ts";
import { local, portOf, udpSocket } from "./udp.ts";
import { until } from "../support/wait.ts";

/** A UDP socket that sends and receives short texts. */
class Socket implements Disposable {
  readonly #conn = udpSocket();
  readonly port = portOf(this.#conn);

  async send(text: string, port: number): Promise<void> {
    await this.#conn.send(new TextEncoder().encode(text), local(port));
  }

  async receive(): Promise<{ text: string; from: number }> {
    const [datagram, from] = await this.#conn.receive(new Uint8Array(2_000));
    const text = new TextDecoder().decode(datagram);
    return { text, from: (from as Deno.NetAddr).port };
  }

  [Symbol.dispose](): void {
    this.#conn.close();
  }
}

async function withRelay(
  options: Omit<RelayOptions, "to">,
  run: (relay: Relay, client: Socket, server: Socket) => Promise<void>,
): Promise<void> {
  using client = new Socket();
  using server = new Socket();
  const to = { hostname: "127.0.0.1", port: server.port };
  await using relay = Relay.start({ to, ...options });
  await run(relay, client, server);
}

Deno.test("a relay passes datagrams on, there and back", () =>
  withRelay({}, async (relay, client, server) => {
    await client.send("there", relay.port);
    const there = await server.receive();
    await server.send("back", there.from);
    const back = await client.receive();
    assertEquals([there.text, back.text], ["there", "back"]);
    assertEquals(back.from, relay.port);
    assertEquals(relay.up.counters.passed, 1);
    assertEquals(relay.down.counters.passed, 1);
  }));

Deno.test("a server can tell a relay's clients apart, and answers reach the right one", () =>
  withRelay({}, async (relay, client, server) => {
    using other = new Socket();
    await client.send("from client", relay.port);
    const first = await server.receive();
    await other.send("from other", relay.port);
    const second = await server.receive();
    assertNotEquals(first.from, second.from);
    await server.send("to other", second.from);
    await server.send("to client", first.from);
    assertEquals((await other.receive()).text, "to other");
    assertEquals((await client.receive()).text, "to client");
  }));

Deno.test("nothing passes a relay in the dark", () =>
  withRelay({}, async (relay, client, server) => {
    relay.darken();
    await client.send("lost", relay.port);
    await until(() => relay.up.counters.darkened === 1);
    relay.lighten();
    await client.send("seen", relay.port);
    assertEquals((await server.receive()).text, "seen");
  }));

Deno.test("a hook sees each datagram and may drop it", () => {
  const seen: string[] = [];
  const onDatagram: RelayOptions["onDatagram"] = (datagram, direction) => {
    const text = new TextDecoder().decode(datagram);
    seen.push(`${direction} ${text}`);
    return text !== "drop me";
  };
  return withRelay({ onDatagram }, async (relay, client, server) => {
    await client.send("drop me", relay.port);
    await client.send("keep me", relay.port);
    const kept = await server.receive();
    await server.send("answer", kept.from);
    await client.receive();
    assertEquals(kept.text, "keep me");
    assertEquals(seen, ["up drop me", "up keep me", "down answer"]);
  });
});

Deno.test("what a relay duplicates arrives twice, what it delays arrives", () =>
  withRelay({
    up: { duplicate: 1, reorderBy: 5, delay: 5 },
    down: { delay: 5 },
  }, async (relay, client, server) => {
    await client.send("twice", relay.port);
    const copies = [await server.receive(), await server.receive()];
    assertEquals(copies.map(({ text }) => text), ["twice", "twice"]);
    await server.send("once", copies[0]!.from);
    assertEquals((await client.receive()).text, "once");
  }));

Deno.test("what a relay damages arrives as something else", () =>
  withRelay({ up: { corrupt: 1 } }, async (relay, client, server) => {
    await client.send("to be damaged", relay.port);
    assertNotEquals((await server.receive()).text, "to be damaged");
  }));

Deno.test("a relay drops at random what its seed says", () =>
  withRelay({ up: { loss: 0.5 }, seed: 4 }, async (relay, client, server) => {
    for (let i = 0; i < 20; i++) await client.send(`${i}`, relay.port);
    await until(() => relay.up.counters.entered === 20);
    const { lost } = relay.up.counters;
    relay.up.conditions = {};
    await client.send("last", relay.port);
    let received = 0;
    while ((await server.receive()).text !== "last") received++;
    assertEquals(received + lost, 20);
  }));

Deno.test("a closed relay has let go of its sockets and of what it delayed", async () => {
  using client = new Socket();
  const to = { hostname: "127.0.0.1", port: client.port };
  const relay = Relay.start({ to, up: { delay: 1e6 } });
  await client.send("never arrives", relay.port);
  await relay.close();
  await relay.close();
});
