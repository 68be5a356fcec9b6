/** A datagram without payload is no longer than this, in bytes. */
export const MAX_CONTROL_SIZE = 128;

/**
 * Limits what is sent to an address that is not validated to what came from it
 * (RFC 9000, section 8.1). RFC 9000 allows three times as much; here nobody can
 * be made to send more than it was sent.
 */
export class AmplificationLimit {
  #remaining: number;

  /** @param validated whether the address is validated already */
  constructor(validated: boolean) {
    this.#remaining = validated ? Infinity : 0;
  }

  /** Bytes that may be sent. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Whether nothing may be sent before more arrives. */
  get blocked(): boolean {
    return this.#remaining < MAX_CONTROL_SIZE;
  }

  onReceived(size: number): void {
    this.#remaining += size;
  }

  onSent(size: number): void {
    this.#remaining -= size;
  }

  /** The address is validated. */
  lift(): void {
    this.#remaining = Infinity;
  }
}
