import type { SentPackets } from "./sent_packets.ts";

/** How fast bytes were delivered over the flight of one packet: RS of draft-ietf-ccwg-bbr-06, section 4.1. */
export interface RateSample {
  /** Bytes per millisecond; 0 if the interval was too short to tell. */
  readonly deliveryRate: number;
  /** Bytes delivered over the interval. */
  readonly delivered: number;
  /** What had been delivered when the packet was sent. */
  readonly priorDelivered: number;
  /** Whether the sender had run out of data, so that the path may be faster than this. */
  readonly appLimited: boolean;
}

/** Estimates the delivery rate from the newest packet of each acknowledgement. */
export class DeliveryRate {
  /** Datagram bytes acknowledged so far. */
  delivered = 0;
  #deliveredTime = 0;
  #firstSentTime = 0;
  // C.app_limited: samples until this much is delivered measure the application.
  #appLimitedUntil = -1;

  /** Stores the state of delivery with a packet that was just sent. */
  onSent(now: number, packet: number, packets: SentPackets): void {
    if (packets.bytesInFlight === packets.size(packet)) {
      this.#firstSentTime = now;
      this.#deliveredTime = now;
    }
    packets.snapshot(
      packet,
      this.delivered,
      this.#deliveredTime,
      this.#firstSentTime,
      this.#appLimitedUntil >= this.delivered,
    );
  }

  /** The sender has run out of data. */
  onAppLimited(bytesInFlight: number): void {
    this.#appLimitedUntil = this.delivered + bytesInFlight;
  }

  /** Bytes were acknowledged. */
  onDelivered(now: number, bytes: number): void {
    this.delivered += bytes;
    this.#deliveredTime = now;
  }

  /** The sample of the packet sent last among those newly acknowledged. */
  sample(now: number, packet: number, packets: SentPackets): RateSample {
    const sendElapsed = packets.sentTime(packet) -
      packets.firstSentTime(packet);
    const ackElapsed = now - packets.deliveredTime(packet);
    const interval = Math.max(sendElapsed, ackElapsed);
    const priorDelivered = packets.delivered(packet);
    const delivered = this.delivered - priorDelivered;
    this.#firstSentTime = packets.sentTime(packet);
    return {
      deliveryRate: interval > 0 ? delivered / interval : 0,
      delivered,
      priorDelivered,
      appLimited: packets.appLimited(packet),
    };
  }
}
