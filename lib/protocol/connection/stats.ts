import type { LimitedTimes } from "../sending/limit_clock.ts";

/**
 * What a connection counts. Datagrams and bytes are as they cross the socket,
 * headers included.
 */
export class Counters {
  datagramsSent = 0;
  datagramsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** Datagrams that carried bytes which an earlier datagram had carried. */
  retransmissions = 0;
  /** Payload bytes of those. */
  retransmittedBytes = 0;
  /** Datagrams declared lost. */
  datagramsLost = 0;
  /** Datagrams declared lost that had arrived. */
  spuriousLosses = 0;
  /** Probe timeouts (RFC 9002, section 6.2). */
  probes = 0;
  /** Datagrams that brought nothing new. */
  duplicatesReceived = 0;
  /** Datagrams dropped: damaged, stale or in violation of the protocol. */
  dropped = 0;
  /** Acknowledgements sent without data. */
  acksSent = 0;
}

/** The state of a connection at one moment. Sizes in bytes, times in milliseconds. */
export interface ConnectionStats {
  /** Datagram bytes that the peer has acknowledged so far. */
  readonly delivered: number;
  readonly bytesInFlight: number;
  readonly congestionWindow: number;
  /** The state of the congestion controller, where it has states. */
  readonly congestionState: string | undefined;
  /** `undefined` before the first sample. */
  readonly latestRtt: number | undefined;
  /** Bytes that have arrived in order and were not read. */
  readonly unread: number;
  /** How long each limit has held the sender back so far. */
  readonly limited: LimitedTimes;
}
