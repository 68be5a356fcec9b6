/**
 * A duplex, reliable, ordered stream of bytes with backpressure: the interface
 * between endpoint, secure channel and transfer.
 */
export interface ByteStream {
  /**
   * Reads the next bytes into `into`.
   *
   * @returns the number of bytes read, at least 1; `null` at the end of the
   * peer's direction
   * @throws {Failure} if the stream broke
   */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Writes all of `bytes`, waiting while the buffer is full. The caller may
   * reuse `bytes` once the promise has resolved, which does not mean that the
   * peer has received them.
   *
   * @throws {Failure} if the stream broke
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends this direction after the bytes written so far; reading goes on. */
  closeWrite(): Promise<void>;
  /**
   * Breaks the stream at once and tells the peer; later calls throw `failure`.
   */
  abort(failure: Error): void;
}
