import type { Channel } from "../endpoint/channel.ts";
import { Endpoint } from "../endpoint/endpoint.ts";
import type { ControllerName } from "../protocol/congestion/controllers.ts";
import { DEFAULT_CONFIG } from "../protocol/connection/config.ts";
import type { TraceEvent } from "../protocol/connection/trace.ts";
import type { OnEvent, Summary } from "./events.ts";
import type { MeetingPoint } from "./meeting/meeting_point.ts";

/** How to secure connections. In code mode without a code a receiver makes one up, and a sender asks for it. */
export type WantedSecurity =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted" }
  | { readonly mode: "code"; readonly code?: string | undefined };

/** Settings of senders and receivers. Times in milliseconds. */
export interface SessionOptions {
  /**
   * UDP port: to send to, or to listen at.
   * @default {5000}
   */
  readonly port?: number | undefined;
  /**
   * Silence that ends a connection.
   * @default {30_000}
   */
  readonly timeout?: number | undefined;
  /**
   * The address to bind.
   * @default {every one}
   */
  readonly bind?: string | undefined;
  /**
   * The largest IP packet, in bytes.
   * @default {what the path is found to take}
   */
  readonly mtu?: number | undefined;
  /** Rate at most, in bytes per second: of sending, or at which each sender is to send. */
  readonly maxRate?: number | undefined;
  /**
   * How the sending rate is found.
   * @default {"bbr"}
   */
  readonly congestion?: ControllerName | undefined;
  /**
   * Who may take part, and who may read along.
   * @default {{ mode: "encrypted" }}
   */
  readonly security?: WantedSecurity | undefined;
  /**
   * The host that brings both sides together, in place of an address. The code
   * says which receiver is meant.
   */
  readonly meet?: MeetingPoint | undefined;
  /** Ends everything, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Is called with what happens. */
  readonly on?: OnEvent | undefined;
  /**
   * Milliseconds between `progress` events; `Infinity`: there are none.
   * @default {500}
   */
  readonly progressInterval?: number | undefined;
  /** Called for each datagram. */
  readonly trace?: ((event: TraceEvent) => void) | undefined;
  /**
   * Makes an observer of each transfer's channel.
   * @internal
   */
  readonly watch?: ((channel: Channel) => Watcher) | undefined;
}

/** Observes a transfer. @internal */
export interface Watcher {
  /** The transfer begins. */
  start(): void;
  /** It is complete; a `done` event follows. */
  done(summary: Summary): Promise<void>;
  failed(error: unknown): Promise<void>;
}

export const DEFAULT_PORT = 5000;

/** Options that were checked, with the defaults of those that all parts need. */
export type Checked<O extends SessionOptions = SessionOptions> = O & {
  readonly security: WantedSecurity;
  readonly signal: AbortSignal;
  readonly on: OnEvent;
};

/**
 * Binds an endpoint: a receiver's to the options' port.
 *
 * @param places connections that a receiver serves at a time; without it, this is a sender's
 * @throws {Failure} if that cannot be done
 */
export function openEndpoint(
  options: SessionOptions,
  { places }: { places?: number } = {},
): Endpoint {
  const {
    port = DEFAULT_PORT,
    timeout = DEFAULT_CONFIG.timeout,
    bind: hostname,
    maxRate,
  } = options;
  return Endpoint.listen({
    ...options,
    timeout,
    hostname,
    maxRate: maxRate === undefined ? undefined : maxRate / 1000,
    port: places === undefined ? 0 : port,
    maxConnections: places,
  });
}
