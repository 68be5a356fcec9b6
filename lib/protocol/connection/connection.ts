import type { Config } from "./config.ts";
import { Counters } from "./stats.ts";
import { PacketReceiver } from "../receiving/packet_receiver.ts";
import { KeepAlive } from "./keep_alive.ts";
import type { ConnectionStats } from "./stats.ts";
import { Output } from "../sending/packet_builder.ts";
import { PathMtu } from "./path_mtu.ts";
import { ReceiveBuffer } from "../receiving/receive_buffer.ts";
import { AckTracker } from "../receiving/ack_tracker.ts";
import { Recovery } from "../recovery/recovery.ts";
import { PendingReset } from "../wire/pending_reset.ts";
import { Flag, Reset, type Segment } from "../wire/segment.ts";
import { SendBuffer } from "../sending/send_buffer.ts";
import {
  type CloseReason,
  closeReasonOfReset,
  type ConnectionOptions,
  type State,
} from "./state.ts";

/** Windows of data that are kept to be sent again: with heavy loss, the oldest bytes take several round trips. */
const SEND_WINDOWS = 2;
/** Probe timeouts that TIME-WAIT lasts: long enough to hear the peer's FIN again if our last acknowledgement was lost. */
const TIME_WAIT_PROBES = 5;
/** Copies of a RST, since nothing acknowledges it. */
const RESET_COPIES = 3;
/** and of the one that replaces TIME-WAIT: the peer waits long if none of them arrives. */
const LEAVE_COPIES = 16;
const CLOSES_WITH_PEER: ReadonlySet<State> = new Set(
  ["TIME-WAIT", "LAST-ACK", "CLOSING"] as const,
);
/** SYNs that are repeated without backoff: a host that others crowd may look at few of them. */
const STEADY_SYNS = 16;
/** Cookies that a client answers before it gives up. */
const MAX_COOKIES = 8;

// What the handshake and TIME-WAIT tell apart; between them, the buffers know.
type Phase =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "SYNCHRONIZED"
  | "TIME-WAIT"
  | "CLOSED";

/**
 * One connection, as a pure state machine: datagrams in, datagrams out, the
 * time as an argument. It composes the mechanisms of this folder and owns none
 * of them.
 */
export class Connection {
  readonly counters = new Counters();
  readonly idHigh: number;
  readonly idLow: number;
  /** How large a datagram may be. */
  readonly path: PathMtu;
  readonly #sendBuffer: SendBuffer;
  readonly #receiveBuffer: ReceiveBuffer;
  readonly #received: AckTracker;
  readonly #recovery: Recovery;
  readonly #liveness: KeepAlive;
  readonly #input: PacketReceiver;
  readonly #output: Output;
  #phase: Phase;
  #closeReason: CloseReason | undefined;
  #timeWaitDeadline = Infinity;
  // Whether our FIN left after the peer's had arrived: its acknowledgement then proves that the peer has heard all.
  #peerFinFirst = false;
  #cookies = 0;
  #leaving = false;
  readonly #reset = new PendingReset();
  readonly #config: Config;
  readonly #random: () => number;

  /** Called whenever the application has done what there may be something to send for. */
  onUsed: (() => void) | undefined;

  constructor(now: number, config: Config, opening: ConnectionOptions) {
    this.#config = config;
    this.#random = opening.random;
    this.idHigh = opening.idHigh;
    this.idLow = opening.idLow;
    this.#phase = opening.active ? "SYN-SENT" : "SYN-RECEIVED";
    const sendBuffer = new SendBuffer(config.maxWindow);
    const { initialWindow, maxWindow } = config;
    const { strangerWindow } = opening;
    const receiveBuffer = new ReceiveBuffer(
      strangerWindow ?? initialWindow,
      maxWindow,
    );
    if (strangerWindow !== undefined) receiveBuffer.restrict();
    const received = new AckTracker();
    const { initialDatagramSize, maxDatagramSize } = config;
    this.path = new PathMtu(initialDatagramSize, maxDatagramSize);
    const recovery = new Recovery(
      opening.firstPacket,
      sendBuffer,
      this.path,
      config.controller(this.path.size, opening.firstPacket),
      config.maxRate,
      this.counters,
    );
    if (opening.active) recovery.steadyProbes = STEADY_SYNS;
    this.#sendBuffer = sendBuffer;
    this.#receiveBuffer = receiveBuffer;
    this.#received = received;
    this.#recovery = recovery;
    this.#liveness = new KeepAlive(now, config.timeout);
    this.#output = new Output(opening.idHigh, opening.idLow, config, {
      sendBuffer,
      receiveBuffer,
      received,
      recovery,
      path: this.path,
      counters: this.counters,
    }, opening.random);
    this.#input = new PacketReceiver(
      receiveBuffer,
      received,
      recovery,
      this.path,
      this.#output,
    );
    if (!opening.active && !opening.validated) this.#output.budget = 0;
  }

  /** The state in RFC 9293's terms. */
  get state(): State {
    if (this.#phase !== "SYNCHRONIZED") return this.#phase;
    const { closed, finAcked } = this.#sendBuffer;
    if (!this.#receiveBuffer.finReceived) {
      if (!closed) return "ESTABLISHED";
      return finAcked ? "FIN-WAIT-2" : "FIN-WAIT-1";
    }
    if (!closed) return "CLOSE-WAIT";
    return this.#peerFinFirst ? "LAST-ACK" : "CLOSING";
  }

  /** How it ended, `undefined` while it has not. */
  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  /** Whether it ended and has nothing left to say. */
  get finished(): boolean {
    return this.#phase === "CLOSED" && this.#reset.none;
  }

  /** Whether the peer has proved that it is there and where it is, however it went on. */
  get established(): boolean {
    // The packet number, unlike the sequence number, cannot be guessed.
    return this.#recovery.packets.largestAcked >= 0;
  }

  /** The smoothed round-trip time in milliseconds, `undefined` before the first sample. */
  get smoothedRtt(): number | undefined {
    const { sampled, smoothedRtt } = this.#recovery.rtt;
    return sampled ? smoothedRtt : undefined;
  }

  /** What can be measured of it at `now`, in milliseconds. */
  stats(now: number): ConnectionStats {
    const { packets, congestionWindow, delivered, rtt } = this.#recovery;
    return {
      delivered,
      bytesInFlight: packets.bytesInFlight,
      congestionWindow,
      latestRtt: rtt.sampled ? rtt.latestRtt : undefined,
      unread: this.readable,
      limited: this.#output.limits.times(now),
    };
  }

  /** What {@linkcode send} wrote last, for a trace. */
  get sentSegment(): Segment {
    return this.#output.segment;
  }

  /** Whether what {@linkcode send} wrote last had been sent before. */
  get sentAgain(): boolean {
    return this.#output.retransmission;
  }

  /** The probe timeout without backoff, in milliseconds. */
  get pto(): number {
    return this.#recovery.rtt.pto;
  }

  // What the host does.

  /** The peer may send as much as a window has room for from now on, and is told so. */
  admit(): void {
    if (this.#receiveBuffer.admit(this.#config.initialWindow)) {
      this.#received.acknowledgeAt(0);
      this.onUsed?.();
    }
  }

  /** The peer is at another address, by another path, of which nothing is known yet. */
  onNewPath(): void {
    const { controller, initialDatagramSize } = this.#config;
    const size = Math.min(this.path.size, initialDatagramSize);
    this.#recovery.restart(controller(size, this.#random()));
  }

  /** As {@linkcode Output.writeChallenge}. */
  writeChallenge(
    high: number,
    low: number,
    size: number,
    into: Uint8Array,
  ): number {
    return this.#output.writeChallenge(high, low, size, into);
  }

  /** Ends it without a word to the peer: others want the place. */
  displace(): void {
    if (this.#phase !== "CLOSED") this.#end("displaced", Reset.BUSY, 0);
  }

  // What the application does.

  /**
   * Takes as much of `bytes` as there is room for.
   *
   * @returns how many bytes it took
   */
  write(bytes: Uint8Array): number {
    if (this.#phase === "CLOSED" || this.#sendBuffer.closed) return 0;
    const buffer = this.#sendBuffer;
    if (buffer.space < bytes.length) {
      buffer.grow(SEND_WINDOWS * this.#recovery.congestionWindow);
    }
    this.onUsed?.();
    return buffer.write(bytes);
  }

  /** How many bytes {@linkcode write} would take now. */
  get writable(): number {
    return this.#sendBuffer.space;
  }

  /** Bytes that were written and not acknowledged. */
  get unacknowledged(): number {
    const { writeEnd, sndUna } = this.#sendBuffer;
    return Math.max(0, writeEnd - Math.max(sndUna, 1));
  }

  /** Ends this side's direction after what was written. */
  close(): void {
    this.#sendBuffer.closed = true;
    this.onUsed?.();
  }

  /**
   * Moves what has arrived in order to `into`.
   *
   * @returns how many bytes
   */
  read(into: Uint8Array): number {
    const length = this.#receiveBuffer.read(into);
    if (this.readable === 0) this.#input.onReadAll();
    if (length === 0) return 0;
    if (this.#receiveBuffer.grow()) this.#received.acknowledgeAt(0);
    else this.#output.onRead();
    if (this.#received.deadline === 0) this.onUsed?.();
    return length;
  }

  /** How many bytes {@linkcode read} would give now. */
  get readable(): number {
    return this.#receiveBuffer.readable;
  }

  /** Whether what is readable should be read now rather than once it is more. */
  get pushed(): boolean {
    return this.#input.pushed;
  }

  /** Whether everything was read, up to the peer's FIN. */
  get readEnded(): boolean {
    return this.#receiveBuffer.finReceived && this.readable === 0;
  }

  /** Breaks the connection, telling the peer why. */
  abort(code: number): void {
    if (this.#phase !== "CLOSED") this.#end("stopped", code, RESET_COPIES);
  }

  /**
   * Does not wait for the peer to hear that all is over, once it is, but says so
   * several times.
   */
  leave(): void {
    this.#leaving = true;
    this.onUsed?.();
    if (this.#phase === "TIME-WAIT") this.#endInOrder();
  }

  #endInOrder(): void {
    this.#end("done", Reset.DONE, this.#leaving ? LEAVE_COPIES : RESET_COPIES);
  }

  #end(closeReason: CloseReason, code: number, copies: number): void {
    this.#phase = "CLOSED";
    this.#closeReason = closeReason;
    this.#reset.say(code, copies);
    this.onUsed?.();
  }

  // What the network does.

  /**
   * Takes a datagram whose segment bears this connection's id.
   *
   * @returns why it was dropped, or `undefined` if it was not
   */
  receive(
    now: number,
    segment: Segment,
    datagram: Uint8Array,
  ): string | undefined {
    const { counters } = this;
    counters.datagramsReceived++;
    counters.bytesReceived += datagram.length;
    if (!this.established) this.#output.budget += datagram.length;
    const reason = this.#take(now, segment, datagram);
    if (reason === "duplicate") counters.duplicatesReceived++;
    else if (reason !== undefined) counters.dropped++;
    return reason;
  }

  #take(
    now: number,
    segment: Segment,
    datagram: Uint8Array,
  ): string | undefined {
    if (this.#phase === "CLOSED") return "closed";
    if (segment.has(Flag.RST)) return this.#takeReset(segment, datagram);
    if (this.#phase === "SYN-SENT") {
      if (segment.has(Flag.COOKIE)) return this.#takeCookie(segment);
      const answers = segment.has(Flag.SYN) && segment.has(Flag.ACK) &&
        segment.ack > 0;
      if (!answers) return "not an answer to the SYN";
    } else if (segment.has(Flag.COOKIE)) return "late cookie";
    const reason = this.#input.take(now, segment, datagram);
    if (this.#input.breached) this.#end("breach", Reset.PROTOCOL, RESET_COPIES);
    if (reason === undefined || reason === "duplicate") {
      this.#liveness.heard(now);
      this.#progress(now, segment);
    }
    return reason;
  }

  #takeReset(segment: Segment, datagram: Uint8Array): string | undefined {
    const code = segment.payloadLength > 0
      ? datagram[segment.payloadOffset]
      : Reset.PROTOCOL;
    const { state } = this;
    const over = code === Reset.DONE || code === Reset.UNKNOWN;
    // A peer that has said all and heard all may leave before it hears that we have.
    const saidAll = !this.#sendBuffer.hasNew;
    if (over && saidAll && CLOSES_WITH_PEER.has(state)) {
      this.#end("done", code, 0);
      return undefined;
    }
    if (state === "SYN-RECEIVED" && code !== Reset.ABORTED) {
      return "early reset";
    }
    this.#end(closeReasonOfReset(code), code, 0);
    return undefined;
  }

  #takeCookie(segment: Segment): string | undefined {
    if (++this.#cookies > MAX_COOKIES) return "too many cookies";
    this.#output.cookie = segment.cookie.slice();
    this.#sendBuffer.lost(0, this.#sendBuffer.sndNxt);
    return undefined;
  }

  // Moves on through the states of the handshake and the close.
  #progress(now: number, segment: Segment): void {
    const handshaking = this.#phase === "SYN-SENT" ||
      this.#phase === "SYN-RECEIVED";
    if (handshaking && this.established) {
      this.#phase = "SYNCHRONIZED";
      this.#recovery.steadyProbes = 0;
      this.#output.budget = Infinity;
    }
    if (this.#phase === "TIME-WAIT" && segment.ackEliciting) {
      this.#enterTimeWait(now);
    }
    if (this.#phase !== "SYNCHRONIZED") return;
    const { finReceived } = this.#receiveBuffer;
    if (!finReceived || !this.#sendBuffer.finAcked) return;
    if (this.#peerFinFirst) this.#end("done", Reset.DONE, 1);
    else this.#enterTimeWait(now);
  }

  #enterTimeWait(now: number): void {
    if (this.#leaving) return this.#endInOrder();
    this.#phase = "TIME-WAIT";
    this.#timeWaitDeadline = now + TIME_WAIT_PROBES * this.#recovery.rtt.pto;
  }

  /**
   * Writes the next datagram that may leave now.
   *
   * @param into as long as the largest datagram
   * @returns its length, or 0 if there is none
   */
  send(now: number, into: Uint8Array): number {
    if (this.#phase === "CLOSED") {
      return this.#output.nextReset(this.#reset, into);
    }
    const length = this.#output.next(now, into);
    if (length > 0 && this.sentSegment.has(Flag.FIN) && !this.sentAgain) {
      this.#peerFinFirst = this.#receiveBuffer.finReceived;
    }
    return length;
  }

  /** When {@linkcode wake} is to be called, in milliseconds; `Infinity` for never. */
  get deadline(): number {
    if (this.#phase === "CLOSED") return Infinity;
    const standing = Math.min(this.#liveness.deadline, this.#timeWaitDeadline);
    if (this.#output.silenced) return standing;
    return Math.min(
      standing,
      this.#received.deadline,
      this.#recovery.deadline,
      this.#output.deadline,
    );
  }

  #giveUp(): void {
    if (this.#phase === "TIME-WAIT") this.#end("done", Reset.DONE, 1);
    else if (this.established) this.#end("silence", Reset.TIMEOUT, 1);
    else this.#end("no answer", Reset.TIMEOUT, 0);
  }

  /** Does what is due by now; {@linkcode send} is to be called after it. */
  wake(now: number): void {
    if (this.#phase === "CLOSED") return;
    this.#recovery.wake(now);
    this.#output.wake(now);
    if (now >= this.#timeWaitDeadline) this.#endInOrder();
    const due = this.#liveness.wake(now);
    if (due === "ask") this.ping();
    else if (due === "give up") this.#giveUp();
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    if (this.#phase !== "SYNCHRONIZED") return;
    this.#output.askDue = true;
    this.onUsed?.();
  }
}
