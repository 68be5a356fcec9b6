import { Prng } from "../../../lib/base/prng.ts";
import { Flag, Reset, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import { ClientHandshake } from "../../../lib/secure/handshake/handshake.ts";
import { prepare } from "../../../lib/secure/secure_channel.ts";
import { datagramOf, type Draft, draftOf } from "../../support/packets.ts";
import { pause } from "../../support/wait.ts";

/** What strangers do when they have opened a connection. */
export type Manner =
  /** Nothing more. */
  | "silent"
  /** They acknowledge what they hear, and say a byte now and then. */
  | "slow"
  /** They leave at once. */
  | "reset"
  /** They ask for larger windows and write one byte in each block. */
  | "scattered";

/** Strangers who come to a port of this machine. */
export interface StrangersOptions {
  readonly port: number;
  /** SYNs a second. */
  readonly rate: number;
  /** Addresses that they come from; one is 127.0.0.1. */
  readonly addresses: number;
  readonly manner: Manner;
  /** Whether their SYN carries the beginning of a handshake. */
  readonly hello: boolean;
  /** Seconds. */
  readonly seconds: number;
}

/** Bytes between those that are written. */
const BLOCK = 2 ** 16;
/** Connections that are remembered. */
const MAX_KNOWN = 4_096;

interface Stranger {
  packet: number;
  /** Sequence number after the last that may be sent. */
  edge: number;
  cookies: number;
}

/**
 * Lets strangers come who answer cookies.
 *
 * @returns how many SYNs were sent
 */
export async function strangers(options: StrangersOptions): Promise<number> {
  const { port, rate, addresses, manner, seconds } = options;
  const random = new Prng(9);
  const secrets = await prepare({ mode: "encrypted" });
  const nonce = new Uint8Array(32);
  const payload = options.hello
    ? new ClientHandshake(secrets, nonce).hello
    : undefined;
  const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
  const sockets = Array.from({ length: addresses }, (_, i) => {
    const hostname = addresses === 1
      ? "127.0.0.1"
      : `127.7.${i >> 8}.${i & 255}`;
    return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  });
  const known = new Map<number, Stranger>();
  const say = (socket: Deno.DatagramConn, draft: Draft) => {
    socket.send(datagramOf({ idHigh: 77, ...draft }), to).catch(() => {});
  };
  const syn = (idLow: number, cookie?: Uint8Array): Draft => {
    const draft: Draft = {
      idHigh: 77,
      idLow,
      flags: Flag.SYN,
      ...cookie && { cookie },
      ...payload && { payload },
    };
    return { ...draft, padding: SYN_SIZE - datagramOf(draft).length };
  };
  const hear = (socket: Deno.DatagramConn, datagram: Uint8Array) => {
    const { idLow, flags, cookie, ...rest } = draftOf(datagram);
    const stranger = known.get(idLow);
    if (stranger === undefined) return;
    const next = () => ++stranger.packet;
    if (flags & Flag.COOKIE) {
      if (stranger.cookies++ < 2) say(socket, syn(idLow, cookie));
    }
    if (manner === "reset" && flags & (Flag.SYN | Flag.COOKIE)) {
      const payload = Uint8Array.of(Reset.ABORTED);
      say(socket, { idLow, flags: Flag.RST, packetNumber: next(), payload });
    }
    if (!(flags & Flag.ACK) || manner === "silent" || manner === "reset") {
      return;
    }
    const packet = rest.packetNumber;
    const proof = {
      idLow,
      ack: 1,
      window: 2 ** 20,
      blocks: [[packet, packet + 1]] as const,
    };
    const opened = flags & Flag.SYN ? 1 + rest.initialWindow : 0;
    const edge = Math.max(opened, rest.ack + rest.window);
    const asks = Flag.ACK | Flag.BLOCKED | Flag.PSH;
    const payload = Uint8Array.of(1);
    if (manner === "slow") {
      setTimeout(() => {
        const seq = rest.ack;
        say(socket, {
          ...proof,
          flags: asks,
          packetNumber: next(),
          seq,
          payload,
        });
      }, 300);
      return;
    }
    if (edge <= stranger.edge) return;
    const from = Math.max(BLOCK, Math.ceil(stranger.edge / BLOCK) * BLOCK);
    stranger.edge = edge;
    const places = [edge - 1];
    for (let seq = from; seq < edge; seq += BLOCK) places.push(seq);
    for (const seq of places) {
      say(socket, {
        ...proof,
        flags: asks,
        packetNumber: next(),
        seq,
        payload,
      });
    }
  };
  for (const socket of sockets) {
    (async () => {
      const into = new Uint8Array(2_000);
      for (;;) hear(socket, (await socket.receive(into))[0].slice());
    })().catch(() => {});
  }
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < 1000 * seconds) {
    const due = rate * (performance.now() - start) / 1000;
    for (; sent < due; sent++) {
      const idLow = random.uint32();
      known.set(idLow, { packet: 0, edge: 0, cookies: 0 });
      if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!);
      say(sockets[sent % addresses]!, syn(idLow));
      if (manner === "reset") {
        const socket = sockets[sent % addresses]!;
        const payload = Uint8Array.of(Reset.ABORTED);
        say(socket, { idLow, flags: Flag.RST, packetNumber: 1, payload });
      }
    }
    await pause(2);
  }
  for (const socket of sockets) socket.close();
  return sent;
}

if (import.meta.main) {
  console.log(await strangers(JSON.parse(Deno.args[0]!)));
  Deno.exit();
}
