import type { RateSample } from "../recovery/delivery_rate.ts";
import type { RttEstimator } from "../recovery/rtt.ts";

/** What one acknowledgement has told. Times in milliseconds, sizes in datagram bytes. */
export interface AckEvent {
  readonly now: number;
  /** Bytes that it newly acknowledges. */
  readonly ackedBytes: number;
  /** Bytes in flight before it. */
  readonly priorInFlight: number;
  /** Bytes in flight after it, and after the losses it showed. */
  readonly bytesInFlight: number;
  /** When the newest packet that it acknowledges was sent. */
  readonly sentTime: number;
  /** The round-trip time of that packet, `undefined` if it was acknowledged late. */
  readonly rttSample: number | undefined;
  readonly rtt: Readonly<RttEstimator>;
  readonly rate: RateSample;
  /** Whether the window, not the application, held the sender back. */
  readonly windowLimited: boolean;
}

/** Packets that were given up together. */
export interface LossEvent {
  readonly now: number;
  readonly lostBytes: number;
  /** When the newest of them was sent. */
  readonly sentTime: number;
  readonly bytesInFlight: number;
}

/** Decides how much may be in flight and how fast it leaves. It is told of events and sees no buffers. */
export interface CongestionController {
  /** Bytes that may be in flight. */
  readonly congestionWindow: number;
  /** Bytes per millisecond, `Infinity` while nothing is known. */
  readonly pacingRate: number;
  /** A packet that was sent at `sentTime` was acknowledged or given up: before the event that it is part of. */
  onPacketSettled(sentTime: number, lost: boolean): void;
  onAcked(event: AckEvent): void;
  onLost(event: LossEvent): void;
  /**
   * From now on datagrams are of up to `datagramSize` bytes, and the peer's
   * kernel holds `socketBuffer` bytes of such.
   */
  onPath(datagramSize: number, socketBuffer: number): void;
  /** Nothing came through for several probe timeouts (RFC 9002, section 7.6). */
  onPersistentCongestion(): void;
}

/**
 * Makes a controller for datagrams of up to `maxDatagramSize` bytes. The seed
 * is for what is to differ between flows.
 */
export type CongestionControllerFactory = (
  maxDatagramSize: number,
  seed: number,
) => CongestionController;
