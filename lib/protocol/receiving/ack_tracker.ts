import { RangeSet } from "../../base/range_set.ts";
import { MAX_SACK_BLOCKS, type Segment } from "../wire/segment.ts";

/** Milliseconds that an acknowledgement may be delayed (RFC 9000, section 13.2.1). */
const MAX_ACK_DELAY = 25;
/**
 * Packets that one acknowledgement may cover before it is due. The sender asks
 * with PSH when it needs one; this bounds the wait if those packets are lost.
 */
const ACK_THRESHOLD = 64;

/** Tracks which packets have arrived, and decides when to acknowledge them. */
export class AckTracker {
  readonly #received = new RangeSet();
  #largest = -1;
  #largestTime = 0;
  #unacknowledged = 0;
  #deadline = Infinity;

  /** The largest packet number that arrived, `-1` before the first. */
  get largest(): number {
    return this.#largest;
  }

  /** When an acknowledgement is due, in milliseconds. */
  get deadline(): number {
    return this.#deadline;
  }

  /** Whether the packet has arrived before, or is too old to tell. */
  isDuplicate(packetNumber: number): boolean {
    return packetNumber <= this.#largest &&
      (this.#received.contains(packetNumber) ||
        this.#received.size >= MAX_SACK_BLOCKS &&
          packetNumber < this.#received.start(0));
  }

  /** Records a packet and decides when to acknowledge it. */
  onPacket(now: number, segment: Segment): void {
    const { packetNumber } = segment;
    const inOrder = packetNumber === this.#largest + 1 || this.#largest === -1;
    if (packetNumber > this.#largest) {
      this.#largest = packetNumber;
      this.#largestTime = now;
    }
    this.#received.removeBelow(Math.min(segment.floor, this.#largest));
    this.#received.add(packetNumber, packetNumber + 1);
    if (this.#received.size > MAX_SACK_BLOCKS) {
      this.#received.removeBelow(this.#received.start(1));
    }
    if (!segment.ackEliciting) return;
    this.#unacknowledged++;
    const isUrgent = !inOrder || segment.payloadLength === 0 ||
      segment.pushed || this.#unacknowledged >= ACK_THRESHOLD;
    this.acknowledgeAt(isUrgent ? now : now + MAX_ACK_DELAY);
  }

  /** Makes an acknowledgement due at `time` at the latest. */
  acknowledgeAt(time: number): void {
    if (time < this.#deadline) this.#deadline = time;
  }

  /** Makes an acknowledgement due at once. */
  acknowledgeNow(): void {
    this.#deadline = 0;
  }

  /** Writes the newest `maxBlocks` SACK blocks and the delay into `segment`. */
  describe(now: number, segment: Segment, maxBlocks: number): void {
    const received = this.#received;
    const count = Math.min(received.size, maxBlocks);
    for (let i = 0; i < count; i++) {
      const index = received.size - 1 - i;
      segment.blockStarts[i] = received.start(index);
      segment.blockEnds[i] = received.end(index);
    }
    segment.blockCount = count;
    // The clock may not have been read since the packet came
    segment.ackDelay = Math.max(0, now - this.#largestTime);
  }

  /** An acknowledgement was sent. */
  onAckSent(): void {
    this.#deadline = Infinity;
    this.#unacknowledged = 0;
  }
}
