import type { RttEstimator } from "./rtt.ts";
import { PacketState, type SentPackets } from "./sent_packets.ts";

/** Later packets that must be acknowledged before an earlier one counts as lost (RFC 9002, section 6.1.1). */
const PACKET_THRESHOLD = 3;
/** Round trips for which a wider reordering window is kept after a wrong verdict (RFC 8985, section 6.2). */
const WINDOW_PERSISTENCE = 16;

/**
 * Says which packets are lost: by packet threshold until reordering is seen,
 * and by time always, with a window that grows with wrong verdicts (RFC 9002,
 * section 6.1, and RFC 8985, section 6.2). Since both tests are monotone in the
 * packet number, a scan ends at the first packet that passes them.
 */
export class LossDetection {
  #reorderingSeen = false;
  #windowMultiplier = 1;
  #widenedAt = 0;
  #scan: number;
  /** When the next packet will count as lost, in milliseconds. */
  deadline = Infinity;

  /** @param first the first packet number */
  constructor(first: number) {
    this.#scan = first;
  }

  /** A packet was acknowledged after packets that were sent after it. */
  onReordering(): void {
    this.#reorderingSeen = true;
  }

  /** A packet that had been given up was acknowledged. */
  onSpuriousLoss(now: number, rtt: RttEstimator): void {
    this.#reorderingSeen = true;
    if (now - this.#widenedAt < rtt.smoothedRtt) return;
    this.#windowMultiplier++;
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
    const wait = Math.max(rtt.smoothedRtt, rtt.latestRtt) +
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
    const persistence = WINDOW_PERSISTENCE * rtt.smoothedRtt;
    if (this.#windowMultiplier > 1 && now - this.#widenedAt > persistence) {
      this.#windowMultiplier = 1;
    }
    const unit = Math.min(rtt.minRtt, rtt.smoothedRtt) / 4;
    // A timer that fires later than this is no loss to anyone.
    return Math.max(
      1,
      Math.min(this.#windowMultiplier * unit, rtt.smoothedRtt),
    );
  }
}
