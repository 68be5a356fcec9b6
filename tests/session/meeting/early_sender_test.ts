import { assertEquals } from "@std/assert";
import { decodeAnswer, MeetKind } from "../../../lib/meet/messages.ts";
import { MeetServer } from "../../../lib/meet/meet_server.ts";
import { receive, send } from "../../../lib/mod.ts";
import "../../support/libraries.ts";

const SECURITY = { mode: "code", code: "17-walnut-copper-lagoon" } as const;

/** By how many milliseconds an answer of this kind is late. */
type Lateness = (kind: number | undefined) => number;

/** A meeting point on this machine whose answers may be late, and are lost when that is `Infinity`. */
class LatePoint implements AsyncDisposable {
  readonly #socket = Deno.listenDatagram({
    transport: "udp",
    hostname: "127.0.0.1",
    port: 0,
  });
  readonly #server = new MeetServer<Deno.NetAddr>({
    random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
  });
  readonly #lateness: Lateness;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #running: Promise<void>;
  readonly port = (this.#socket.addr as Deno.NetAddr).port;

  constructor(lateness: Lateness) {
    this.#lateness = lateness;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for await (const [datagram, from] of this.#socket) {
      const now = performance.now();
      let sending = Promise.resolve();
      this.#server.take(now, datagram, from as Deno.NetAddr, (bytes, _, to) => {
        sending = this.#send(bytes, to);
      });
      await sending;
      for (;;) {
        const next = this.#server.poll(now);
        if (next === undefined) break;
        const { bytes, to } = next;
        const late = this.#lateness(decodeAnswer(bytes)?.kind);
        if (late === 0) await this.#send(bytes, to);
        else if (late < Infinity) {
          this.#timers.add(setTimeout(() => this.#send(bytes, to), late));
        }
      }
    }
  }

  async #send(bytes: Uint8Array, to: Deno.NetAddr): Promise<void> {
    await this.#socket.send(bytes, to).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket.close();
    await this.#running;
  }
}

/** Sends a text by a meeting point that answers like this. @returns what arrived */
async function sentBy(lateness: Lateness): Promise<string> {
  await using point = new LatePoint(lateness);
  const meet = { host: "127.0.0.1", port: point.port };
  const common = { meet, security: SECURITY, timeout: 20_000 };
  const through = new TransformStream<Uint8Array, Uint8Array>();
  const arriving = new Response(through.readable).text();
  await Promise.all([
    receive({ ...common, port: 0, to: through.writable }),
    send(undefined, {
      ...common,
      content: new Blob(["to be met"]).stream(),
    }),
  ]);
  return await arriving;
}

Deno.test("a sender may come before its receiver hears that it has a place", async () => {
  const arrived = await sentBy((kind) =>
    kind === MeetKind.PLACE || kind === MeetKind.BOUND ? 500 : 0
  );
  assertEquals(arrived, "to be met");
});

Deno.test("a receiver that never hears that it has a place takes the sender that is brought to it", async () => {
  const arrived = await sentBy((kind) =>
    kind === MeetKind.PLACE ? Infinity : 0
  );
  assertEquals(arrived, "to be met");
});
