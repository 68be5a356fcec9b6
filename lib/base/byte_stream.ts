/**
 * A duplex, reliable, ordered stream of bytes with backpressure: what the
 * endpoint offers, what a secure channel offers again on top of it, and all
 * that the transfer knows of the network.
 */
export interface ByteStream {
  /**
   * Reads the next bytes into `into`.
   *
   * @returns how many bytes were read, at least 1; `null` once the peer has
   * ended its direction and everything before that was read
   * @throws {Failure} if the stream broke
   */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Takes all of `bytes`, waiting while the buffer is full. The caller may
   * reuse `bytes` once the promise has resolved. That a write resolved says
   * nothing about what the peer has.
   *
   * @throws {Failure} if the stream broke
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our direction after what was written; reading goes on. */
  closeWrite(): Promise<void>;
  /** Breaks the stream at once, telling the peer; later calls throw `failure`. */
  abort(failure: Error): void;
}
