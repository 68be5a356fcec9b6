import { MeetClient } from "../../lib/meet/meet_client.ts";
import { MeetServer } from "../../lib/meet/meet_server.ts";
import type { Address } from "../../lib/protocol/connection/address.ts";
import type { Connection } from "../../lib/protocol/connection/connection.ts";
import { MEET } from "./meeting.ts";
import { DELAY, type Flight, World } from "./world.ts";

const NUMBER = 17;
const SENDER: Address = { hostname: "198.51.100.1", port: 5000 };
const RECEIVER: Address = { hostname: "198.51.100.2", port: 5000 };

/** At how many milliseconds a datagram arrives, and its copies; without any it is lost. */
export type Fate = (index: number) => readonly number[];

/**
 * A sender and a receiver that are brought together by a meeting point, as their
 * sessions do it, with a network that treats each datagram as it is told.
 */
export class FaultyMeeting extends World {
  /** Datagrams that were sent. */
  sent = 0;
  /** The sender's connection. */
  client: Connection | undefined;
  readonly #size: number;
  #unwritten = 0;
  readonly #fate: Fate;
  readonly #meet: MeetServer<Address>;

  /** @param relayRate bytes per millisecond */
  constructor(
    size: number,
    fate: Fate = () => [DELAY],
    relayRate = Infinity,
  ) {
    super(1);
    this.#size = size;
    this.#fate = fate;
    const random = () => this.prng.uint32();
    this.#meet = new MeetServer<Address>({ random, relayRate });
  }

  #attach(role: "sender" | "receiver"): void {
    const [sender, receiver] = this.demultiplexers;
    (role === "sender" ? sender : receiver).attach(
      new MeetClient<Address>({
        role,
        meet: MEET,
        number: NUMBER,
        id: this.prng.bytes(8),
        on: ({ type }) => {
          if (type === "validated" && role === "sender") this.open(MEET);
        },
      }),
    );
  }

  /** The receiver begins to wait. */
  wait(): void {
    this.demultiplexers[1].listening = true;
    this.#attach("receiver");
  }

  /** The sender asks for the receiver. */
  join(): void {
    this.#attach("sender");
  }

  /** The sender opens its connection, to the receiver's own address unless another is given. */
  open(to = RECEIVER): void {
    this.client = this.demultiplexers[0].connect(this.now, to);
    this.#unwritten = this.#size;
    this.#write();
  }

  #write(): void {
    if (this.#unwritten === 0 || this.client === undefined) return;
    this.#unwritten -= this.client.write(new Uint8Array(this.#unwritten));
  }

  /** Lets time pass, until all has arrived or `end`. */
  override run(end: number): void {
    super.run(end, this.#size);
  }

  protected override get deadline(): number {
    return this.#meet.deadline;
  }

  protected override send(index: 0 | 1, datagram: Uint8Array, to: Address) {
    this.#send(index === 0 ? SENDER : RECEIVER, to, datagram);
  }

  #send(from: Address, to: Address, datagram: Uint8Array): void {
    for (const late of this.#fate(this.sent++)) {
      this.inject(from, to, datagram, late);
    }
  }

  protected override wake(): void {
    this.#write();
    this.#answer();
    this.#meet.passOn(this.now, this.#passOn);
  }

  #answer(): void {
    for (;;) {
      const next = this.#meet.poll(this.now);
      if (next === undefined) return;
      this.#send(MEET, next.to, next.bytes.slice());
    }
  }

  protected override arrive(flight: Flight): void {
    const { from, to, datagram } = flight;
    if (to.hostname !== MEET.hostname) {
      return this.receive(to.hostname === SENDER.hostname ? 0 : 1, flight);
    }
    this.#meet.take(this.now, datagram, from, this.#passOn);
  }

  readonly #passOn = (datagrams: Uint8Array, size: number, to: Address) => {
    this.#answer();
    for (let at = 0; at < datagrams.length; at += size) {
      this.#send(MEET, to, datagrams.slice(at, at + size));
    }
  };
}
