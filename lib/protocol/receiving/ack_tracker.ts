import { RangeSet } from "../../base/range_set.ts";
import { MAX_SACK_BLOCKS, type Segment } from "../wire/segment.ts";

/** Milliseconds that an acknowledgement is held back at most (RFC 9000, section 13.2.1). */
const MAX_ACK_DELAY = 25;
/**
 * Packets that are acknowledged together at most. The sender asks with PSH
 * when it needs an acknowledgement; this bounds the wait if those get lost.
 */
const ACK_THRESHOLD = 64;

/**
 * Which packets have arrived, and when the peer is to be told: the policy of
 * acknowledgements.
 */
export class AckTracker {
  readonly #received = new RangeSet();
  #largestTime = 0;
  #unacknowledged = 0;
  /** The largest packet number that arrived, `-1` before the first. */
  largest = -1;
  /** When an acknowledgement is due, in milliseconds. */
  deadline = Infinity;

  /** Whether the packet has arrived before, or is too old to tell. */
  isDuplicate(packetNumber: number): boolean {
    return packetNumber <= this.largest &&
      (this.#received.contains(packetNumber) ||
        this.#received.size >= MAX_SACK_BLOCKS &&
          packetNumber < this.#received.start(0));
  }

  /** Records a packet and decides when to acknowledge it. */
  receive(now: number, segment: Segment): void {
    const { packetNumber } = segment;
    const inOrder = packetNumber === this.largest + 1 || this.largest === -1;
    if (packetNumber > this.largest) {
      this.largest = packetNumber;
      this.#largestTime = now;
    }
    this.#received.removeBelow(Math.min(segment.floor, this.largest));
    this.#received.add(packetNumber, packetNumber + 1);
    if (this.#received.size > MAX_SACK_BLOCKS) {
      this.#received.removeBelow(this.#received.start(1));
    }
    if (!segment.ackEliciting) return;
    this.#unacknowledged++;
    if (
      !inOrder || segment.payloadLength === 0 || segment.pushed ||
      this.#unacknowledged >= ACK_THRESHOLD
    ) {
      this.acknowledgeAt(now);
    } else {
      this.acknowledgeAt(now + MAX_ACK_DELAY);
    }
  }

  /** Asks for an acknowledgement at `time` at the latest. */
  acknowledgeAt(time: number): void {
    if (time < this.deadline) this.deadline = time;
  }

  /**
   * Fills in the acknowledgement of everything so far, of which the newest
   * `maxBlocks` blocks.
   */
  acknowledge(now: number, segment: Segment, maxBlocks: number): void {
    const received = this.#received;
    const count = Math.min(received.size, maxBlocks);
    for (let i = 0; i < count; i++) {
      const index = received.size - 1 - i;
      segment.blockStarts[i] = received.start(index);
      segment.blockEnds[i] = received.end(index);
    }
    segment.blockCount = count;
    segment.ackDelay = now - this.#largestTime;
  }

  /** An acknowledgement was sent. */
  acknowledged(): void {
    this.deadline = Infinity;
    this.#unacknowledged = 0;
  }
}
