import { PagedBuffer } from "../../base/paged_buffer.ts";
import { RangeSet } from "../../base/range_set.ts";
import { SYN_SIZE } from "../wire/segment.ts";

/** Why the data of a segment is refused. */
export type Unacceptable =
  | "past the FIN"
  | "beyond the window"
  | "too many holes";

/** Ranges held out of order: more than loss leaves in the largest window. */
const MAX_RANGES = 4096;
/** Ranges held out of order of a peer that is not admitted. */
const MAX_RANGES_BEFORE_ADMISSION = 8;

/** How much larger the window becomes at a time: Startup may raise its own by as much in a round trip. */
const GROWTH = 4;
/** Share of the first window after which it grows. */
const FIRST_GROWTH_SHARE = 1 / 16;
/** Share of the window that must have opened for an update. */
const UPDATE_SHARE = 1 / 4;

/**
 * Puts data in order and holds it until the application reads it. The window it
 * grants ends a capacity beyond what was read, and never moves back.
 */
export class ReceiveBuffer {
  readonly #bytes = new PagedBuffer();
  #capacity: number;
  readonly #maxCapacity: number;
  readonly #outOfOrder = new RangeSet();
  #finSeq = Infinity;
  #highest = 0;
  #admitted = true;
  // Whether the window has held the peer up since it last grew.
  #blocked = false;
  // Sequence number after the last that the peer was told it may send.
  #advertisedEdge = 0;
  // Sequence number that must have been read before the window grows again.
  #growsAt = 0;

  /** Next sequence number expected. */
  rcvNxt = 0;
  /** Next sequence number that the application will read. */
  readNxt = 1;

  /**
   * @param capacity bytes granted at first
   * @param maxCapacity bytes granted at most
   */
  constructor(capacity: number, maxCapacity: number) {
    // A SYN carries data before any window is granted.
    this.#capacity = Math.max(capacity, SYN_SIZE);
    this.#maxCapacity = maxCapacity;
    this.#growsAt = this.#capacity * FIRST_GROWTH_SHARE;
  }

  /** Until {@linkcode admit}, the window does not grow, and few ranges are held out of order. */
  restrict(): void {
    this.#admitted = false;
  }

  /**
   * Grants `capacity` bytes, and more as they are read.
   *
   * @returns whether the window is larger now
   */
  admit(capacity: number): boolean {
    if (this.#admitted) return false;
    this.#admitted = true;
    const grown = Math.min(capacity, this.#maxCapacity);
    if (grown <= this.#capacity) return false;
    this.#capacity = grown;
    this.#growsAt = this.readNxt + grown * FIRST_GROWTH_SHARE;
    return true;
  }

  /** Sequence number after the last that may be sent. */
  get windowEdge(): number {
    return this.readNxt + this.#capacity;
  }

  /** Bytes granted from `readNxt` on. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes that can be read now. */
  get readable(): number {
    const end = this.finReceived ? this.#finSeq : this.rcvNxt;
    return Math.max(0, end - this.readNxt);
  }

  /** Whether everything up to and with the FIN has arrived. */
  get finReceived(): boolean {
    return this.rcvNxt > this.#finSeq;
  }

  /**
   * Why [`seq`, `end`) is refused, if it is. Data past a FIN, and a FIN before
   * data that has arrived, contradict what the peer sent before.
   *
   * @param end after the payload, without the FIN
   */
  check(seq: number, end: number, fin: boolean): Unacceptable | undefined {
    if (
      end > this.#finSeq || (fin && end !== this.#finSeq && this.#hasPast(end))
    ) {
      return "past the FIN";
    }
    if (end > this.windowEdge && end > seq) return "beyond the window";
    return this.#makesHole(seq) ? "too many holes" : undefined;
  }

  // Whether one range more would be held, and there are too many.
  #makesHole(seq: number): boolean {
    const held = this.#outOfOrder;
    const most = this.#admitted ? MAX_RANGES : MAX_RANGES_BEFORE_ADMISSION;
    return held.size >= most && seq > this.rcvNxt && !held.touches(seq);
  }

  #hasPast(end: number): boolean {
    return this.#finSeq !== Infinity || this.#highest > end;
  }

  receiveSyn(): void {
    this.rcvNxt = Math.max(this.rcvNxt, 1);
    this.#advance();
  }

  /**
   * Takes a payload that {@linkcode check} has accepted.
   *
   * @returns how many sequence numbers were new
   */
  receive(seq: number, payload: Uint8Array, fin: boolean): number {
    const end = seq + payload.length;
    if (end > this.#highest) this.#highest = end;
    if (fin) this.#finSeq = end;
    const spanEnd = fin ? end + 1 : end;
    if (spanEnd <= this.rcvNxt) return 0;
    const skip = Math.max(0, this.rcvNxt - seq);
    if (payload.length > skip) {
      this.#bytes.write(
        seq + skip,
        skip > 0 ? payload.subarray(skip) : payload,
      );
    }
    if (seq > this.rcvNxt) return this.#outOfOrder.add(seq, spanEnd);
    const before = this.rcvNxt;
    this.rcvNxt = spanEnd;
    if (this.#outOfOrder.size > 0) this.#advance();
    return this.rcvNxt - before;
  }

  // New data may reach several ranges.
  #advance(): void {
    const held = this.#outOfOrder;
    while (held.size > 0 && held.start(0) <= this.rcvNxt) {
      this.rcvNxt = Math.max(this.rcvNxt, held.end(0));
      held.removeBelow(this.rcvNxt);
    }
  }

  /**
   * Moves what is in order to `into`.
   *
   * @returns how many bytes
   */
  read(into: Uint8Array): number {
    const length = Math.min(into.length, this.readable);
    if (length > 0) {
      this.#bytes.read(this.readNxt, length, into, 0);
      this.readNxt += length;
      this.#bytes.discardBelow(this.readNxt);
    }
    return length;
  }

  /** The window was sent to the peer. */
  onWindowAdvertised(): void {
    this.#advertisedEdge = this.windowEdge;
  }

  /** Whether the peer's window has opened by as much as is worth a datagram (RFC 9293, section 3.8.6.2.2). */
  get isWindowUpdateDue(): boolean {
    const opened = this.windowEdge - this.#advertisedEdge;
    return opened >= this.#capacity * UPDATE_SHARE;
  }

  /**
   * The window holds the peer up.
   *
   * @returns whether it is larger now
   */
  onBlocked(): boolean {
    this.#blocked = true;
    return this.grow();
  }

  /**
   * Raises the window if it holds the peer up, unless the last growth is not
   * used yet, the application lags behind or the limit is reached.
   *
   * @returns whether the window is larger now
   */
  grow(): boolean {
    if (!this.#blocked || !this.#admitted) return false;
    const capacity = Math.min(GROWTH * this.#capacity, this.#maxCapacity);
    const lagging = this.readable > this.#capacity / 2;
    if (capacity <= this.#capacity || lagging) return false;
    if (this.readNxt < this.#growsAt) return false;
    this.#growsAt = this.readNxt + this.#capacity / 2;
    this.#capacity = capacity;
    this.#blocked = false;
    return true;
  }
}
