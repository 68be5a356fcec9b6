import { FRAME_HEADER_SIZE, readHeader } from "../../base/frame.ts";
import type { ByteStream } from "../../base/byte_stream.ts";
import { Failure } from "../../base/failure.ts";
import { RecordType } from "../handshake/messages.ts";
import { TAG_SIZE } from "./aead.ts";
import { MAX_RECORD, type Records } from "./record.ts";

/** A record that is being opened. */
interface Opening {
  /** Its plaintext; `null` for END. */
  readonly content: Promise<Uint8Array | null>;
}

/**
 * Reads records and opens several in parallel, as many as the cipher supports.
 */
export class RecordReader {
  readonly #stream: ByteStream;
  readonly #records: Records;
  readonly #buffer = new Uint8Array(MAX_RECORD + FRAME_HEADER_SIZE);
  readonly #before: () => Promise<void>;
  readonly #queue: Promise<Opening>[] = [];
  #last: Promise<unknown> | undefined;
  // Bytes in the buffer: the last record and the beginning of the next.
  #held = 0;
  // Bytes of the last record, possibly opened in place.
  #used = 0;
  #ended = false;

  /** @param before is awaited before the first read */
  constructor(
    stream: ByteStream,
    records: Records,
    before: () => Promise<void>,
  ) {
    this.#stream = stream;
    this.#records = records;
    this.#before = before;
  }

  /**
   * The plaintext of the next record, valid until the next call.
   *
   * @param into where it may be put, if it fits and its record is opened only now
   * @returns at least one byte; `null` at the end
   * @throws {Failure} `record-damaged`, `record-truncated`
   */
  async next(into?: Uint8Array): Promise<Uint8Array | null> {
    this.#last ??= this.#before();
    const { concurrency } = this.#records;
    const target = concurrency === 1 ? into : undefined;
    while (this.#queue.length < concurrency) {
      const opening: Promise<Opening> = this.#last
        .then(() => this.#read(target));
      // The call that takes it from the queue reports its failure.
      opening.catch(() => {});
      this.#queue.push(opening);
      this.#last = opening;
    }
    const { content } = await this.#queue.shift()!;
    return await content;
  }

  /** Reads one record, with at most the next header, and starts to open it. */
  async #read(into: Uint8Array | undefined): Promise<Opening> {
    if (this.#ended) return { content: Promise.resolve(null) };
    const buffer = this.#buffer;
    buffer.copyWithin(0, this.#used, this.#held);
    this.#held -= this.#used;
    this.#used = 0;
    await this.#fill(FRAME_HEADER_SIZE, FRAME_HEADER_SIZE);
    const { type, length } = readHeader(buffer);
    const end = FRAME_HEADER_SIZE + length;
    const isEnd = type === RecordType.END;
    const fits = isEnd
      ? length === TAG_SIZE
      : type === RecordType.DATA && length > TAG_SIZE && end <= MAX_RECORD;
    if (!fits) throw recordDamaged();
    // The next header is read with it, if it has arrived.
    await this.#fill(end, end + FRAME_HEADER_SIZE);
    await this.#records.ready();
    const content = this.#open(buffer.subarray(0, end), isEnd, into);
    content.catch(() => {});
    this.#used = end;
    this.#ended = isEnd;
    return { content };
  }

  async #open(
    record: Uint8Array,
    isEnd: boolean,
    into: Uint8Array | undefined,
  ): Promise<Uint8Array | null> {
    const content = await this.#records.open(record, into);
    if (content === undefined) throw recordDamaged();
    if (isEnd) this.#records.end();
    return isEnd ? null : content;
  }

  /**
   * Reads until the buffer holds at least `enough` and at most `most` bytes.
   */
  async #fill(enough: number, most: number): Promise<void> {
    while (this.#held < enough) {
      const room = this.#buffer.subarray(this.#held, most);
      const count = await this.#stream.read(room);
      if (count === null) throw recordTruncated();
      this.#held += count;
    }
  }
}

function recordDamaged(): Failure {
  return new Failure({ code: "record-damaged" });
}

function recordTruncated(): Failure {
  return new Failure({ code: "record-truncated" });
}
