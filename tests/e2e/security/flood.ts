import { Prng } from "../../../lib/base/prng.ts";
import { Flag, SYN_SIZE } from "../../../lib/protocol/wire/segment.ts";
import { datagramOf, mend } from "../../support/packets.ts";
import { pause } from "../../support/wait.ts";

/** What a {@linkcode flood} has sent. */
export interface Flooded {
  readonly datagrams: number;
  /** Datagrams a second. */
  readonly rate: number;
}

/** Datagrams handed to the system before it is waited for. */
const BATCH = 64;
/** Kinds of garbage that are sent in turn. */
const VARIETY = 256;

/**
 * Sends well-formed SYNs with ever new ids and as many random datagrams to a
 * port of this machine, from one address, until `signal` is aborted.
 *
 * @param rate SYNs a second, and random datagrams a second
 */
export async function flood(
  port: number,
  rate: number,
  signal: AbortSignal,
): Promise<Flooded> {
  const local = { transport: "udp", hostname: "127.0.0.1" } as const;
  const socket = Deno.listenDatagram({ ...local, port: 0 });
  const to = { ...local, port };
  const random = new Prng(1);
  const garbage = Array.from(
    { length: VARIETY },
    () => random.bytes(random.int(SYN_SIZE)),
  );
  const syns = Array.from({ length: BATCH }, () => forgedSyn());
  const start = performance.now();
  let sent = 0;
  while (!signal.aborted) {
    const due = 2 * rate * (performance.now() - start) / 1000;
    if (due < sent + BATCH) {
      await pause(0);
      continue;
    }
    const sends = [];
    for (let i = 0; i < BATCH; i++, sent++) {
      if (i % 2 === 0) renew(syns[i]!, random);
      const datagram = i % 2 === 0 ? syns[i]! : garbage[sent % VARIETY]!;
      sends.push(socket.send(datagram, to).catch(() => {}));
    }
    await Promise.all(sends);
  }
  socket.close();
  const seconds = (performance.now() - start) / 1000;
  return { datagrams: sent, rate: sent / seconds };
}

function forgedSyn(): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(100).fill(7);
  const draft = { flags: Flag.SYN, payload };
  const padding = SYN_SIZE - datagramOf(draft).length;
  return datagramOf({ ...draft, padding });
}

/** Gives a SYN another id. */
function renew(syn: Uint8Array<ArrayBuffer>, random: Prng): void {
  const view = new DataView(syn.buffer);
  view.setUint32(8, random.uint32());
  view.setUint32(12, random.uint32());
  mend(syn);
}

if (import.meta.main) {
  const [port = 0, rate = 0, seconds = 0] = Deno.args.map(Number);
  const signal = AbortSignal.timeout(1000 * seconds);
  console.log(await flood(port, rate, signal));
}
