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

/**
 * What limits a sender: `source`, it has nothing to send; `receiver`, the
 * peer's window; `path`, congestion window or pacing; `rate`, the rate that was
 * asked for; `cpu`, it is busy sending, or its timer fired late.
 */
export type Limit = "source" | "receiver" | "path" | "rate" | "cpu";

/** Milliseconds for each limit. */
export type LimitedTimes = Readonly<Record<Limit, number>>;

/**
 * Adds up how long each limit held a sender back, as `tcpi_rwnd_limited` and
 * its neighbours do in Linux.
 */
export class LimitClock {
  readonly #times = { source: 0, receiver: 0, path: 0, rate: 0, cpu: 0 };
  #limit: Limit | undefined;
  #since = 0;
  #until = Infinity;

  /**
   * `limit` applies from `now` on.
   *
   * @param until when a timer ends it, in milliseconds: later than this counts
   * as `cpu`, since the timer fired late
   */
  begin(now: number, limit: Limit, until = Infinity): void {
    if (limit !== this.#limit || until !== this.#until) {
      this.#settle(now);
      this.#limit = limit;
      this.#until = until;
    }
  }

  /** Milliseconds for each limit, up to `now`. */
  times(now: number): LimitedTimes {
    this.#settle(now);
    return { ...this.#times };
  }

  #settle(now: number): void {
    if (this.#limit !== undefined) {
      const due = Math.max(this.#since, Math.min(now, this.#until));
      this.#times[this.#limit] += due - this.#since;
      this.#times.cpu += Math.max(0, now - due);
    }
    this.#since = now;
  }
}
