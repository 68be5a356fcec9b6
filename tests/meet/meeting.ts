import { Prng } from "../../lib/base/prng.ts";
import { MeetClient, type MeetEvent } from "../../lib/meet/meet_client.ts";
import {
  MeetServer,
  type MeetServerOptions,
  type PairReport,
} from "../../lib/meet/meet_server.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import {
  MARK_AT,
  writeChecksum,
} from "../../lib/protocol/wire/datagram_prefix.ts";
import { mayBeSegment } from "../../lib/protocol/wire/segment.ts";

export const MEET: Address = { hostname: "203.0.113.9", port: 5050 };

/** A segment's bytes, as far as a relay looks at them: its mark, length and checksum. */
export function segmentLike(size: number, fill = 7): Uint8Array {
  const bytes = new Uint8Array(size).fill(fill);
  bytes[MARK_AT] = 0;
  writeChecksum(bytes, size);
  return bytes;
}

/** A client and what it has heard. */
export interface Guest {
  readonly client: MeetClient<Address>;
  readonly address: Address;
  readonly events: MeetEvent[];
  /** Segments that the meeting point has sent it. */
  readonly segments: Uint8Array[];
}

/** A meeting point with clients around it, in virtual time and without a network. */
export class Meeting {
  now = 1000;
  server: MeetServer<Address>;
  readonly ended: PairReport[] = [];
  /** Bytes that the meeting point got from each address, and sent to it. */
  readonly bytesIn = new Map<string, number>();
  readonly bytesOut = new Map<string, number>();
  readonly #options: Partial<MeetServerOptions>;
  readonly #prng: Prng;
  readonly #guests: Guest[] = [];

  constructor(options: Partial<MeetServerOptions> = {}, seed = 1) {
    this.#options = options;
    this.#prng = new Prng(seed);
    this.server = this.#start();
  }

  #start(): MeetServer<Address> {
    return new MeetServer<Address>({
      random: () => this.#prng.uint32(),
      onPairEnd: (pair) => this.ended.push(pair),
      ...this.#options,
    });
  }

  /** As when the process is ended and started again: it knows nothing. */
  restart(): void {
    this.server = this.#start();
  }

  guest(
    role: "sender" | "receiver",
    { number = 0, token, address = this.#nextAddress() }: {
      number?: number;
      token?: string;
      address?: Address;
    } = {},
  ): Guest {
    const events: MeetEvent[] = [];
    const client = new MeetClient<Address>({
      role,
      meet: MEET,
      number,
      token,
      id: this.#prng.bytes(8),
      on: (event) => events.push(event),
    });
    const guest = { client, address, events, segments: [] };
    this.#guests.push(guest);
    return guest;
  }

  /** A guest that has been answered. */
  arrived(...args: Parameters<Meeting["guest"]>): Guest {
    const guest = this.guest(...args);
    this.pass(10);
    return guest;
  }

  #nextAddress(): Address {
    const index = this.#guests.length;
    return {
      hostname: `198.51.${100 + (index >>> 8)}.${index & 255}`,
      port: 40_000,
    };
  }

  /** Gives the meeting point a datagram, and everybody what it says to that. */
  send(datagram: Uint8Array, from: Address): void {
    count(this.bytesIn, from, datagram.length);
    this.server.take(this.now, datagram, from, this.#forward);
    this.#answer();
  }

  readonly #forward = (bytes: Uint8Array, _size: number, to: Address) =>
    this.#deliver(bytes.slice(), to);

  #answer(): void {
    for (;;) {
      const next = this.server.poll(this.now);
      if (next === undefined) break;
      this.#deliver(next.bytes, next.to);
    }
    this.server.passOn(this.now, this.#forward);
  }

  #deliver(bytes: Uint8Array, to: Address): void {
    count(this.bytesOut, to, bytes.length);
    for (const { address, client, segments } of this.#guests) {
      if (address !== to) continue;
      if (mayBeSegment(bytes)) segments.push(bytes);
      else client.receive(this.now, bytes, MEET);
    }
  }

  /** Lets `time` milliseconds pass. */
  pass(time: number): void {
    const end = this.now + time;
    for (;;) {
      for (const { client, address } of this.#guests) {
        for (;;) {
          const next = client.poll(this.now);
          if (next === undefined) break;
          this.send(next.bytes, address);
        }
      }
      this.#answer();
      const next = Math.min(
        this.server.deadline,
        ...this.#guests.map(({ client }) => client.deadline),
      );
      if (next > end) break;
      this.now = Math.max(this.now, next);
    }
    this.now = end;
  }

  /** A receiver that waits, and the sender that was brought to it. */
  pair(): { receiver: Guest; sender: Guest } {
    const receiver = this.arrived("receiver");
    const number = numberOf(receiver);
    return { receiver, sender: this.arrived("sender", { number }) };
  }
}

function count(bytes: Map<string, number>, at: Address, length: number): void {
  const key = `${at.hostname} ${at.port}`;
  bytes.set(key, (bytes.get(key) ?? 0) + length);
}

/** The number of a receiver's last place. */
export function numberOf({ events }: Guest): number {
  const place = events.findLast(({ type }) => type === "place");
  return place?.type === "place" ? place.number : 0;
}

export function isBound({ events }: Guest): boolean {
  return events.some(({ type }) => type === "bound");
}

/** Why a guest was refused, in order. */
export function refusalsOf({ events }: Guest): string[] {
  return events.flatMap((event) =>
    event.type === "refused" ? [event.reason] : []
  );
}
