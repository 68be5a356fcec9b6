import { PacketState, type SentPackets } from "../recovery/sent_packets.ts";

/** Share of the datagrams that must have been lost. */
const MIN_LOSS = 0.01;
/** Share of the round trip after which the answer to the packet itself comes soon enough. */
const MAX_AGE_SHARE = 1 / 2;

/**
 * Chooses what to send twice at the end of a stream, where there is nothing else
 * to send: of the last flight, each packet that would be missed latest, the
 * newest first. A loss among them otherwise costs a round trip or more, and the
 * path is idle meanwhile. In the simulator, 25 MB over 100 Mbit/s and 50 ms use 0.74
 * of the rate instead of 0.71 at 20% of loss, and 0.65 instead of 0.61 at 30%; 5 MB
 * at 40% use 0.30 instead of 0.24.
 */
export class TailCopies {
  // Packets below this were considered before, or are copies.
  #bottom = 0;
  #cursor = -1;
  #top = 0;

  /** Whether so much is lost that copies pay. */
  static pay(sent: number, lost: number): boolean {
    return lost > MIN_LOSS * sent;
  }

  /**
   * The packet to be copied next.
   *
   * @returns its number, `-1` if there is none
   */
  next(now: number, smoothedRtt: number, packets: SentPackets): number {
    if (packets.next > this.#top) {
      this.#bottom = Math.max(this.#top, packets.oldest);
      this.#cursor = packets.next - 1;
      this.#top = packets.next;
    }
    const since = now - MAX_AGE_SHARE * smoothedRtt;
    const { oldest } = packets;
    while (this.#cursor >= Math.max(this.#bottom, oldest)) {
      const packet = this.#cursor--;
      if (packets.state(packet) !== PacketState.OUTSTANDING) continue;
      if (packets.sentTime(packet) < since) break;
      if (packets.sequenceLength(packet) > 0) return packet;
    }
    this.#cursor = -1;
    return -1;
  }

  /** A copy was sent; the next packet has this number. */
  onCopied(next: number): void {
    this.#top = next;
  }
}
