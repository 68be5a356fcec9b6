import type { ByteStream } from "../../base/byte_stream.ts";
import { header, HEADER_SIZE, RecordType } from "../handshake/messages.ts";
import type { Records } from "./record.ts";

/** Bytes sealed at a time: enough for the work to outweigh its start, and few enough that several threads share a large write. */
const PIECE = 160 * 1024;
/** Records sealed ahead of the one that is being written. */
const AHEAD = 4;
/** Bytes of a record that are written together with its header. */
const FIRST_PART = 2 ** 14;

/** Seals what is written to it, several records at a time, and writes them in order. */
export class RecordWriter {
  readonly #stream: ByteStream;
  readonly #records: Records;
  readonly #underWay: Promise<void>[] = [];
  readonly #first = new Uint8Array(HEADER_SIZE + FIRST_PART);
  #last: Promise<void> = Promise.resolve();

  constructor(stream: ByteStream, records: Records) {
    this.#stream = stream;
    this.#records = records;
  }

  /** Takes all of `bytes`, which the caller may reuse once the promise resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const count = Math.ceil(bytes.length / PIECE);
    const size = Math.ceil(bytes.length / count);
    for (let at = 0; at < bytes.length; at += size) {
      await this.#seal(RecordType.DATA, bytes.subarray(at, at + size));
    }
  }

  /** Seals the end, and waits until all is written. */
  async end(): Promise<void> {
    await this.#seal(RecordType.END, new Uint8Array(0));
    await this.#last;
  }

  async #seal(type: number, plaintext: Uint8Array): Promise<void> {
    if (this.#underWay.length >= AHEAD) await this.#underWay.shift();
    await this.#records.ready();
    const sealing = this.#records.seal(type, plaintext);
    this.#last = this.#deliver(this.#last, type, sealing);
    // Whoever writes next hears of it.
    this.#last.catch(() => {});
    this.#underWay.push(this.#last);
  }

  async #deliver(
    previous: Promise<void>,
    type: number,
    sealing: Promise<Uint8Array>,
  ): Promise<void> {
    const [body] = await Promise.all([sealing, previous]);
    // The header alone would leave in a datagram of its own.
    const first = body.subarray(0, FIRST_PART);
    this.#first.set(header(type, body.length));
    this.#first.set(first, HEADER_SIZE);
    const end = HEADER_SIZE + first.length;
    await this.#stream.write(this.#first.subarray(0, end));
    if (body.length > FIRST_PART) {
      await this.#stream.write(body.subarray(FIRST_PART));
    }
  }
}
