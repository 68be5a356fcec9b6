import type { Address } from "../connection/address.ts";

/** A datagram that belongs to no connection, and where it goes. */
export interface Transmit<Peer> {
  readonly bytes: Uint8Array;
  readonly to: Peer;
}

/**
 * Another protocol on the socket of the connections, as a pure state machine.
 * Its datagrams are those of `wire/side_datagram.ts`, or anything else that is not
 * a segment.
 */
export interface DatagramProtocol<Peer extends Address> {
  /**
   * Is given what is not a segment. The bytes are reused once it returns.
   *
   * @param now milliseconds
   * @returns whether the datagram is one of this protocol
   */
  receive(now: number, datagram: Uint8Array, from: Peer): boolean;
  /**
   * The next datagram that is to be sent now, of 1,200 bytes at most. Asked once
   * {@linkcode deadline} has come.
   */
  poll(now: number): Transmit<Peer> | undefined;
  /**
   * When {@linkcode poll} is to be called, in milliseconds: `-Infinity` for now,
   * `Infinity` for never. Later than `now` once that had nothing to send.
   */
  readonly deadline: number;
}
