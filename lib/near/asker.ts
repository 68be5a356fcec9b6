import { type Address, isSameAddress } from "../protocol/connection/address.ts";
import { decodeAnswer, encodeQuestion, NONCE_SIZE } from "./message.ts";

/** Milliseconds after the first question: three soon, in case one is lost, and then one each second. */
const FIRST_QUESTIONS = [0, 150, 300];
const QUESTION_INTERVAL = 1000;
/** Receivers that are remembered, of one address and in all, and addresses of one. */
const MAX_RECEIVERS_AT_ONE = 4;
const MAX_RECEIVERS = 64;
const MAX_ADDRESSES = 8;
/** Receivers that may try a guess at the code, as many as may at a receiver. */
const MAX_REFUSALS = 3;

/** A receiver that has answered, and where. */
interface Receiver {
  /** Where it may be reached and was not tried in vain, in the order of its answers. */
  addresses: Address[];
  /** Whether it was reached, and is not the wanted one. */
  refused: boolean;
}

/** Where a receiver may be reached. */
export interface Candidate extends Address {
  /** Which receiver, as it says. */
  readonly id: string;
}

/** Asks for receivers with a number, and says in which order to try those that answer. */
export class Asker {
  readonly #number: number;
  readonly #nonce: Uint8Array;
  readonly #question: Uint8Array<ArrayBuffer>;
  readonly #start: number;
  readonly #receivers = new Map<string, Receiver>();
  /** How often an address was tried in vain, whatever the port. */
  readonly #failures = new Map<string, number>();
  #asked = 0;
  #refusals = 0;

  /** @param random gives random bytes. */
  constructor(
    now: number,
    { number, random }: {
      number: number;
      random: (size: number) => Uint8Array;
    },
  ) {
    this.#number = number;
    this.#nonce = random(NONCE_SIZE);
    this.#question = encodeQuestion({ number, nonce: this.#nonce });
    this.#start = now;
  }

  /** When {@linkcode poll} is to be called, in milliseconds. */
  get deadline(): number {
    const soon = FIRST_QUESTIONS[this.#asked];
    if (soon !== undefined) return this.#start + soon;
    const more = this.#asked - FIRST_QUESTIONS.length + 1;
    return this.#start + FIRST_QUESTIONS.at(-1)! + more * QUESTION_INTERVAL;
  }

  /** The question that is to be sent now, from every socket. */
  poll(now: number): Uint8Array<ArrayBuffer> | undefined {
    if (now < this.deadline) return undefined;
    this.#asked++;
    return this.#question;
  }

  /**
   * Takes an answer.
   *
   * @returns whether it names an address that was not known
   */
  receive(datagram: Uint8Array, from: Address): boolean {
    const answer = decodeAnswer(datagram);
    if (answer?.number !== this.#number) return false;
    if (!this.#nonce.every((byte, at) => byte === answer.nonce[at])) {
      return false;
    }
    const id = answer.id.join(".");
    const known = this.#receivers.get(id) ?? this.#remember(id, from);
    if (known === undefined || known.refused) return false;
    const { addresses } = known;
    const isKnown = addresses.some((address) => isSameAddress(address, from));
    if (isKnown || addresses.length >= MAX_ADDRESSES) return false;
    addresses.push(from);
    return true;
  }

  #remember(id: string, { hostname }: Address): Receiver | undefined {
    const there = [...this.#receivers.values()].filter(({ addresses }) =>
      addresses.some((address) => address.hostname === hostname)
    );
    if (this.#receivers.size >= MAX_RECEIVERS) return undefined;
    if (there.length >= MAX_RECEIVERS_AT_ONE) return undefined;
    const receiver = { addresses: [], refused: false };
    this.#receivers.set(id, receiver);
    return receiver;
  }

  /** The next one to be tried: where least was tried in vain, in the order of the answers. */
  next(): Candidate | undefined {
    if (this.exhausted) return undefined;
    const all = [...this.#receivers].flatMap(([id, { addresses, refused }]) =>
      refused ? [] : addresses.map((address) => ({ id, address }))
    );
    const [first] = all.toSorted((one, other) =>
      this.#failuresAt(one.address.hostname) -
      this.#failuresAt(other.address.hostname)
    );
    return first && { ...first.address, id: first.id };
  }

  #failuresAt(hostname: string): number {
    return this.#failures.get(hostname) ?? 0;
  }

  /** Nothing was reached at this address. Its next answer counts again. */
  unreachable({ id, hostname, port }: Candidate): void {
    this.#fail(hostname);
    const receiver = this.#receivers.get(id);
    if (receiver === undefined) return;
    receiver.addresses = receiver.addresses.filter((address) =>
      !isSameAddress(address, { hostname, port })
    );
    if (receiver.addresses.length === 0) this.#receivers.delete(id);
  }

  /** This receiver was reached and is not the wanted one, wherever it answers. */
  refused({ id, hostname }: Candidate): void {
    this.#fail(hostname);
    this.#refusals++;
    const receiver = this.#receivers.get(id);
    if (receiver !== undefined) receiver.refused = true;
  }

  #fail(hostname: string): void {
    this.#failures.set(hostname, this.#failuresAt(hostname) + 1);
  }

  /** Whether so many were refused that no other is tried: each may have guessed at the code. */
  get exhausted(): boolean {
    return this.#refusals >= MAX_REFUSALS;
  }
}
