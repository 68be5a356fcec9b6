import { Prng } from "../../lib/base/prng.ts";
import { MeetClient } from "../../lib/meet/meet_client.ts";
import { MeetServer } from "../../lib/meet/meet_server.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import { DEFAULT_CONFIG } from "../../lib/protocol/connection/config.ts";
import type { Connection } from "../../lib/protocol/connection/connection.ts";
import { Demultiplexer } from "../../lib/protocol/demux/demultiplexer.ts";
import { MEET } from "./meeting.ts";

/** Milliseconds from a machine to the meeting point, or back. */
export const DELAY = 10;
const NUMBER = 17;

/** At how many milliseconds a datagram arrives, and its copies; without any it is lost. */
export type Fate = (index: number) => readonly number[];

interface Side {
  readonly address: Address;
  readonly demultiplexer: Demultiplexer<Address>;
}

interface Flight {
  readonly at: number;
  readonly from: Address;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/**
 * A sender and a receiver that are brought together by a meeting point, as their
 * sessions do it, in virtual time, with a network that treats each datagram as it
 * is told.
 */
export class FaultyMeeting {
  now = 0;
  /** Datagrams that were sent. */
  sent = 0;
  /** When the first byte of content was read. */
  firstByteAt: number | undefined;
  received = 0;
  /** The sender's connection. */
  client: Connection | undefined;
  readonly #size: number;
  readonly #fate: Fate;
  readonly #prng = new Prng(1);
  readonly #server: MeetServer<Address>;
  readonly #receiver = this.#side("198.51.100.2");
  readonly #sender = this.#side("198.51.100.1");
  #incoming: Connection | undefined;
  #isAccepted = false;
  #flights: Flight[] = [];
  readonly #into = new Uint8Array(65_536);

  constructor(size: number, fate: Fate = () => [DELAY]) {
    this.#size = size;
    this.#fate = fate;
    const random = () => this.#prng.uint32();
    this.#server = new MeetServer<Address>({ random });
  }

  #side(hostname: string): Side {
    const random = () => this.#prng.uint32();
    const config = DEFAULT_CONFIG;
    return {
      address: { hostname, port: 5000 },
      demultiplexer: new Demultiplexer<Address>({ config, random }),
    };
  }

  #attach({ demultiplexer }: Side, role: "sender" | "receiver"): void {
    demultiplexer.attach(
      new MeetClient<Address>({
        role,
        meet: MEET,
        number: NUMBER,
        id: this.#prng.bytes(8),
        on: ({ type }) => {
          if (type === "validated" && role === "sender") this.open(MEET);
        },
      }),
    );
  }

  /** The receiver begins to wait. */
  wait(): void {
    const { demultiplexer } = this.#receiver;
    demultiplexer.listening = true;
    this.#attach(this.#receiver, "receiver");
  }

  /** The sender asks for the receiver. */
  join(): void {
    this.#attach(this.#sender, "sender");
  }

  /** The sender opens its connection, to the receiver's own address unless another is given. */
  open(to: Address = this.#receiver.address): void {
    const { demultiplexer } = this.#sender;
    this.client = demultiplexer.connect(this.now, to);
    this.client.write(new Uint8Array(this.#size));
  }

  get isOver(): boolean {
    return this.received >= this.#size;
  }

  /** Lets time pass, until all has arrived or `end`. */
  run(end: number): void {
    for (;;) {
      for (const side of [this.#receiver, this.#sender]) this.#sendAll(side);
      const next = Math.min(
        this.#server.deadline,
        ...[this.#receiver, this.#sender].map(({ demultiplexer }) =>
          demultiplexer.deadline
        ),
        ...this.#flights.map(({ at }) => at),
      );
      if (next > end || this.isOver) break;
      this.now = Math.max(this.now, next);
      const due = this.#flights.filter(({ at }) => at <= this.now);
      this.#flights = this.#flights.filter(({ at }) => at > this.now);
      for (const flight of due) this.#arrive(flight);
      this.#answer();
      for (const { demultiplexer } of [this.#receiver, this.#sender]) {
        if (demultiplexer.deadline <= this.now) demultiplexer.wake(this.now);
      }
    }
    if (!this.isOver) this.now = end;
  }

  #sendAll({ address, demultiplexer }: Side): void {
    for (;;) {
      const sent = demultiplexer.poll(this.now, this.#into);
      if (sent === undefined) return;
      this.#send(address, sent.to, this.#into.slice(0, sent.length));
    }
  }

  #send(from: Address, to: Address, bytes: Uint8Array): void {
    for (const late of this.#fate(this.sent++)) {
      this.#flights.push({ at: this.now + late, from, to, bytes });
    }
  }

  #answer(): void {
    for (;;) {
      const next = this.#server.poll(this.now);
      if (next === undefined) return;
      this.#send(MEET, next.to, next.bytes.slice());
    }
  }

  #arrive({ from, to, bytes }: Flight): void {
    if (to === MEET) {
      this.#server.take(this.now, bytes, from, (datagram, _size, target) => {
        this.#answer();
        this.#send(MEET, target, datagram.slice());
      });
      return;
    }
    const { demultiplexer } = to.hostname === this.#sender.address.hostname
      ? this.#sender
      : this.#receiver;
    demultiplexer.receive(this.now, bytes, from);
    if (demultiplexer === this.#receiver.demultiplexer) this.#read();
  }

  #read(): void {
    const { demultiplexer } = this.#receiver;
    this.#incoming ??= demultiplexer.nextIncoming();
    const connection = this.#incoming;
    if (connection === undefined) return;
    if (connection.established && !this.#isAccepted) {
      this.#isAccepted = demultiplexer.accept(connection);
    }
    const read = connection.read(new Uint8Array(2 ** 16));
    if (read > 0) this.firstByteAt ??= this.now;
    this.received += read;
  }
}
