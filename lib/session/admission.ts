import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import type { Channel } from "../endpoint/channel.ts";
import { Guesses } from "../secure/guesses.ts";
import { SecurityFailure, WrongGuess } from "../secure/refusal.ts";
import { agreeAsServer, type Security } from "../secure/secure_channel.ts";
import { ServerSecrets } from "../secure/server_secrets.ts";
import { farewell } from "./farewell.ts";
import type { Listener } from "./listener.ts";
import { PrimedStream } from "./primed_stream.ts";

/** Wrong codes that end a receiver. */
const MAX_WRONG_CODES = 3;
/** Strangers that a person is told of. */
const MAX_NOTICES = 20;

/** A sender who was let in, and the stream that both have agreed on. */
export interface Admitted<L extends Listener = Listener> {
  readonly channel: Channel;
  readonly stream: ByteStream;
  /** Who hears of it. */
  readonly listener: L;
}

/** Decides who may send. */
export class Admission<L extends Listener = Listener> {
  readonly #secrets: ServerSecrets;
  readonly #listenerFor: (peer: string) => L;
  readonly #notice: (text: string) => void;
  readonly #guesses = new Guesses(MAX_WRONG_CODES);
  readonly #over = new AbortController();
  #notices = 0;

  /**
   * @param notice is told of who was not let in
   * @param listenerFor gives who hears of a transfer by this peer
   */
  constructor(
    security: Security,
    notice: (text: string) => void,
    listenerFor: (peer: string) => L,
  ) {
    // What a code takes is loaded while nobody waits for it yet
    this.#secrets = new ServerSecrets(security);
    this.#notice = notice;
    this.#listenerFor = listenerFor;
  }

  /** Aborted once nobody is let in any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Agrees with whoever has opened this connection.
   *
   * @throws {Failure} unless they may send; the person at this side was told
   */
  async judge(channel: Channel): Promise<Admitted<L>> {
    try {
      const agreed = await agreeAsServer(channel, this.#secrets, {
        guesses: this.#guesses,
      });
      // Whoever agrees and then says nothing is no sender
      const stream = await PrimedStream.of(agreed.stream);
      await channel.established;
      const { mode } = this.#secrets;
      const words = await agreed.words;
      const listener = this.#listenerFor(channel.peer);
      listener.connected(channel.peer);
      listener.agreed({ mode, words });
      return { channel, stream, listener };
    } catch (failure) {
      // Of whoever is not there at all nobody need hear.
      await channel.established;
      this.#tell(channel.peer, failure);
      if (failure instanceof SecurityFailure) await farewell(channel);
      this.#endAfterGuesses();
      throw failure;
    }
  }

  #tell(peer: string, failure: unknown): void {
    // Of these there are few, and each is told of
    const guess = failure instanceof WrongGuess;
    if (!guess && this.#notices++ >= MAX_NOTICES) return;
    const { message } = failure as Failure;
    const count = guess ? ` (${failure.count} of ${MAX_WRONG_CODES})` : "";
    this.#notice(`${peer} was not let in${count}: ${message}`);
  }

  #endAfterGuesses(): void {
    if (this.#guesses.left > 0) return;
    this.#over.abort(
      new Failure(
        "wrong-code",
        `${MAX_WRONG_CODES} wrong codes were tried, so nobody is let in any more: start again, with another code`,
      ),
    );
  }
}
