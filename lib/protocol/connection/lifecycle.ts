import type { ReceiveBuffer } from "../receiving/receive_buffer.ts";
import type { Recovery } from "../recovery/recovery.ts";
import type { SendBuffer } from "../sending/send_buffer.ts";
import { PendingReset } from "../wire/pending_reset.ts";
import { Reset, type Segment } from "../wire/segment.ts";

/** The states of RFC 9293, section 3.3.2, but for LISTEN, which no connection is in. */
export type State =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/** Why a connection is closed. */
export type CloseReason =
  /** Both directions ended in order. */
  | "done"
  /** Nothing answered the SYN. */
  | "no answer"
  /** An established peer fell silent. */
  | "silence"
  /** This side aborted. */
  | "stopped"
  /** The peer had no place for it. */
  | "busy"
  /** The peer aborted. */
  | "aborted"
  /** The peer knows no such connection. */
  | "unknown"
  /** The peer found a violation of the protocol. */
  | "protocol"
  /** The peer speaks another version. */
  | "version"
  /** The peer violated the protocol. */
  | "breach"
  /** The peer was not accepted, and others need its place. */
  | "displaced";

const REASON_OF_RESET: Readonly<Record<number, CloseReason>> = {
  [Reset.BUSY]: "busy",
  [Reset.ABORTED]: "aborted",
  [Reset.UNKNOWN]: "unknown",
  [Reset.DONE]: "unknown",
  [Reset.VERSION]: "version",
  [Reset.TIMEOUT]: "silence",
};

/** Why a connection is closed that receives a RST with this code. */
export function closeReasonOfReset(code: number): CloseReason {
  return REASON_OF_RESET[code] ?? "protocol";
}

/** Probe timeouts that TIME-WAIT lasts: enough for the peer to repeat its FIN if our last acknowledgement was lost. */
const TIME_WAIT_PTOS = 5;
/** Copies of a RST, since nothing acknowledges it. */
export const RESET_COPIES = 3;
/** Copies of the RST that replaces TIME-WAIT: the peer waits long if none arrives. */
const LEAVE_COPIES = 16;

/** States in which a peer that has everything may be gone before its acknowledgement arrives. */
const CLOSES_WITH_PEER: ReadonlySet<State> = new Set(
  ["TIME-WAIT", "LAST-ACK", "CLOSING"] as const,
);

/** The phases that the buffers cannot tell apart. */
type Phase =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "SYNCHRONIZED"
  | "TIME-WAIT"
  | "CLOSED";

/** The mechanisms that tell how far a connection has come. */
export interface LifecycleSources {
  readonly sendBuffer: SendBuffer;
  readonly receiveBuffer: ReceiveBuffer;
  readonly recovery: Recovery;
}

/** How a connection begins, goes on and ends, in the states of RFC 9293. */
export class Lifecycle {
  readonly #sources: LifecycleSources;
  #phase: Phase;
  #closeReason: CloseReason | undefined;
  #timeWaitDeadline = Infinity;
  // Whether our FIN left after the peer's had arrived: its acknowledgement then proves that the peer has everything.
  #peerFinFirst = false;
  #leaving = false;

  /** The RST that is still to be sent. */
  readonly reset = new PendingReset();

  /** @param active whether this side sends the SYN */
  constructor(active: boolean, sources: LifecycleSources) {
    this.#phase = active ? "SYN-SENT" : "SYN-RECEIVED";
    this.#sources = sources;
  }

  get state(): State {
    if (this.#phase !== "SYNCHRONIZED") return this.#phase;
    const { sendBuffer, receiveBuffer } = this.#sources;
    const { closed, finAcked } = sendBuffer;
    if (!receiveBuffer.finReceived) {
      if (!closed) return "ESTABLISHED";
      return finAcked ? "FIN-WAIT-2" : "FIN-WAIT-1";
    }
    if (!closed) return "CLOSE-WAIT";
    return this.#peerFinFirst ? "LAST-ACK" : "CLOSING";
  }

  get isClosed(): boolean {
    return this.#phase === "CLOSED";
  }

  /** Whether the SYN was not answered yet. */
  get isOpening(): boolean {
    return this.#phase === "SYN-SENT";
  }

  get isHandshaking(): boolean {
    return this.#phase === "SYN-SENT" || this.#phase === "SYN-RECEIVED";
  }

  get isSynchronized(): boolean {
    return this.#phase === "SYNCHRONIZED";
  }

  /** Why it is closed, `undefined` while it is not. */
  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  /** When TIME-WAIT ends, in milliseconds. */
  get timeWaitDeadline(): number {
    return this.#timeWaitDeadline;
  }

  /** The handshake is complete. */
  onEstablished(): void {
    this.#phase = "SYNCHRONIZED";
  }

  /** A FIN was sent for the first time. */
  onFinSent(): void {
    this.#peerFinFirst = this.#sources.receiveBuffer.finReceived;
  }

  /** A segment was accepted: moves on towards the end. */
  onSegment(now: number, segment: Segment): void {
    if (this.#phase === "TIME-WAIT" && segment.ackEliciting) {
      this.#enterTimeWait(now);
    }
    if (this.#phase !== "SYNCHRONIZED") return;
    const { sendBuffer, receiveBuffer } = this.#sources;
    if (!receiveBuffer.finReceived || !sendBuffer.finAcked) return;
    if (this.#peerFinFirst) this.close("done", Reset.DONE, 1);
    else this.#enterTimeWait(now);
  }

  /**
   * A RST arrived.
   *
   * @returns whether it closes the connection
   */
  onReset(code: number): boolean {
    const { state } = this;
    const isOver = code === Reset.DONE || code === Reset.UNKNOWN;
    const sentAll = !this.#sources.sendBuffer.hasNew;
    if (isOver && sentAll && CLOSES_WITH_PEER.has(state)) {
      this.close("done", code, 0);
      return true;
    }
    // A half-open connection ends only when its client aborts it.
    if (state === "SYN-RECEIVED" && code !== Reset.ABORTED) return false;
    this.close(closeReasonOfReset(code), code, 0);
    return true;
  }

  /** Ends at once when both directions have, without TIME-WAIT; the peer is told. */
  leave(): void {
    this.#leaving = true;
    if (this.#phase === "TIME-WAIT") this.endTimeWait();
  }

  /** TIME-WAIT is over, or skipped. */
  endTimeWait(): void {
    const copies = this.#leaving ? LEAVE_COPIES : RESET_COPIES;
    this.close("done", Reset.DONE, copies);
  }

  /** The peer was silent for too long. */
  onSilence(): void {
    if (this.#phase === "TIME-WAIT") this.close("done", Reset.DONE, 1);
    else if (this.isHandshaking) this.close("no answer", Reset.TIMEOUT, 0);
    else this.close("silence", Reset.TIMEOUT, 1);
  }

  #enterTimeWait(now: number): void {
    if (this.#leaving) return this.endTimeWait();
    this.#phase = "TIME-WAIT";
    this.#timeWaitDeadline = now +
      TIME_WAIT_PTOS * this.#sources.recovery.rtt.pto;
  }

  /** Closes it and lets `copies` RSTs with `code` be sent. */
  close(reason: CloseReason, code: number, copies: number): void {
    this.#phase = "CLOSED";
    this.#closeReason = reason;
    this.reset.set(code, copies);
  }
}
