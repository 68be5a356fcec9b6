import type { LimitedTimes } from "./limited_times.ts";

/** What a connection knows of itself at a moment. Sizes in bytes, times in milliseconds. */
export interface Measurement {
  /** Of datagrams, that the peer has acknowledged so far. */
  readonly delivered: number;
  readonly bytesInFlight: number;
  readonly congestionWindow: number;
  /** `undefined` before the first sample. */
  readonly latestRtt: number | undefined;
  /** What has arrived in order and the application has not read. */
  readonly unread: number;
  /** For how long so far what has held back what is sent. */
  readonly limited: LimitedTimes;
}
