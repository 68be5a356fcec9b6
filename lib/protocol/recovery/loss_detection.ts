import type { RttEstimator } from "./rtt.ts";
import { PacketState, type SentPackets } from "./sent_packets.ts";

/** Later packets that must be acknowledged before an earlier one counts as lost (RFC 9002, section 6.1.1). */
const PACKET_THRESHOLD = 3;
/** Round trips that a widened reordering window lasts (RFC 8985, section 6.2). */
const WINDOW_PERSISTENCE = 16;
/** Milliseconds that it lasts at least: on a short path, reordering recurs more slowly than round trips pass. */
const MIN_WINDOW_PERSISTENCE = 1000;
/** Milliseconds that wireless links hold packets back for. */
const MIN_MAX_REO_WND = 10;

/**
 * Declares packets lost: by the packet threshold until reordering is seen, and
 * always by time, with a window that spurious losses widen (RFC 9002, section
 * 6.1, and RFC 8985, section 6.2). Since retransmissions have packet numbers of
 * their own, one spurious loss tells how much wider it has to be. Both tests
 * are monotone in the packet number, so a scan ends at the first packet that
 * passes them.
 */
export class LossDetection {
  #reorderingSeen = false;
  #learnedWindow = 0;
  #widenedAt = 0;
  #scan: number;
  /** When the next packet is declared lost, in milliseconds. */
  deadline = Infinity;

  /** @param first the first packet number */
  constructor(first: number) {
    this.#scan = first;
  }

  /** The path has changed: forgets the reordering of the old one. */
  restart(): void {
    this.#reorderingSeen = false;
    this.#learnedWindow = 0;
    this.deadline = Infinity;
  }

  /** A packet was acknowledged after one that was sent later. */
  onReordering(): void {
    this.#reorderingSeen = true;
  }

  /** A packet that was declared lost was acknowledged, `elapsed` milliseconds after it was sent. */
  onSpuriousLoss(now: number, elapsed: number, rtt: RttEstimator): void {
    this.#reorderingSeen = true;
    const late = elapsed - Math.max(rtt.smoothedRtt, rtt.adjustedRtt);
    if (late <= this.#learnedWindow) return;
    this.#learnedWindow = late;
    this.#widenedAt = now;
  }

  /**
   * Calls `onLost` for each packet that is lost by now, in order, and sets the
   * {@linkcode deadline} of the next.
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
    // Timers are no finer than a millisecond.
    return Math.max(1, Math.min(wanted, maxReoWnd(rtt)));
  }
}

/**
 * The widest reordering window, in milliseconds: a round trip (RFC 8985, section
 * 6.2), or what wireless links need where that is more.
 */
export function maxReoWnd(rtt: RttEstimator): number {
  return Math.max(rtt.smoothedRtt, MIN_MAX_REO_WND);
}
