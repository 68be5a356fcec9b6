/** Acknowledgements that the sender requests in one congestion window. */
const REQUESTS_PER_WINDOW = 16;
/** Datagrams between requests, at least. */
const MIN_REQUEST_INTERVAL = 2;
/** Datagrams between requests, at most: what one acknowledgement frees leaves as one burst. */
const MAX_REQUEST_INTERVAL = 32;

/**
 * Decides which datagrams request an acknowledgement at once, with PSH; the
 * peer delays all others. The last one before a pause always does, or the
 * peer's delay would look like loss.
 */
export class AckRequestPolicy {
  #sinceRequest = 0;

  /**
   * Counts a datagram with data.
   *
   * @param windowSize datagrams that fit into the congestion window
   * @param pauses whether nothing follows it for a while
   * @returns whether it requests an acknowledgement
   */
  onDatagram(windowSize: number, pauses: boolean): boolean {
    const interval = Math.max(
      MIN_REQUEST_INTERVAL,
      Math.min(MAX_REQUEST_INTERVAL, windowSize / REQUESTS_PER_WINDOW),
    );
    this.#sinceRequest++;
    if (!pauses && this.#sinceRequest < interval) return false;
    this.#sinceRequest = 0;
    return true;
  }
}
