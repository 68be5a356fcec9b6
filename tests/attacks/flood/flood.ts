import { parseArgs } from "@std/cli/parse-args";
import { Prng } from "../../../lib/base/prng.ts";
import {
  decodeSegment,
  Flag,
  Reset,
  Segment,
  SYN_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import { ClientHandshake } from "../../../lib/secure/handshake/handshake.ts";
import { prepare } from "../../../lib/secure/secure_channel.ts";
import { datagramOf, type Draft, mend } from "../../support/packets.ts";
import { pause } from "../../support/wait.ts";

/**
 * What strangers do after a SYN:
 *
 * - `syn`: nothing
 * - `silent`: they go through the handshake of the transport, and say nothing more
 * - `reset`: they say RST with ABORTED at once, blindly
 * - `edges`: they ask for ever larger windows, and put single bytes at their edges and all over them
 */
export type Kind = "syn" | "silent" | "reset" | "edges";

/** What a flood is made of. */
export interface FloodOptions {
  port: number;
  /** SYNs a second. */
  rate: number;
  kind?: Kind;
  /** Addresses that they come from: 127.1.0.1, 127.1.0.2 and so on. */
  sources?: number;
  /** Whether cookies are answered; forged addresses could not. */
  cookies?: boolean;
  /** What rides on the SYN: a HELLO of this mode, or nothing. */
  hello?: "encrypted" | "code" | undefined;
}

/** What a flood has come to. */
export interface Flooded {
  syns: number;
  datagrams: number;
  bytes: number;
  /** Cookies that were answered. */
  cookies: number;
  /** Connections that the receiver answered with SYN and ACK. */
  answered: number;
  /** Bytes that came back. */
  returned: number;
}

/** Where the fields of a SYN are that are other in each. */
const ID_HIGH_AT = 8;
const ID_LOW_AT = 12;
/** Bytes of {@linkcode Kind} `edges` that lie so far apart, as pages of memory do. */
const PAGE = 1 << 16;
const FIRST_WINDOW = 20;
const LAST_WINDOW = 25;
/** Milliseconds between two bursts. */
const TICK = 5;

/** Strangers at many addresses of this machine, until they are stopped. */
export class Flood {
  readonly flooded: Flooded = {
    syns: 0,
    datagrams: 0,
    bytes: 0,
    cookies: 0,
    answered: 0,
    returned: 0,
  };
  readonly #options: FloodOptions;
  readonly #sockets: Deno.DatagramConn[] = [];
  readonly #listening: Promise<void>[] = [];
  readonly #random = new Prng(Date.now() & 0xffff);
  readonly #to: Deno.NetAddr;
  #payload: Uint8Array = new Uint8Array(0);
  #syn: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(options: FloodOptions) {
    this.#options = options;
    const { port, sources = 1 } = options;
    this.#to = { transport: "udp", hostname: "127.0.0.1", port };
    for (let i = 0; i < sources; i++) {
      const hostname = `127.1.${i >> 8}.${(i & 0xff) || 255}`;
      this.#sockets.push(
        Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
      );
    }
  }

  async start(): Promise<void> {
    const { hello } = this.#options;
    if (hello !== undefined) this.#payload = await helloOf(hello);
    this.#syn = synOf({ payload: this.#payload });
    for (const socket of this.#sockets) {
      this.#listening.push(this.#listen(socket));
    }
    this.#running = this.#run();
  }

  async stop(): Promise<Flooded> {
    this.#stopped = true;
    await this.#running;
    for (const socket of this.#sockets) socket.close();
    await Promise.all(this.#listening);
    return this.flooded;
  }

  async #run(): Promise<void> {
    const { rate } = this.#options;
    const start = performance.now();
    while (!this.#stopped) {
      const due = rate * (performance.now() - start) / 1000;
      while (this.flooded.syns < due) {
        const at = this.flooded.syns++ % this.#sockets.length;
        await this.#open(this.#sockets[at]!);
      }
      await pause(TICK);
    }
  }

  async #open(socket: Deno.DatagramConn): Promise<void> {
    const syn = this.#syn;
    const view = new DataView(syn.buffer);
    const idHigh = this.#random.uint32();
    const idLow = this.#random.uint32();
    view.setUint32(ID_HIGH_AT, idHigh);
    view.setUint32(ID_LOW_AT, idLow);
    mend(syn);
    await this.#send(socket, syn);
    const id = { idHigh, idLow };
    if (this.#options.kind === "reset") await this.#reset(socket, id);
    if (this.#options.kind === "edges") await this.#edges(socket, id);
  }

  async #reset(socket: Deno.DatagramConn, id: Draft): Promise<void> {
    const payload = Uint8Array.of(Reset.ABORTED);
    const draft = { ...id, flags: Flag.RST, packetNumber: 1, seq: 1, payload };
    await this.#send(socket, datagramOf(draft));
  }

  async #edges(socket: Deno.DatagramConn, id: Draft): Promise<void> {
    const payload = Uint8Array.of(7);
    let packetNumber = 1;
    const byteAt = (seq: number, flags: number) =>
      this.#send(
        socket,
        datagramOf({
          ...id,
          flags,
          seq,
          payload,
          packetNumber: packetNumber++,
        }),
      );
    for (let power = FIRST_WINDOW; power < LAST_WINDOW; power++) {
      await byteAt(2 ** power, 0);
      await byteAt(2 ** power - 1, Flag.BLOCKED);
    }
    for (let seq = PAGE / 2; seq < 2 ** LAST_WINDOW; seq += PAGE) {
      await byteAt(seq, 0);
    }
  }

  async #send(socket: Deno.DatagramConn, datagram: Uint8Array): Promise<void> {
    this.flooded.datagrams++;
    this.flooded.bytes += datagram.length;
    await socket.send(datagram, this.#to).catch(() => {});
  }

  async #listen(socket: Deno.DatagramConn): Promise<void> {
    const into = new Uint8Array(2_000);
    const segment = new Segment();
    const { cookies = false, kind = "syn" } = this.#options;
    try {
      for (;;) {
        const [datagram] = await socket.receive(into);
        this.flooded.returned += datagram.length;
        if (decodeSegment(datagram, segment) !== undefined) continue;
        const { idHigh, idLow, packetNumber } = segment;
        const id = { idHigh, idLow };
        if (segment.has(Flag.COOKIE)) {
          if (!cookies) continue;
          this.flooded.cookies++;
          const cookie = segment.cookie.slice();
          const again = synOf({
            ...id,
            packetNumber: 1,
            payload: this.#payload,
            cookie,
          });
          await this.#send(socket, again);
          if (kind === "edges") await this.#edges(socket, id);
        } else if (segment.has(Flag.SYN)) {
          this.flooded.answered++;
          if (kind !== "silent") continue;
          const acknowledged = segment.seq + segment.sequenceLength;
          await this.#send(
            socket,
            datagramOf({
              ...id,
              flags: Flag.ACK,
              packetNumber: 2,
              seq: 1 + this.#payload.length,
              ack: acknowledged,
              window: 2 ** 20,
              blocks: [[packetNumber, packetNumber + 1]],
            }),
          );
        }
      }
    } catch {
      // It was closed
    }
  }
}

/** A SYN of the length that a SYN has. */
function synOf(draft: Draft): Uint8Array<ArrayBuffer> {
  const whole = { ...draft, flags: Flag.SYN };
  const padding = Math.max(0, SYN_SIZE - datagramOf(whole).length);
  return datagramOf({ ...whole, padding });
}

/** A HELLO, well formed: its sender knows no code. */
export async function helloOf(
  mode: "encrypted" | "code",
): Promise<Uint8Array> {
  const security = mode === "code"
    ? { mode, code: "never right" } as const
    : { mode } as const;
  const nonce = crypto.getRandomValues(new Uint8Array(32));
  return new ClientHandshake(await prepare(security), nonce).hello;
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["port", "rate", "kind", "sources", "for", "hello"],
    boolean: ["cookies"],
  });
  const { kind = "syn", hello } = args;
  const flood = new Flood({
    port: Number(args.port ?? 5000),
    rate: Number(args.rate ?? 100),
    kind: kind as Kind,
    sources: Number(args.sources ?? 1),
    cookies: args.cookies,
    hello: hello as FloodOptions["hello"],
  });
  await flood.start();
  const over = () =>
    flood.stop().then((flooded) => console.log(JSON.stringify(flooded)));
  Deno.addSignalListener("SIGTERM", () => over().then(() => Deno.exit()));
  setTimeout(
    () => over().then(() => Deno.exit()),
    1000 * Number(args.for ?? 10),
  );
}
