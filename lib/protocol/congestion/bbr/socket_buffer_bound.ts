/**
 * Deviation from the draft: bursts, and on short paths the window, are bounded
 * by the peer's socket buffer, and the window holds three bursts at least. The
 * draft has BBR.offload_budget for the latter (section 5.5.8), and knows
 * nothing of the receiver's memory.
 *
 * Reason: the receiver is a process, which reads late when the machine is busy,
 * and the kernel drops in silence what its buffer does not hold. It costs
 * others nothing: it only lowers what is sent.
 *
 * @module
 */

/** C.send_quantum: milliseconds that a burst lasts at the pacing rate, at most (section 5.6.3). */
const QUANTUM_TIME = 1;
/** Bursts that the window, and the peer's socket buffer, hold: one leaves, one is on its way, one is acknowledged. */
const QUANTA = 3;
/** Within a shorter round trip, in milliseconds, hardly anything is on its way: what is in flight waits in the socket buffer. */
const SHORT_RTT = 1;

/** What the peer's socket buffer allows. Sizes in bytes. */
export class SocketBufferBound {
  #socketBuffer = 0;
  #maxQuantum = 0;

  onPath(datagramSize: number, minWindow: number, socketBuffer: number): void {
    this.#socketBuffer = socketBuffer;
    this.#maxQuantum = Math.max(
      datagramSize,
      (socketBuffer - minWindow) / QUANTA,
    );
  }

  /** BBR.offload_budget: in flight at least, so that bursts need not wait for each other. */
  minInflight(pacingRate: number): number {
    return QUANTA * Math.min(pacingRate * QUANTUM_TIME, this.#maxQuantum);
  }

  /** What of `inflight` and `extraAcked` fits: on a short path, all of it may arrive at once. */
  bound(inflight: number, extraAcked: number, minRtt: number): number {
    const target = inflight + extraAcked;
    const isShort = inflight < this.#socketBuffer || minRtt < SHORT_RTT;
    return isShort ? Math.min(target, this.#socketBuffer) : target;
  }
}
