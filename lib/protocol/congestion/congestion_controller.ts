import type { RateSample } from "../recovery/delivery_rate.ts";
import type { RttEstimator } from "../recovery/rtt.ts";

/** What one acknowledgement tells. Times in milliseconds, sizes in datagram bytes. */
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

/** Packets that were declared lost together. */
export interface LossEvent {
  readonly now: number;
  readonly lostBytes: number;
  /** When the newest of them was sent. */
  readonly sentTime: number;
  readonly bytesInFlight: number;
}

/** Decides how much may be in flight, and how fast it is sent. It sees events, but no buffers. */
export interface CongestionController {
  /** Its state by the name that its specification gives, where it has states. */
  readonly state?: string;
  /** Bytes that may be in flight. */
  readonly congestionWindow: number;
  /** Bytes per millisecond, `Infinity` while nothing is known. */
  readonly pacingRate: number;
  /** A packet that was sent at `sentTime` was acknowledged or declared lost. Called before the event that it is part of. */
  onPacketSettled(sentTime: number, lost: boolean): void;
  onAcked(event: AckEvent): void;
  onLost(event: LossEvent): void;
  /**
   * From now on datagrams have up to `datagramSize` bytes, and the peer's socket
   * buffer holds `socketBuffer` bytes of such.
   */
  onPath(datagramSize: number, socketBuffer: number): void;
  /** Nothing has arrived for several probe timeouts. */
  onPersistentCongestion(): void;
}

/**
 * Makes a controller for datagrams of up to `maxDatagramSize` bytes. The seed
 * makes flows differ.
 */
export type CongestionControllerFactory = (
  maxDatagramSize: number,
  seed: number,
) => CongestionController;
