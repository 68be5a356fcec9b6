import { parseArgs } from "@std/cli/parse-args";
import { Prng } from "../../../lib/base/prng.ts";
import { writeUint32 } from "../../../lib/base/integers.ts";
import {
  Flag,
  PathKind,
  Reset,
  SYN_SIZE,
} from "../../../lib/protocol/wire/segment.ts";
import { ClientHandshake } from "../../../lib/secure/handshake/handshake.ts";
import { prepare } from "../../../lib/secure/secure_channel.ts";
import {
  datagramOf,
  type Draft,
  draftOf,
  mend,
} from "../../support/packets.ts";
import { local, udpSocket } from "../../net/udp.ts";
import { pause } from "../../support/wait.ts";

/**
 * What strangers do after a SYN:
 *
 * - `syn`: nothing
 * - `garbage`: they send random bytes
 * - `silent`: they go through the handshake of the transport, and say nothing more
 * - `slow`: they acknowledge what they hear, and say a byte now and then
 * - `reset`: they say RST with ABORTED at once, blindly
 * - `edges`: they ask for ever larger windows, and put single bytes at their edges and all over them
 * - `scattered`: the same in the windows that they are given
 */
type Kind =
  | "syn"
  | "garbage"
  | "silent"
  | "slow"
  | "reset"
  | "edges"
  | "scattered";

/** What a flood is made of. */
interface FloodOptions {
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
const ID_AT = 7;
/** Bytes of {@linkcode Kind} `edges` that lie so far apart, as pages of memory do. */
const PAGE = 1 << 16;
const FIRST_WINDOW = 20;
const LAST_WINDOW = 25;
/** Milliseconds between two bursts. */
const TICK = 5;
/** Milliseconds after which a slow stranger answers. */
const SLOWNESS = 300;
/** SYNs handed to the system before it is waited for. */
const BATCH = 64;
/** Connections that are remembered. */
const MAX_KNOWN = 4_096;

/** Strangers at many addresses of this machine, until they are stopped. */
class Flood {
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
  /** By the low half of the id: packets that were sent, and the last byte that may be. */
  readonly #known = new Map<number, { packets: number; edge: number }>();
  #payload: Uint8Array = new Uint8Array(0);
  #syn: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(options: FloodOptions) {
    this.#options = options;
    const { port, sources = 1 } = options;
    this.#to = local(port);
    for (let i = 0; i < sources; i++) {
      const hostname = `127.1.${i >> 8}.${(i & 0xff) || 255}`;
      this.#sockets.push(udpSocket(hostname));
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
        const opening = [];
        for (let i = 0; i < BATCH && this.flooded.syns < due; i++) {
          const at = this.flooded.syns++ % this.#sockets.length;
          opening.push(this.#open(this.#sockets[at]!));
        }
        await Promise.all(opening);
      }
      await pause(TICK);
    }
  }

  async #open(socket: Deno.DatagramConn): Promise<void> {
    const syn = this.#syn.slice();
    const id = this.#random.uint32();
    writeUint32(syn, ID_AT, id);
    mend(syn);
    this.#known.set(id, { packets: 0, edge: 0 });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN) this.#known.delete(oldest!);
    await this.#send(socket, syn);
    await this.#follow(socket, { id });
  }

  /** Sends what strangers do not wait for an answer to send after a SYN. */
  async #follow(
    socket: Deno.DatagramConn,
    id: { readonly id: number },
  ): Promise<void> {
    const { kind } = this.#options;
    if (kind === "garbage") {
      const length = this.#random.int(SYN_SIZE);
      await this.#send(socket, this.#random.bytes(length));
    }
    if (kind === "reset") {
      const payload = Uint8Array.of(Reset.ABORTED);
      await this.#say(socket, { ...id, flags: Flag.RST, seq: 1, payload });
    }
    if (kind !== "edges") return;
    const payload = Uint8Array.of(7);
    for (let power = FIRST_WINDOW; power < LAST_WINDOW; power++) {
      const edge = { ...id, seq: 2 ** power, payload };
      await this.#say(socket, edge);
      await this.#say(socket, {
        ...edge,
        seq: edge.seq - 1,
        flags: Flag.BLOCKED,
      });
    }
    for (let seq = PAGE / 2; seq < 2 ** LAST_WINDOW; seq += PAGE) {
      await this.#say(socket, { ...id, seq, payload });
    }
  }

  /** Sends a segment with the connection's next packet number. */
  async #say(socket: Deno.DatagramConn, draft: Draft): Promise<void> {
    const known = this.#known.get(draft.id!);
    if (known === undefined) return;
    const packetNumber = ++known.packets;
    await this.#send(socket, datagramOf({ ...draft, packetNumber }));
  }

  async #send(socket: Deno.DatagramConn, datagram: Uint8Array): Promise<void> {
    this.flooded.datagrams++;
    this.flooded.bytes += datagram.length;
    await socket.send(datagram, this.#to).catch(() => {});
  }

  async #listen(socket: Deno.DatagramConn): Promise<void> {
    const into = new Uint8Array(2_000);
    try {
      for (;;) {
        const [datagram] = await socket.receive(into);
        this.flooded.returned += datagram.length;
        await this.#answer(socket, draftOf(datagram));
      }
    } catch {
      // It was closed
    }
  }

  async #answer(
    socket: Deno.DatagramConn,
    heard: Required<Draft>,
  ): Promise<void> {
    const { cookies = false, kind = "syn" } = this.#options;
    const { flags, cookie, packetNumber } = heard;
    const id = { id: heard.id };
    const known = this.#known.get(heard.id);
    if (known === undefined) return;
    if (heard.pathKind === PathKind.COOKIE && cookies) {
      this.flooded.cookies++;
      const packet = ++known.packets;
      const payload = this.#payload;
      const again = { ...id, packetNumber: packet, payload, cookie };
      await this.#send(socket, synOf(again));
      await this.#follow(socket, id);
    }
    if (!(flags & Flag.ACK)) return;
    if (flags & Flag.SYN) this.flooded.answered++;
    const proof = {
      ...id,
      flags: Flag.ACK,
      seq: 1 + this.#payload.length,
      ack: 1,
      window: 2 ** 20,
      blocks: [[packetNumber, packetNumber + 1]] as const,
    };
    if (kind === "silent" && flags & Flag.SYN) await this.#say(socket, proof);
    const payload = Uint8Array.of(1);
    const asking = {
      ...proof,
      payload,
      flags: Flag.ACK | Flag.BLOCKED | Flag.PSH,
    };
    if (kind === "slow") {
      const { ack: seq } = heard;
      setTimeout(() => this.#say(socket, { ...asking, seq }), SLOWNESS);
    }
    if (kind !== "scattered") return;
    const first = flags & Flag.SYN ? 1 + heard.initialWindow : 0;
    const edge = Math.max(first, heard.ack + heard.window);
    if (edge <= known.edge) return;
    const from = Math.max(PAGE, Math.ceil(known.edge / PAGE) * PAGE);
    known.edge = edge;
    await this.#say(socket, { ...asking, seq: edge - 1 });
    for (let seq = from; seq < edge; seq += PAGE) {
      await this.#say(socket, { ...asking, seq });
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
async function helloOf(
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
  const flood = new Flood({
    port: Number(args.port ?? 5000),
    rate: Number(args.rate ?? 100),
    kind: (args.kind ?? "syn") as Kind,
    sources: Number(args.sources ?? 1),
    cookies: args.cookies,
    hello: args.hello as FloodOptions["hello"],
  });
  await flood.start();
  await pause(1000 * Number(args.for ?? 10));
  console.log(JSON.stringify(await flood.stop()));
  Deno.exit();
}
