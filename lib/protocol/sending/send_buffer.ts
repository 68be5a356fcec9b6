import { PAGE_SIZE, PagedBuffer } from "../../base/paged_buffer.ts";
import { RangeSet } from "../../base/range_set.ts";

/** Sequence numbers to be sent in one segment. */
export interface SendRange {
  /** First sequence number. */
  start: number;
  /** Sequence number after the last. */
  end: number;
  /** Whether it was sent before. */
  retransmission: boolean;
}

const INITIAL_SEND_BUFFER = 2 ** 16;

/**
 * Holds what the application has written until the peer acknowledges it. The
 * SYN has sequence number 0, the byte at offset n of the stream n + 1, and the
 * FIN the number after the last byte, so that one mechanism sends, loses and
 * acknowledges all three.
 */
export class SendBuffer {
  readonly #bytes = new PagedBuffer();
  #capacity = INITIAL_SEND_BUFFER;
  readonly #maxCapacity: number;
  readonly #acked = new RangeSet();
  readonly #lost = new RangeSet();
  readonly #range: SendRange = { start: 0, end: 0, retransmission: false };

  /** Oldest sequence number not acknowledged. */
  sndUna = 0;
  /** Next sequence number to be sent for the first time. */
  sndNxt = 0;
  /** Sequence number after the last byte written. */
  writeEnd = 1;
  /** Whether the FIN follows what was written. */
  closed = false;

  /** @param maxCapacity bytes held at most */
  constructor(maxCapacity: number) {
    this.#maxCapacity = maxCapacity;
  }

  /** Bytes that can be written now. */
  get space(): number {
    return this.#capacity -
      (this.writeEnd - this.sndUna - this.#bytes.discarded);
  }

  /** Bytes held at most for now. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Whether everything written, and the FIN if closed, has been acknowledged. */
  get allAcked(): boolean {
    return this.sndUna === this.#end;
  }

  /** Whether the FIN has been acknowledged. */
  get finAcked(): boolean {
    return this.closed && this.allAcked;
  }

  /** Whether something is to be retransmitted. */
  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  /** Whether something was not sent yet, within the window or beyond it. */
  get hasNew(): boolean {
    return this.hasMoreThan(0);
  }

  /** Whether more than so many sequence numbers were not sent yet. */
  hasMoreThan(count: number): boolean {
    return this.sndNxt + count < this.#end;
  }

  /** Sequence numbers not sent yet that the window allows. */
  sendable(windowEdge: number): number {
    return Math.max(0, this.#sendableEnd(windowEdge) - this.sndNxt);
  }

  /** Whether {@linkcode next} has a range. */
  hasSendable(windowEdge: number): boolean {
    return this.#hasRetransmittable(windowEdge) ||
      this.sndNxt < this.#sendableEnd(windowEdge);
  }

  // Before the peer has answered, only the SYN is sent, with the data that fits on it.
  #hasRetransmittable(windowEdge: number): boolean {
    const lost = this.#lost;
    return lost.size > 0 && (windowEdge > 0 || lost.start(0) === 0);
  }

  // The SYN may carry data before a window is granted. A FIN needs no window.
  #sendableEnd(windowEdge: number): number {
    if (this.sndNxt === 0) return this.#end;
    return windowEdge >= this.writeEnd ? this.#end : windowEdge;
  }

  // Sequence number after the last there is.
  get #end(): number {
    return this.writeEnd + (this.closed ? 1 : 0);
  }

  /** Lets the buffer hold up to `target` bytes. */
  grow(target: number): void {
    while (this.#capacity < target && this.#capacity < this.#maxCapacity) {
      this.#capacity *= 2;
    }
  }

  /**
   * Takes as much of `bytes` as there is space for.
   *
   * @returns how many bytes it took
   */
  write(bytes: Uint8Array): number {
    const taken = Math.min(bytes.length, this.space);
    if (taken === 0) return 0;
    this.#bytes.write(
      this.writeEnd,
      taken === bytes.length ? bytes : bytes.subarray(0, taken),
    );
    this.writeEnd += taken;
    return taken;
  }

  /**
   * The next range to send: what was lost before what is new, and nothing new
   * at or beyond `windowEdge`. The object is reused.
   *
   * @param maxPayload bytes of payload at most
   */
  next(maxPayload: number, windowEdge: number): SendRange | undefined {
    if (this.#hasRetransmittable(windowEdge)) {
      const lost = this.#lost;
      return this.#cut(lost.start(0), lost.end(0), maxPayload, true);
    }
    const end = this.#sendableEnd(windowEdge);
    if (this.sndNxt >= end) return undefined;
    return this.#cut(this.sndNxt, end, maxPayload, false);
  }

  /** The oldest unacknowledged range, for a probe. */
  oldest(maxPayload: number): SendRange | undefined {
    if (this.sndUna === this.sndNxt) return undefined;
    const end = this.#acked.size > 0 ? this.#acked.start(0) : this.sndNxt;
    return this.#cut(this.sndUna, end, maxPayload, true);
  }

  /** What of [`start`, `end`) is not acknowledged, from its beginning; `undefined` if all is. */
  unacked(
    start: number,
    end: number,
    maxPayload: number,
  ): SendRange | undefined {
    const from = Math.max(start, this.sndUna);
    if (from >= end || this.#acked.covers(from, end)) return undefined;
    return this.#cut(from, end, maxPayload, true);
  }

  // SYN and FIN take a sequence number but no room for payload.
  #cut(
    start: number,
    end: number,
    maxPayload: number,
    retransmission: boolean,
  ): SendRange {
    const first = Math.max(start, 1);
    const lastByte = Math.min(end, this.writeEnd);
    const payloadEnd = Math.min(lastByte, first + maxPayload);
    const range = this.#range;
    range.start = start;
    range.end = payloadEnd === lastByte ? end : payloadEnd;
    range.retransmission = retransmission;
    return range;
  }

  /** The range was sent. */
  sent(start: number, end: number): void {
    if (end > this.sndNxt) this.sndNxt = end;
    if (this.#lost.size > 0) this.#lost.remove(start, end);
  }

  /** Copies the payload of [`start`, `start` + `length`) to `into` at `offset`. */
  copy(start: number, length: number, into: Uint8Array, offset: number): void {
    this.#bytes.read(start, length, into, offset);
  }

  /** The peer has everything below `ack`. */
  ackedTo(ack: number): void {
    if (ack <= this.sndUna) return;
    this.sndUna = ack;
    const held = this.#acked;
    if (held.size > 0) {
      held.removeBelow(ack);
      // What was acknowledged ahead of it may be next.
      if (held.size > 0 && held.start(0) === ack) {
        this.sndUna = held.end(0);
        held.removeBelow(this.sndUna);
      }
    }
    if (this.#lost.size > 0) this.#lost.removeBelow(this.sndUna);
    this.#bytes.discardBelow(this.sndUna);
  }

  /** A packet with [`start`, `end`) has arrived. */
  acked(start: number, end: number): void {
    if (start <= this.sndUna) {
      this.ackedTo(end);
      return;
    }
    this.#acked.add(start, end);
    this.#forgetAcked(start, end);
    if (this.#lost.size > 0) this.#lost.remove(start, end);
  }

  // On a long path with loss, most of what follows a gap has arrived: its memory
  // is better used for what comes next.
  #forgetAcked(start: number, end: number): void {
    const first = start - start % PAGE_SIZE;
    for (let at = first; at < end; at += PAGE_SIZE) {
      if (this.#acked.covers(at, at + PAGE_SIZE)) this.#bytes.discardPage(at);
    }
  }

  /** A packet with [`start`, `end`) was lost: what of it is not acknowledged otherwise is to be retransmitted. */
  lost(start: number, end: number): void {
    this.#acked.gaps(
      Math.max(start, this.sndUna),
      end,
      (gapStart, gapEnd) => this.#lost.add(gapStart, gapEnd),
    );
  }
}
