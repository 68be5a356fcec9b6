import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Incoming } from "../../endpoint/incoming.ts";
import { GuessLimiter } from "../../secure/code/guess_limiter.ts";
import { refusalOf } from "../../secure/handshake/handshake_failure.ts";
import { agreeAsServer } from "../../secure/secure_channel.ts";
import type { Security } from "../../secure/security.ts";
import { ServerSecrets } from "../../secure/handshake/server_secrets.ts";
import { SessionWordsLimiter } from "../../secure/code/session_words_limiter.ts";
import type { Owner } from "../../transfer/files/writing/target.ts";
import type { Offer } from "../../transfer/wire/messages.ts";
import { Reception } from "../../transfer/receiving/reception.ts";
import {
  type AeadImplementation,
  WEB_CRYPTO,
} from "../../secure/record/aead.ts";
import { openLibcrypto } from "../../system/libcrypto.ts";
import { linger } from "../closing.ts";
import type { OnEvent } from "../events.ts";
import { Owners } from "./owner.ts";

/** Wrong codes that end a receiver. */
const MAX_WRONG_CODES = 3;
/** Handshakes without an offer that are reported one by one; further ones ever less often. */
const FEW_HANDSHAKES = 8;
/** Failed handshakes that are reported. */
const MAX_NOTICES = 20;

/** A sender that was admitted, and its offer. */
export interface Admitted {
  readonly channel: Channel;
  readonly reception: Reception;
  readonly offer: Offer;
  /** Owns the transfer if it stays unfinished. */
  readonly owner: Owner;
  /** For telling the sender where this side may be reached; `undefined` in plain mode. */
  readonly candidateSecret: Uint8Array | undefined;
  /** Session words, where there are some. */
  readonly words: readonly string[] | undefined;
  /** Is called with what happens to it. */
  readonly on: OnEvent;
  /** To be called when the offer was accepted or declined: the handshake was no attempt at session words. */
  decided(): void;
}

/** Settings of an {@linkcode Admission}. */
export interface AdmissionOptions {
  readonly security: Security;
  /** Whether a person is asked before an offer is accepted; the sender is told so. */
  readonly asks: boolean;
  /** Is called with what happens. */
  readonly on: OnEvent;
  /** Whether several transfers are admitted, whose events have to be told apart. */
  readonly several?: boolean;
}

/** Decides which connections are senders that may send. */
export class Admission implements Disposable {
  readonly #options: AdmissionOptions;
  readonly #secrets: ServerSecrets;
  readonly #guesses = new GuessLimiter(MAX_WRONG_CODES);
  readonly #limiter = new SessionWordsLimiter();
  readonly #owners: Owners;
  readonly #aead: AeadImplementation;
  readonly #over = new AbortController();
  #notices = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    // What a code takes is loaded while nobody waits for it yet
    this.#secrets = new ServerSecrets(options.security);
    this.#owners = new Owners(options.security);
    this.#aead = options.security.mode === "plain"
      ? WEB_CRYPTO
      : openLibcrypto() ?? WEB_CRYPTO;
  }

  /** Ends what is computed ahead for senders that may come. */
  [Symbol.dispose](): void {
    this.#secrets[Symbol.dispose]();
    this.#owners[Symbol.dispose]();
  }

  /** Aborted once nobody is let in any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Does the handshake of a connection, reads what its peer offers, and accepts
   * or refuses the connection.
   *
   * @throws {Failure} unless the peer may send; the person at this side was told
   */
  async admit(incoming: Incoming): Promise<Admitted> {
    try {
      const admitted = await this.#judge(incoming.channel);
      await incoming.accept();
      return admitted;
    } catch (failure) {
      incoming.refuse(failure as Error);
      throw failure;
    }
  }

  async #judge(channel: Channel): Promise<Admitted> {
    const { security, asks, several } = this.#options;
    const { mode } = security;
    const source = addressOf(channel.peer);
    // Whether the peer has completed a handshake that shows session words
    let sawWords = false;
    try {
      const agreed = await agreeAsServer(channel, this.#secrets, {
        guesses: this.#guesses,
        asks,
        aead: this.#aead,
        // Only a validated address may use up guesses or cause a notice
        validated: channel.established,
        beforeFinished: async () => {
          await this.#limiter.admit(source);
          sawWords = true;
        },
      });
      const reception = new Reception(agreed.stream);
      // A peer that completes a handshake and offers nothing is no sender
      const offer = await reception.offer();
      await channel.established;
      const words = await agreed.words;
      // A peer that leaves before there is a decision may have tried for the words
      const counted = sawWords;
      sawWords = false;
      const decided = () => {
        if (counted) this.#limiter.excuse(source);
      };
      const owner = this.#owners.of(offer, agreed.binding);
      const { peer } = channel;
      const on: OnEvent = several
        ? (event) => this.#options.on({ ...event, transfer: peer })
        : this.#options.on;
      on({ type: "connected", peer });
      const cipher = mode === "plain" ? undefined : this.#aead.name;
      on({ type: "agreed", mode, words, asks, cipher });
      const { candidateSecret } = agreed;
      return {
        channel,
        reception,
        offer,
        owner,
        candidateSecret,
        words,
        on,
        decided,
      };
    } catch (failure) {
      // If the address is never validated, report nothing
      await channel.established;
      if (sawWords) this.#tellOfTry(channel.peer);
      else this.#tell(channel.peer, failure);
      if (refusalOf(failure) !== undefined) await linger(channel);
      this.#endAfterGuesses();
      throw failure;
    }
  }

  #tell(peer: string, failure: unknown): void {
    // Of these there are few, and each is told of
    const { detail } = failure as Failure;
    const tries = detail.code === "wrong-code" ? detail.tries : undefined;
    if (tries === undefined && this.#notices++ >= MAX_NOTICES) return;
    const maxTries = tries === undefined ? undefined : MAX_WRONG_CODES;
    this.#options.on({
      type: "not-admitted",
      peer,
      failure: detail,
      maxTries,
    });
  }

  /** Tells of a handshake that led to nothing: of the first few each, and of many ever less often. */
  #tellOfTry(peer: string): void {
    const { count } = this.#limiter;
    if (count > FEW_HANDSHAKES && !Number.isInteger(Math.log2(count))) return;
    this.#options.on({ type: "words-tried", peer, count });
  }

  #endAfterGuesses(): void {
    if (this.#guesses.left > 0) return;
    this.#over.abort(
      new Failure({ code: "too-many-wrong-codes", max: MAX_WRONG_CODES }),
    );
  }
}

/** The address of a peer, without its port. */
export function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
