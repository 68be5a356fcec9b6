import type { AckEvent } from "../../../lib/protocol/congestion/congestion_controller.ts";
import { RttEstimator } from "../../../lib/protocol/recovery/rtt.ts";

/** What an acknowledgement told, as far as it matters to a test. */
export interface AckFields {
  now?: number;
  /** When the newest packet that it acknowledges was sent. */
  sentTime?: number;
  ackedBytes?: number;
  priorInFlight?: number;
  rttSample?: number;
  /** Bytes delivered when the newest packet that it acknowledges was sent, and since. */
  priorDelivered?: number;
  delivered?: number;
}

export function ackEvent(
  {
    now = 0,
    sentTime = now,
    ackedBytes = 1_000,
    priorInFlight = ackedBytes,
    rttSample,
    priorDelivered = 0,
    delivered = ackedBytes,
  }: AckFields,
): AckEvent {
  return {
    now,
    ackedBytes,
    priorInFlight,
    bytesInFlight: priorInFlight - ackedBytes,
    sentTime,
    rttSample,
    rtt: new RttEstimator(),
    rate: { deliveryRate: 0, delivered, priorDelivered, appLimited: false },
    windowLimited: true,
  };
}
