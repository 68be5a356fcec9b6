import type { RttEstimator } from "./rtt.ts";
import { PacketState, type SentPackets } from "./sent_packets.ts";

/** Later packets that must be acknowledged before an earlier one counts as lost (RFC 9002, section 6.1.1). */
const PACKET_THRESHOLD = 3;
/** Round trips for which a wider reordering window is kept after a wrong verdict (RFC 8985, section 6.2), */
const WINDOW_PERSISTENCE = 16;
/** and milliseconds at least: on a short path, round trips pass sooner than reordering comes again. */
const MIN_WINDOW_PERSISTENCE = 1000;
const MIN_MAX_REO_WND = 10;

/**
 * Says which packets are lost: by packet threshold until reordering is seen,
 * and by time always, with a window that wrong verdicts widen (RFC 9002,
 * section 6.1, and RFC 8985, section 6.2). Packet numbers tell by how much a
 * verdict was early, so that one is enough to learn from. Since both tests are
 * monotone in the packet number, a scan ends at the first packet that passes
 * them.
 */
export class LossDetection {
  #reorderingSeen = false;
  #learnedWindow = 0;
  #widenedAt = 0;
  #scan: number;
  /** When the next packet will count as lost, in milliseconds. */
  deadline = Infinity;

  /** @param first the first packet number */
  constructor(first: number) {
    this.#scan = first;
  }

  /** The path is another one: what was learned of its reordering is forgotten. */
  restart(): void {
    this.#reorderingSeen = false;
    this.#learnedWindow = 0;
    this.deadline = Infinity;
  }

  /** A packet was acknowledged after packets that were sent after it. */
  onReordering(): void {
    this.#reorderingSeen = true;
  }

  /** A packet that had been given up was acknowledged, `elapsed` milliseconds after it was sent. */
  onSpuriousLoss(now: number, elapsed: number, rtt: RttEstimator): void {
    this.#reorderingSeen = true;
    const late = elapsed - Math.max(rtt.smoothedRtt, rtt.adjustedRtt);
    if (late <= this.#learnedWindow) return;
    this.#learnedWindow = late;
    this.#widenedAt = now;
  }

  /**
   * Calls `onLost` for each packet that is lost by now, in order, and sets
   * {@linkcode deadline} for the next.
   */
  detect(
    now: number,
    packets: SentPackets,
    rtt: RttEstimator,
    onLost: (packet: number) => void,
  ): void {
    this.deadline = Infinity;
    const wait = Math.max(rtt.smoothedRtt, rtt.adjustedRtt) +
      this.#reoWnd(now, rtt);
    const threshold = this.#reorderingSeen ? Infinity : PACKET_THRESHOLD;
    let packet = Math.max(this.#scan, packets.oldest);
    for (; packet < packets.largestAcked; packet++) {
      if (packets.state(packet) !== PacketState.OUTSTANDING) continue;
      const due = packets.sentTime(packet) + wait;
      if (packets.largestAcked - packet < threshold && due > now) {
        this.deadline = due;
        break;
      }
      onLost(packet);
    }
    this.#scan = packet;
  }

  #reoWnd(now: number, rtt: RttEstimator): number {
    const persistence = Math.max(
      WINDOW_PERSISTENCE * rtt.smoothedRtt,
      MIN_WINDOW_PERSISTENCE,
    );
    if (now - this.#widenedAt > persistence) {
      this.#learnedWindow /= 2;
      this.#widenedAt = now;
    }
    const quarter = Math.min(rtt.minRtt, rtt.smoothedRtt) / 4;
    const wanted = Math.max(quarter, this.#learnedWindow);
    // A timer that fires a millisecond later than it might is no loss to anyone.
    return Math.max(1, Math.min(wanted, maxReoWnd(rtt)));
  }
}

/**
 * How long a packet is waited for at most beyond a round trip, in milliseconds:
 * one more (RFC 8985, section 6.2), or what wireless links hold packets back
 * for, where that is more.
 */
export function maxReoWnd(rtt: RttEstimator): number {
  return Math.max(rtt.smoothedRtt, MIN_MAX_REO_WND);
}
