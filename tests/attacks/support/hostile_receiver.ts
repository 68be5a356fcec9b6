import type { Channel } from "../../../lib/endpoint/channel.ts";
import { Endpoint } from "../../../lib/endpoint/endpoint.ts";
import { type Arrived, framesOf } from "../../support/streams.ts";
import { acceptOne } from "../../endpoint/connect.ts";
import type { ByteStream } from "../../../lib/base/byte_stream.ts";
import { agreeAsServer } from "../../../lib/secure/secure_channel.ts";
import { ServerSecrets } from "../../../lib/secure/handshake/server_secrets.ts";
import { FrameType } from "../../../lib/transfer/wire/frame.ts";
import {
  decodeOffer,
  type Offer,
} from "../../../lib/transfer/wire/messages.ts";

/**
 * Somebody who answers in a receiver's place, in this process: agrees with
 * whoever comes as the library does, and then writes down what arrives and says
 * only what the test has it say.
 */
export class HostileReceiver {
  /** All frames so far. */
  readonly frames: Arrived[] = [];
  /** The first sender's offer. */
  readonly offer: Promise<Offer>;
  /** The words of the first sender's session, as this side knows them. */
  readonly words: Promise<readonly string[] | undefined>;
  /** What agreed with the first sender; to be written to. */
  readonly stream: Promise<ByteStream>;
  readonly #endpoint = Endpoint.listen({
    hostname: "127.0.0.1",
    port: 0,
    timeout: 30_000,
  });
  readonly #over = new AbortController();
  readonly #work: Promise<void>;
  #channel: Channel | undefined;

  /** @param asks whether it says that it asks a person first */
  constructor(asks = false) {
    const { promise, resolve, reject } = Promise.withResolvers<Offer>();
    this.offer = promise;
    const agreed = this.#agree(asks);
    this.words = agreed.then(({ words }) => words);
    this.stream = agreed.then(({ stream }) => stream);
    for (const one of [this.offer, this.words, this.stream]) {
      one.catch(() => {});
    }
    this.#work = this.stream.then((stream) => this.#listen(stream, resolve))
      .catch(reject);
  }

  get port(): number {
    return this.#endpoint.port;
  }

  /** Bytes of content that have arrived. */
  get content(): number {
    return this.frames
      .filter(({ type }) => type === FrameType.DATA || type === FrameType.PACK)
      .reduce((sum, { body }) => sum + body.length, 0);
  }

  async close(): Promise<void> {
    if (this.#over.signal.aborted) return await this.#work;
    this.#over.abort(new Error("over"));
    this.#channel?.abort(new Error("left"));
    await this.#endpoint.close();
    await this.#work;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #agree(asks: boolean) {
    const channel = await acceptOne(this.#endpoint, this.#over.signal);
    this.#channel = channel;
    using secrets = new ServerSecrets({ mode: "encrypted" });
    const { stream, words } = await agreeAsServer(channel, secrets, { asks });
    return { stream, words: await words };
  }

  async #listen(
    stream: ByteStream,
    onOffer: (offer: Offer) => void,
  ): Promise<void> {
    for await (const frame of framesOf(stream)) {
      this.frames.push(frame);
      const { type, body } = frame;
      if (type === FrameType.OFFER) onOffer(decodeOffer(body));
    }
  }
}
