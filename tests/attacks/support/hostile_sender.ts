import { frame } from "../../../lib/base/frame.ts";
import type { ByteStream } from "../../../lib/base/byte_stream.ts";
import { Prng } from "../../../lib/base/prng.ts";
import type { Channel } from "../../../lib/endpoint/channel.ts";
import { Endpoint } from "../../../lib/endpoint/endpoint.ts";
import { AttemptKey } from "../../../lib/secure/attempt_key.ts";
import { agreeAsClient, prepare } from "../../../lib/secure/secure_channel.ts";
import { encodeEntry, type Entry } from "../../../lib/transfer/wire/entries.ts";
import { FrameType } from "../../../lib/transfer/wire/frame.ts";
import {
  encodeOffer,
  type Offer,
} from "../../../lib/transfer/wire/messages.ts";
import { decodeFailure } from "../../../lib/transfer/wire/reasons.ts";
import { type Arrived, framesOf } from "../../support/streams.ts";
import { until } from "../../support/wait.ts";
import { connect } from "../../endpoint/connect.ts";

const NOTHING = new Uint8Array(0);
/** A time that all entries bear. */
export const MTIME = 1_700_000_000_000_000_000n;
export const FILE = { kind: "file", mode: 0o644, mtime: MTIME } as const;
export const DIRECTORY = {
  kind: "directory",
  mode: 0o755,
  mtime: MTIME,
} as const;

/** What the handshake has led to. */
type Agreed = Awaited<ReturnType<typeof agreeAsClient>>;

/**
 * A sender that breaks the rules of the transfer, in this process: it agrees as
 * the library does, and then says what the test has it say, frame by frame.
 */
export class HostileSender {
  /** What the receiver has said so far. */
  readonly heard: Arrived[] = [];
  readonly stream: ByteStream;
  /** The words of the session, once the receiver has finished the handshake. */
  readonly words: Promise<readonly string[] | undefined>;
  readonly #endpoint: Endpoint;
  readonly #channel: Channel;
  readonly #binding: Uint8Array;
  #ended = false;
  #closed = false;

  private constructor(endpoint: Endpoint, channel: Channel, agreed: Agreed) {
    this.#endpoint = endpoint;
    this.#channel = channel;
    this.#binding = agreed.binding;
    this.stream = agreed.stream;
    this.words = agreed.words;
    this.words.catch(() => {});
    this.#listen();
  }

  static async connect(port: number): Promise<HostileSender> {
    const endpoint = Endpoint.listen({
      hostname: "127.0.0.1",
      port: 0,
      timeout: 30_000,
    });
    const channel = await connect(endpoint, port);
    const secrets = await prepare({ mode: "encrypted" });
    const agreed = await agreeAsClient(channel, secrets);
    return new HostileSender(endpoint, channel, agreed);
  }

  /** Whether the receiver says nothing more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What the receiver said against it, if it did. */
  get complaint(): string | undefined {
    const last = this.heard.find(({ type }) =>
      type === FrameType.REFUSE || type === FrameType.FAILED
    );
    return last && decodeFailure(last.type, last.body).message;
  }

  /** Waits for a frame of this type, or for the end. */
  async hears(type: number): Promise<Uint8Array | undefined> {
    const find = () => this.heard.find((one) => one.type === type);
    await until(() => find() !== undefined || this.#ended);
    return find()?.body;
  }

  async offer(offer: Offer): Promise<void> {
    await this.stream.write(offerFrame(offer, this.#binding));
  }

  /** Offers one file, and begins it. */
  async file(name: string, size: number, resumable = false): Promise<void> {
    const offer = { kind: "file", names: [name], count: 1, size } as const;
    await this.offer({ ...offer, resumable });
    await this.entry({ ...FILE, name, size });
  }

  /** Offers the tree `t`, and begins it. */
  async tree(resumable = false): Promise<void> {
    await this.offer({ kind: "tree", names: ["t"], count: 1, resumable });
    await this.entry({ ...DIRECTORY, name: "t" });
  }

  async say(type: number, body: Uint8Array = NOTHING): Promise<void> {
    await this.stream.write(frame(type, body));
  }

  async entry(entry: Entry): Promise<void> {
    await this.say(FrameType.ENTRY, encodeEntry(entry));
  }

  /** Leaves without a word more than the transport's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#channel.abort(new Error("left"));
    await this.#endpoint.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    try {
      for await (const frame of framesOf(this.stream)) this.heard.push(frame);
    } catch {
      // What matters is what was said before
    }
    this.#ended = true;
  }
}

/** Of the attempts of all hostile senders: each is the same sender again, and no honest one. */
const SECRET = new Uint8Array(32).fill(66);

/** The one place that knows what an offer carries beside what is offered. */
function offerFrame(offer: Offer, binding: Uint8Array): Uint8Array {
  const key = new AttemptKey(SECRET, offer.names.join("/"));
  const attempt = { key: key.publicKey, proof: key.prove(binding) };
  return encodeOffer({ attempt, ...offer });
}

/** Bytes that are the same each time. */
export function bytesOf(size: number, seed = 1): Uint8Array {
  return new Prng(seed).bytes(size);
}
