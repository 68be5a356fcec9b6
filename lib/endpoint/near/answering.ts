import { Answerer } from "../../near/answerer.ts";
import { ID_SIZE } from "../../near/message.ts";
import type { Endpoint } from "../endpoint.ts";
import { GroupSockets } from "./group_sockets.ts";

/** What a receiver is found by, and where. */
export interface AnsweringOptions {
  /** The number of its code. */
  readonly number: number;
  /** The only address to be found at. */
  readonly bind: string | undefined;
}

/** Answers questions for a receiver, from the socket of its endpoint. */
export class Answering {
  readonly #endpoint: Endpoint;
  readonly #answerer: Answerer<Deno.NetAddr>;
  readonly #sockets: GroupSockets;

  constructor(endpoint: Endpoint, { number, bind }: AnsweringOptions) {
    this.#endpoint = endpoint;
    const id = crypto.getRandomValues(new Uint8Array(ID_SIZE));
    this.#answerer = new Answerer({ number, id });
    endpoint.attach(this.#answerer);
    this.#sockets = new GroupSockets(bind, (datagram, from) => {
      const to = endpoint.addressFrom(from);
      const hasAnswer = this.#answerer.ask(performance.now(), datagram, to);
      if (hasAnswer) endpoint.flush();
    });
  }

  /** Whether questions can come. */
  get listening(): boolean {
    return this.#sockets.listening;
  }

  /** Answers no more. */
  async close(): Promise<void> {
    this.#endpoint.detach(this.#answerer);
    await this.#sockets.close();
  }
}
