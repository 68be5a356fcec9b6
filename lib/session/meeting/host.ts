import { formatAddress } from "../../endpoint/socket/address.ts";
import { Socket } from "../../endpoint/socket/socket.ts";
import { MAX_UDP_SIZE } from "../../endpoint/socket/socket_address.ts";
import { Timer } from "../../endpoint/timer.ts";
import { type MeetLimits, MeetServer } from "../../meet/meet_server.ts";
import { ownAddresses } from "./own_addresses.ts";
import { MEET_PORT } from "./meeting_point.ts";

/** A pair at a meeting point that has ended. */
export interface EndedPair {
  readonly number: number;
  /** Address and port. */
  readonly sender: string;
  /** Address and port. */
  readonly receiver: string;
  /** Bytes relayed. */
  readonly bytes: number;
  /** Milliseconds from its beginning to its last datagram. */
  readonly time: number;
  /** Whether both sides were heard of. */
  readonly met: boolean;
}

/** What happens at a meeting point. */
export type HostEvent =
  | {
    readonly type: "meeting";
    readonly port: number;
    readonly addresses: readonly string[];
  }
  | ({ readonly type: "pair" } & EndedPair);

/** Settings of {@linkcode hostMeeting}. */
export interface HostOptions extends Omit<MeetLimits, "relayRate"> {
  /** Bytes per second that are relayed. @default {Infinity} */
  readonly relayRate?: number | undefined;
  /** @default {5050} */
  readonly port?: number | undefined;
  /** The address to bind. @default {every one} */
  readonly bind?: string | undefined;
  /** What both sides have to know. @default {nothing} */
  readonly token?: string | undefined;
  /** Whether content is relayed. @default {true} */
  readonly relays?: boolean | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly on: (event: HostEvent) => void;
}

/** Datagrams that are to be passed on, each of `size` bytes but the last. */
type Passing = [datagrams: Uint8Array, size: number, to: Deno.NetAddr];

/**
 * Brings senders and receivers together until the signal is aborted.
 *
 * @throws {Failure} if the port cannot be bound
 */
export async function hostMeeting(options: HostOptions): Promise<void> {
  const { port = MEET_PORT, bind, signal, on } = options;
  const { relayRate = Infinity } = options;
  const socket = Socket.bind(bind, port);
  socket.tune();
  const server = new MeetServer<Deno.NetAddr>({
    ...options,
    relayRate: relayRate / 1000,
    random: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
    onPairEnd: ({ sender, receiver, ...pair }) =>
      on({
        type: "pair",
        ...pair,
        sender: formatAddress(sender.hostname, sender.port),
        receiver: formatAddress(receiver.hostname, receiver.port),
      }),
  });
  on({ type: "meeting", port: socket.port, addresses: ownAddresses(bind) });
  const close = () => socket.close();
  signal.addEventListener("abort", close, { once: true });
  let sending: Promise<void> = Promise.resolve();
  const sendAll = async () => {
    // First: who asks for a number sends what is to be relayed right behind it
    for (let next; (next = server.poll(performance.now())) !== undefined;) {
      await socket.send(next.bytes, next.bytes.length, next.to).catch(() => {});
    }
    server.passOn(performance.now(), forward);
    for (const each of passing.splice(0)) {
      await socket.send(...each).catch(() => {});
    }
    timer.set(server.deadline, performance.now());
  };
  // One after the other, since a socket has one size of segments at a time
  const timer = new Timer(() => {
    sending = sending.then(sendAll);
  });
  const buffer = new Uint8Array(MAX_UDP_SIZE);
  const passing: Passing[] = [];
  const forward = (...each: Passing) => void passing.push(each);
  if (signal.aborted) close();
  while (!signal.aborted) {
    try {
      const [datagrams, from] = await socket.receive(buffer);
      const now = performance.now();
      server.take(now, datagrams, from, forward);
      socket.receiveMore((more, from) => server.take(now, more, from, forward));
    } catch {
      // An ICMP message about an earlier datagram
      continue;
    }
    sending = sending.then(sendAll);
    await sending;
  }
  timer.clear();
  server.close();
}
