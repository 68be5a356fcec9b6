import { abortable, within } from "../../base/async.ts";
import { Asker, type Candidate } from "../../near/asker.ts";
import { Timer } from "../timer.ts";
import { QuestionSockets } from "./question_sockets.ts";

/** What is looked for, and from where. */
export interface SearchOptions {
  /** The number of the receiver's code. */
  readonly number: number;
  /** The only address to ask from. */
  readonly bind: string | undefined;
}

/** Looks for receivers on the networks that this machine is in. */
export class Search {
  /** Is to be told of those that are tried in vain. */
  readonly asker: Asker;
  readonly #sockets: QuestionSockets;
  readonly #timer = new Timer(() => this.#ask());
  #news = Promise.withResolvers<void>();

  constructor({ number, bind }: SearchOptions) {
    const random = (size: number) =>
      crypto.getRandomValues(new Uint8Array(size));
    this.asker = new Asker(performance.now(), { number, random });
    this.#sockets = new QuestionSockets(bind, (datagram, from) => {
      if (!this.asker.receive(datagram, from)) return;
      this.#news.resolve();
      this.#news = Promise.withResolvers();
    });
    this.#ask();
  }

  #ask(): void {
    const question = this.asker.poll(performance.now());
    if (question !== undefined) this.#sockets.send(question);
    this.#timer.set(this.asker.deadline, performance.now());
  }

  /**
   * Waits for a receiver that has answered, and was not found to be another one.
   *
   * @param until when to stop, by `performance.now()`
   * @returns `undefined` if there is none
   * @throws the signal's reason
   */
  async next(
    until: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    for (;;) {
      const candidate = this.asker.next();
      const left = until - performance.now();
      if (candidate !== undefined || this.asker.exhausted || left <= 0) {
        return candidate;
      }
      try {
        await abortable(within(left, this.#news.promise), signal);
      } catch (error) {
        // Nobody waits for it any more
        this.#news.resolve();
        throw error;
      }
    }
  }

  /** Asks no more. */
  async close(): Promise<void> {
    this.#timer.clear();
    await this.#sockets.close();
  }
}
