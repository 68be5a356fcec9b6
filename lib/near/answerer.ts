import type { Address } from "../protocol/connection/address.ts";
import type { DatagramProtocol } from "../protocol/demux/datagram_protocol.ts";
import { SourceBuckets, TokenBucket } from "../protocol/demux/token_bucket.ts";
import { decodeQuestion, encodeAnswer } from "./message.ts";

/** Answers a second, and to one address: of its questions there are six in 300 ms. */
const ANSWERS = { rate: 256, burst: 256 };
const ANSWERS_TO_ONE = { rate: 8, burst: 8 };
/** Addresses whose answers are counted; of more the oldest are forgotten. */
const MAX_ASKERS = 256;
/** Answers that wait to be sent. */
const MAX_PENDING = 32;

export interface AnswererOptions {
  /** The number of its code. */
  readonly number: number;
  /** Random bytes. */
  readonly id: Uint8Array;
}

/**
 * Answers who asks for a receiver with this number, from the socket that the
 * transfer will use. The questions come to another socket, whose port all
 * receivers of a machine share.
 */
export class Answerer<Peer extends Address> implements DatagramProtocol<Peer> {
  readonly #options: AnswererOptions;
  readonly #total = new TokenBucket(ANSWERS);
  readonly #byAsker = new SourceBuckets(ANSWERS_TO_ONE, MAX_ASKERS);
  readonly #pending: { bytes: Uint8Array; to: Peer }[] = [];

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /**
   * Takes a question.
   *
   * @param asker where the answer goes from the socket of the transfer
   * @returns whether there is an answer to send
   */
  ask(now: number, datagram: Uint8Array, asker: Peer): boolean {
    const { number, id } = this.#options;
    const question = decodeQuestion(datagram);
    if (question?.number !== number) return false;
    if (this.#pending.length >= MAX_PENDING) return false;
    const mayAnswer = this.#byAsker.take(now, asker.hostname) &&
      this.#total.take(now);
    if (!mayAnswer) return false;
    const bytes = encodeAnswer({ ...question, id });
    this.#pending.push({ bytes, to: asker });
    return true;
  }

  /** Nothing of this protocol comes to the socket of the transfer. */
  receive(): boolean {
    return false;
  }

  poll(): { bytes: Uint8Array; to: Peer } | undefined {
    return this.#pending.shift();
  }

  get deadline(): number {
    return this.#pending.length > 0 ? -Infinity : Infinity;
  }
}
