import { AckTracker } from "../receiving/ack_tracker.ts";
import { PacketReceiver } from "../receiving/packet_receiver.ts";
import { ReceiveBuffer } from "../receiving/receive_buffer.ts";
import { Recovery } from "../recovery/recovery.ts";
import { AmplificationLimit } from "../sending/amplification_limit.ts";
import { PacketNumberFilter } from "../sending/packet_number_filter.ts";
import { SendBuffer } from "../sending/send_buffer.ts";
import { type PathBits, SendScheduler } from "../sending/send_scheduler.ts";
import { Flag, Reset, type Segment } from "../wire/segment.ts";
import type { Config, ConnectionOptions } from "./config.ts";
import { KeepAlive } from "./keep_alive.ts";
import {
  type CloseReason,
  Lifecycle,
  RESET_COPIES,
  type State,
} from "./lifecycle.ts";
import { PathMtu } from "./path_mtu.ts";
import { type ConnectionStats, Counters } from "./stats.ts";
import { ACCEPTED, dropped, type Verdict } from "./verdict.ts";

/** Congestion windows of data that the send buffer holds: with heavy loss, the oldest bytes take several round trips. */
const SEND_WINDOWS = 2;
/** SYNs that are repeated without backoff: a receiver under a flood may process few of them. */
const STEADY_SYNS = 16;
/** Cookies that a client returns before it gives up. */
const MAX_COOKIES = 8;

/**
 * One connection, as a pure state machine: datagrams in, datagrams out, time as
 * an argument. It is the façade of the mechanisms around it.
 */
export class Connection {
  readonly counters: Counters = new Counters();
  /** Names it on the wire: 32 bits. */
  readonly id: number;
  /** The size of datagrams. */
  readonly path: PathMtu;
  readonly #config: Config;
  readonly #random: () => number;
  readonly #sendBuffer: SendBuffer;
  readonly #receiveBuffer: ReceiveBuffer;
  readonly #acks = new AckTracker();
  readonly #recovery: Recovery;
  readonly #amplification: AmplificationLimit;
  readonly #keepAlive: KeepAlive;
  readonly #lifecycle: Lifecycle;
  readonly #receiver: PacketReceiver;
  readonly #scheduler: SendScheduler;
  #cookies = 0;

  /** Called when the application has done something that there may be a datagram to send for. */
  onUsed: (() => void) | undefined;

  constructor(now: number, config: Config, options: ConnectionOptions) {
    const { id, active, firstPacket, random } = options;
    const { initialDatagramSize, maxDatagramSize, maxWindow } = config;
    const { counters } = this;
    this.#config = config;
    this.#random = random;
    this.id = id;
    const path = new PathMtu(initialDatagramSize, maxDatagramSize);
    const sendBuffer = new SendBuffer(config.maxSendBuffer);
    const receiveBuffer = new ReceiveBuffer(
      options.windowBeforeAdmission ?? config.initialWindow,
      maxWindow,
    );
    if (options.windowBeforeAdmission !== undefined) receiveBuffer.restrict();
    const numberFilter = new PacketNumberFilter(random);
    const recovery = new Recovery({
      firstPacket,
      sendBuffer,
      numberFilter,
      path,
      controller: config.controller(path.size, firstPacket),
      maxRate: config.maxRate,
      steadyProbes: active ? STEADY_SYNS : 0,
      counters,
    });
    const amplification = new AmplificationLimit(active || options.validated);
    const parts = {
      config,
      sendBuffer,
      receiveBuffer,
      acks: this.#acks,
      recovery,
      path,
      amplification,
      numberFilter,
      counters,
    };
    const scheduler = new SendScheduler(id, parts);
    this.path = path;
    this.#sendBuffer = sendBuffer;
    this.#receiveBuffer = receiveBuffer;
    this.#recovery = recovery;
    this.#amplification = amplification;
    this.#scheduler = scheduler;
    this.#keepAlive = new KeepAlive(now, config.timeout);
    this.#lifecycle = new Lifecycle(active, parts);
    this.#receiver = new PacketReceiver({ ...parts, scheduler });
  }

  /** The state in RFC 9293's terms. */
  get state(): State {
    return this.#lifecycle.state;
  }

  /** Why it is closed, `undefined` while it is not. */
  get closeReason(): CloseReason | undefined {
    return this.#lifecycle.closeReason;
  }

  /** Whether it is closed and has nothing left to send. */
  get finished(): boolean {
    return this.#lifecycle.isClosed && this.#lifecycle.reset.isSent;
  }

  /** Whether the peer's address has been validated, even if the connection is closed by now. */
  get established(): boolean {
    // The packet number, unlike the sequence number, cannot be guessed.
    return this.#recovery.packets.largestAcked >= 0;
  }

  /** Sends at no more than this from now on, in bytes per millisecond. */
  limitRate(maxRate: number): void {
    this.#recovery.pacer.limit(maxRate);
  }

  /** The smoothed round-trip time in milliseconds, `undefined` before the first sample. */
  get smoothedRtt(): number | undefined {
    const { sampled, smoothedRtt } = this.#recovery.rtt;
    return sampled ? smoothedRtt : undefined;
  }

  /** The state of the connection at `now`, in milliseconds. */
  stats(now: number): ConnectionStats {
    const { packets, congestionWindow, congestionState, delivered, rtt } =
      this.#recovery;
    return {
      congestionState,
      delivered,
      bytesInFlight: packets.bytesInFlight,
      congestionWindow,
      latestRtt: rtt.sampled ? rtt.adjustedRtt : undefined,
      unread: this.readable,
      limited: this.#scheduler.limits.times(now),
    };
  }

  /** Is called for each packet that is declared lost, with the bytes of its datagram. */
  set onPacketLost(
    onLost: (now: number, packet: number, size: number) => void,
  ) {
    this.#recovery.onLost = onLost;
  }

  /** The segment that {@linkcode send} wrote last, for a trace. */
  get sentSegment(): Segment {
    return this.#scheduler.segment;
  }

  /** Whether that segment carries what an earlier one carried. */
  get sentAgain(): boolean {
    return this.#scheduler.isRetransmission;
  }

  /** The probe timeout without backoff, in milliseconds. */
  get pto(): number {
    return this.#recovery.rtt.pto;
  }

  // For the demultiplexer.

  /** Grants the peer a whole window, and tells it so. */
  admit(): void {
    if (this.#receiveBuffer.admit(this.#config.initialWindow)) {
      this.#acks.acknowledgeNow();
      this.onUsed?.();
    }
  }

  /** The peer has moved to another address, by a path of which nothing is known. */
  onNewPath(): void {
    const { controller, initialDatagramSize } = this.#config;
    const size = Math.min(this.path.size, initialDatagramSize);
    this.#recovery.restart(controller(size, this.#random()));
  }

  /** As {@linkcode SendScheduler.writePath}. */
  writePath(message: PathBits, into: Uint8Array): number {
    return this.#scheduler.writePath(message, into);
  }

  /** Closes it without telling the peer: others need its place. */
  displace(): void {
    if (!this.#lifecycle.isClosed) this.#close("displaced", Reset.BUSY, 0);
  }

  // For the application.

  /**
   * Takes as much of `bytes` as there is room for.
   *
   * @returns how many bytes it took
   */
  write(bytes: Uint8Array): number {
    const buffer = this.#sendBuffer;
    if (this.#lifecycle.isClosed || buffer.closed) return 0;
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

  /** Bytes written and not acknowledged. */
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
    const buffer = this.#receiveBuffer;
    const length = buffer.read(into);
    if (this.readable === 0) this.#receiver.onReadAll();
    if (length === 0) return 0;
    if (buffer.grow() || buffer.isWindowUpdateDue) this.#acks.acknowledgeNow();
    if (this.#acks.deadline === 0) this.onUsed?.();
    return length;
  }

  /** How many bytes {@linkcode read} would give now. */
  get readable(): number {
    return this.#receiveBuffer.readable;
  }

  /** Whether what is readable should be read now rather than once it is more. */
  get pushed(): boolean {
    return this.#receiver.pushed;
  }

  /** Whether everything was read, up to the peer's FIN. */
  get readEnded(): boolean {
    return this.#receiveBuffer.finReceived && this.readable === 0;
  }

  /** Breaks the connection off, and tells the peer with this code of {@linkcode Reset}. */
  abort(code: number): void {
    if (!this.#lifecycle.isClosed) this.#close("stopped", code, RESET_COPIES);
  }

  /** Does without TIME-WAIT: once both directions have ended, the peer is told so several times instead. */
  leave(): void {
    this.#lifecycle.leave();
    this.onUsed?.();
  }

  /** Sends a PING, which the peer acknowledges. */
  ping(): void {
    if (!this.#lifecycle.isSynchronized) return;
    this.#scheduler.requestPing();
    this.onUsed?.();
  }

  #close(reason: CloseReason, code: number, copies: number): void {
    this.#lifecycle.close(reason, code, copies);
    this.onUsed?.();
  }

  // For the network.

  /** Processes a datagram whose segment has this connection's id. */
  receive(now: number, segment: Segment, datagram: Uint8Array): Verdict {
    const { counters } = this;
    counters.datagramsReceived++;
    counters.bytesReceived += datagram.length;
    if (!this.established) this.#amplification.onReceived(datagram.length);
    const verdict = this.#process(now, segment, datagram);
    switch (verdict.kind) {
      case "accepted":
        break;
      case "duplicate":
        counters.duplicatesReceived++;
        break;
      case "violation":
        this.#lifecycle.close("breach", Reset.PROTOCOL, RESET_COPIES);
        counters.dropped++;
        break;
      case "dropped":
        counters.dropped++;
    }
    return verdict;
  }

  #process(now: number, segment: Segment, datagram: Uint8Array): Verdict {
    const lifecycle = this.#lifecycle;
    if (lifecycle.isClosed) return dropped("closed");
    if (segment.has(Flag.RST)) return this.#receiveReset(segment, datagram);
    if (segment.asksForCookie) {
      return lifecycle.isOpening
        ? this.#receiveCookie(segment)
        : dropped("late cookie");
    }
    if (lifecycle.isOpening) {
      const isSynAck = segment.has(Flag.SYN) && segment.has(Flag.ACK) &&
        segment.ack > 0;
      if (!isSynAck) return dropped("not an answer to the SYN");
    }
    const verdict = this.#receiver.receive(now, segment, datagram);
    if (verdict.kind === "accepted" || verdict.kind === "duplicate") {
      this.#keepAlive.onReceived(now);
      if (lifecycle.isHandshaking && this.established) this.#onEstablished();
      lifecycle.onSegment(now, segment);
    }
    return verdict;
  }

  #onEstablished(): void {
    this.#lifecycle.onEstablished();
    this.#recovery.onHandshakeComplete();
    this.#amplification.lift();
  }

  #receiveReset(
    { payloadLength, payloadOffset }: Segment,
    datagram: Uint8Array,
  ): Verdict {
    const code = payloadLength > 0 ? datagram[payloadOffset]! : Reset.PROTOCOL;
    return this.#lifecycle.onReset(code) ? ACCEPTED : dropped("early reset");
  }

  // The SYN is sent again, with the cookie.
  #receiveCookie(segment: Segment): Verdict {
    if (++this.#cookies > MAX_COOKIES) return dropped("too many cookies");
    this.#scheduler.setCookie(segment.cookie.slice());
    this.#sendBuffer.lost(0, this.#sendBuffer.sndNxt);
    return ACCEPTED;
  }

  /**
   * Writes the next datagram that may leave now.
   *
   * @param into as long as the largest datagram
   * @returns its length in bytes, or 0 if there is none
   */
  send(now: number, into: Uint8Array): number {
    if (this.#lifecycle.isClosed) {
      return this.#scheduler.nextReset(this.#lifecycle.reset, into);
    }
    const length = this.#scheduler.next(now, into);
    if (length > 0 && this.sentSegment.has(Flag.FIN) && !this.sentAgain) {
      this.#lifecycle.onFinSent();
    }
    return length;
  }

  /** When {@linkcode wake} is due, in milliseconds; `Infinity` for never. */
  get deadline(): number {
    if (this.#lifecycle.isClosed) return Infinity;
    // Asked after each datagram, so it does without a loop over the timers.
    const standing = Math.min(
      this.#lifecycle.timeWaitDeadline,
      this.#keepAlive.deadline,
    );
    if (this.#amplification.blocked) return standing;
    return Math.min(
      standing,
      this.#recovery.deadline,
      this.#acks.deadline,
      this.#scheduler.pacingDeadline,
      this.#scheduler.persistDeadline,
    );
  }

  /** Fires the timers that are due; {@linkcode send} is to be called after it. */
  wake(now: number): void {
    const lifecycle = this.#lifecycle;
    if (lifecycle.isClosed) return;
    // What would only send does not run while nothing may be sent.
    if (!this.#amplification.blocked) {
      // Packets are lost, or probes due (RFC 9002, section 6.2).
      if (this.#recovery.deadline <= now) this.#recovery.onTimeout(now);
      // A closed window is probed (RFC 9293, section 3.8.6.1).
      if (this.#scheduler.persistDeadline <= now) {
        this.#scheduler.onPersistTimeout();
      }
      // Send finds an acknowledgement that was delayed (RFC 9000, section 13.2.1)
      // and the next burst (RFC 9002, section 7.7).
    }
    // TIME-WAIT is over (RFC 9293, section 3.6.1).
    if (lifecycle.timeWaitDeadline <= now) lifecycle.endTimeWait();
    // A silent peer is asked, and given up in the end (RFC 9000, section 10.1).
    if (!lifecycle.isClosed && this.#keepAlive.deadline <= now) {
      this.#onIdle(now);
    }
  }

  #onIdle(now: number): void {
    const due = this.#keepAlive.wake(now);
    if (due === "ping") this.ping();
    else if (due === "timeout") this.#lifecycle.onSilence();
  }
}
