import type { CongestionControllerFactory } from "../congestion/congestion_controller.ts";
import { CONTROLLERS, DEFAULT_CONTROLLER } from "../congestion/controllers.ts";
import { DEFAULT_SOCKET_MEMORY } from "../congestion/peer_socket_buffer.ts";
import { BASE_DATAGRAM_SIZE } from "./path_mtu.ts";

/** What the connections of an endpoint have in common. Times in milliseconds, sizes in bytes. */
export interface Config {
  /** Silence that ends a connection. */
  readonly timeout: number;
  /** The largest UDP payload that is sent, or announced. */
  readonly maxDatagramSize: number;
  /** Bytes of a datagram at first; path MTU discovery finds more. */
  readonly initialDatagramSize: number;
  /** Memory of the socket for datagrams that wait to be read. */
  readonly socketMemory: number;
  /** The highest sending rate, in bytes per millisecond. */
  readonly maxRate: number;
  /** The receive window at first. */
  readonly initialWindow: number;
  /** The largest receive window. */
  readonly maxWindow: number;
  /** Memory for what was sent and not acknowledged, at most. */
  readonly maxSendBuffer: number;
  /** Connections served at a time; further peers are told that the server is busy. */
  readonly maxConnections: number;
  /** Half-open connections kept of peers whose address is not validated; beyond them a cookie is asked for. */
  readonly maxHalfOpenUnvalidated: number;
  /** Half-open connections kept in all; beyond them each new one displaces another. */
  readonly maxHalfOpen: number;
  readonly controller: CongestionControllerFactory;
}

export const DEFAULT_CONFIG: Config = {
  timeout: 30_000,
  maxDatagramSize: 1472,
  initialDatagramSize: BASE_DATAGRAM_SIZE,
  socketMemory: DEFAULT_SOCKET_MEMORY,
  maxRate: Infinity,
  // More than the second round of Startup has in flight; the next is granted in time.
  initialWindow: 2 ** 20,
  // 1 Gbit/s at 264 ms has 33 MB in flight, and as much behind a loss that is repaired.
  maxWindow: 2 ** 26,
  maxSendBuffer: 2 ** 25,
  maxConnections: 1,
  maxHalfOpenUnvalidated: 4,
  maxHalfOpen: 128,
  controller: CONTROLLERS[DEFAULT_CONTROLLER],
};

/** Which connection it is, and how it begins. */
export interface ConnectionOptions {
  /** The connection id. */
  /** 32 bits. */
  readonly id: number;
  /** An unpredictable packet number below 2^32: acknowledging it validates the peer's address. */
  readonly firstPacket: number;
  /** Whether this side sends the SYN. */
  readonly active: boolean;
  /** Whether a cookie has validated the peer's address already. */
  readonly validated: boolean;
  /** Bytes that the peer may send before it is admitted, `undefined` if it is already. */
  readonly windowBeforeAdmission?: number | undefined;
  /** Whole numbers in [0, 2^32), unpredictable. */
  readonly random: () => number;
}
