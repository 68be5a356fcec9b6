import type { Config } from "../connection/config.ts";
import { BASE_DATAGRAM_SIZE, type PathMtu } from "../connection/path_mtu.ts";
import type { Counters } from "../connection/stats.ts";
import { type Limit, LimitClock } from "./limit_clock.ts";
import type { PendingReset } from "../wire/pending_reset.ts";
import {
  Flag,
  MAX_SACK_BLOCKS,
  PathKind,
  Reset,
  type Segment,
  SYN_PART_SIZE,
  SYN_SIZE,
} from "../wire/segment.ts";
import { AckRequestPolicy } from "./ack_request_policy.ts";
import {
  type AmplificationLimit,
  MAX_CONTROL_SIZE,
} from "./amplification_limit.ts";
import { PacketBuilder, type PacketSources } from "./packet_builder.ts";
import type { PacketNumberFilter } from "./packet_number_filter.ts";
import { PersistTimer } from "./persist_timer.ts";
import type { SendRange } from "./send_buffer.ts";
import { TailCopies } from "./tail_copies.ts";

/** SACK blocks beside data, at most: the rest of the datagram is for the data. */
const MAX_SACK_BLOCKS_WITH_DATA = 8;
/** Data segments in one congestion window that say the floor: until then the peer reports what is settled. */
const FLOORS_PER_WINDOW = 4;
/** Packet numbers by which the floor has advanced, at least, when a data segment says it again. */
const MIN_FLOOR_INTERVAL = 8;
/** Packets at first that all carry an acknowledgement, in case the one that ends the handshake is lost. */
const ALWAYS_ACK = 32;
/** Milliseconds until the next datagram that make the one before it request an acknowledgement. */
const LONG_PAUSE = 5;
const NO_COOKIE = new Uint8Array(0);

/** What a segment with PATH says, in a datagram of `size` bytes. */
export interface PathBits {
  /** One of {@linkcode PathKind}. */
  readonly kind: number;
  readonly high: number;
  readonly low: number;
  readonly size: number;
}

/** The mechanisms that the scheduler draws on. */
export interface SchedulerSources extends PacketSources {
  readonly config: Config;
  readonly path: PathMtu;
  readonly amplification: AmplificationLimit;
  readonly numberFilter: PacketNumberFilter;
  readonly counters: Counters;
}

/**
 * Decides what the next datagram carries. In order of priority: the response to
 * a path challenge, a probe of the path MTU, a probe for lost acknowledgements,
 * data (what was lost before what is new), a PING, an acknowledgement alone.
 */
export class SendScheduler {
  readonly #sources: SchedulerSources;
  readonly #builder: PacketBuilder;
  readonly #ackRequests = new AckRequestPolicy();
  readonly #persist = new PersistTimer();
  readonly #limits = new LimitClock();
  readonly #copies = new TailCopies();
  #isCopy = false;
  #windowEdge = 0;
  // The floor that was said last.
  #floor = 0;
  #cookie: Uint8Array = NO_COOKIE;
  #pingRequested = false;
  #pathResponse: { high: number; low: number; size: number } | undefined;
  #pacingBlocked = false;
  #isRetransmission = false;

  constructor(id: number, sources: SchedulerSources) {
    this.#sources = sources;
    this.#builder = new PacketBuilder(id, sources);
  }

  /** The segment that was written last. */
  get segment(): Segment {
    return this.#builder.segment;
  }

  /** Whether that segment carries what an earlier one carried. */
  get isRetransmission(): boolean {
    return this.#isRetransmission;
  }

  /** What has limited the sender since the handshake. */
  get limits(): LimitClock {
    return this.#limits;
  }

  /** The peer grants sequence numbers below `edge`. */
  openWindow(edge: number): void {
    if (edge > this.#windowEdge) this.#windowEdge = edge;
  }

  /** The SYN is to carry this cookie. */
  setCookie(cookie: Uint8Array): void {
    this.#cookie = cookie;
  }

  /** A PING is to be sent. */
  requestPing(): void {
    this.#pingRequested = true;
  }

  /** A challenge came in a datagram of `size` bytes: the response is no larger (RFC 9000, section 8.2.2). */
  respondToChallenge({ pathHigh, pathLow }: Segment, size: number): void {
    this.#pathResponse = { high: pathHigh, low: pathLow, size };
  }

  /** When the pacer lets the next datagram go, in milliseconds. */
  get pacingDeadline(): number {
    return this.#pacingBlocked
      ? this.#sources.recovery.pacer.deadline
      : Infinity;
  }

  /** When a closed window is to be probed, in milliseconds. */
  get persistDeadline(): number {
    return this.#pacingBlocked ? Infinity : this.#persist.deadline;
  }

  onPersistTimeout(): void {
    this.#persist.onProbe();
    this.#pingRequested = true;
  }

  /**
   * Writes the next datagram that may leave now.
   *
   * @returns its length in bytes, or 0 if there is none
   */
  next(now: number, into: Uint8Array): number {
    const { sendBuffer, acks, amplification } = this.#sources;
    if (amplification.blocked) return 0;
    if (this.#pathResponse !== undefined) return this.#sendPathResponse(into);
    const mtuProbe = this.#mtuProbeSize(now);
    if (mtuProbe > 0) return this.#sendMtuProbe(now, mtuProbe, into);
    const range = this.#nextRange(now);
    if (sendBuffer.sndUna > 0) this.#account(now, range !== undefined);
    if (range !== undefined) return this.#sendData(now, range, into);
    if (this.#isPingDue) return this.#sendPing(now, into);
    if (acks.deadline <= now) return this.#sendAck(now, into);
    return 0;
  }

  // Decisions.

  // Only a sender with much to send has a use for larger datagrams.
  #mtuProbeSize(now: number): number {
    const { sendBuffer, recovery, path } = this.#sources;
    const isAcked = recovery.packets.largestAcked >= 0;
    const size = isAcked ? path.probeSize(now) : 0;
    if (size === 0 || recovery.probesDue > 0) return 0;
    const isUseful = sendBuffer.sendable(this.#windowEdge) > size;
    return isUseful && recovery.windowAllows(size) && recovery.pacer.allows(now)
      ? size
      : 0;
  }

  #nextRange(now: number): SendRange | undefined {
    const { sendBuffer, recovery, path } = this.#sources;
    this.#pacingBlocked = false;
    if (recovery.probesDue > 0) return this.#lossProbe(now);
    if (!sendBuffer.hasSendable(this.#windowEdge)) {
      recovery.onAppLimited();
      const copy = this.#tailCopy(now);
      if (copy !== undefined) return copy;
      if (this.#isWindowClosed) this.#persist.start(now, recovery.rtt.pto);
      return undefined;
    }
    if (!recovery.windowAllows(path.size)) {
      recovery.onWindowLimited();
      return undefined;
    }
    this.#pacingBlocked = !recovery.pacer.allows(now);
    if (this.#pacingBlocked) return undefined;
    const maxPayload = this.#startData(now, this.#isFloorDue);
    return sendBuffer.next(maxPayload, this.#windowEdge);
  }

  // What is retransmitted has to fit where it was before.
  get #isFloorDue(): boolean {
    const { sendBuffer, recovery, path } = this.#sources;
    if (sendBuffer.hasLost) return false;
    const windowSize = recovery.congestionWindow / path.size;
    return recovery.packets.oldest - this.#floor >=
      Math.max(windowSize / FLOORS_PER_WINDOW, MIN_FLOOR_INTERVAL);
  }

  #tailCopy(now: number): SendRange | undefined {
    const { sendBuffer, recovery, path, counters } = this.#sources;
    const { packets, rtt } = recovery;
    if (
      !sendBuffer.closed || sendBuffer.hasNew || sendBuffer.allAcked ||
      !TailCopies.pay(counters.datagramsSent, counters.datagramsLost) ||
      !recovery.windowAllows(path.size)
    ) return undefined;
    this.#pacingBlocked = !recovery.pacer.allows(now);
    if (this.#pacingBlocked) return undefined;
    for (;;) {
      const packet = this.#copies.next(now, rtt.smoothedRtt, packets);
      if (packet < 0) return undefined;
      const seq = packets.seq(packet);
      const range = sendBuffer.unacked(
        seq,
        seq + packets.sequenceLength(packet),
        this.#startData(now),
      );
      if (range === undefined) continue;
      this.#isCopy = true;
      return range;
    }
  }

  // A probe carries data, so that its acknowledgement is progress (RFC 9002, section 6.2.4).
  #lossProbe(now: number): SendRange | undefined {
    const { sendBuffer } = this.#sources;
    const maxPayload = this.#startData(now);
    const lost = sendBuffer.hasLost
      ? sendBuffer.next(maxPayload, this.#windowEdge)
      : undefined;
    return lost ?? sendBuffer.oldest(maxPayload);
  }

  // With nothing in flight, no acknowledgement will tell that the window has opened.
  get #isWindowClosed(): boolean {
    const { sendBuffer, recovery } = this.#sources;
    return sendBuffer.hasNew && this.#windowEdge > 0 &&
      recovery.packets.bytesInFlight === 0;
  }

  get #isPingDue(): boolean {
    return this.#pingRequested || this.#sources.recovery.probesDue > 0;
  }

  #account(now: number, sends: boolean): void {
    const { sendBuffer, recovery } = this.#sources;
    if (sends) this.#limits.begin(now, "cpu");
    else if (this.#pacingBlocked) {
      const limit = recovery.pacer.atMaxRate ? "rate" : "path";
      this.#limits.begin(now, limit, recovery.pacer.lateFrom);
    } else if (sendBuffer.hasSendable(this.#windowEdge)) {
      this.#limits.begin(now, "path");
    } else this.#limits.begin(now, this.#idleLimit);
  }

  // What limits a sender that has nothing it may send.
  get #idleLimit(): Limit {
    const { sendBuffer, recovery } = this.#sources;
    if (sendBuffer.hasNew) return "receiver";
    if (!sendBuffer.closed) return "source";
    // All was sent: it is on its way, or the receiver has it.
    return recovery.packets.bytesInFlight > 0 ? "path" : "receiver";
  }

  // Packets.

  /**
   * Starts a packet for data, with an acknowledgement if one is due.
   *
   * @param saysFloor whether it carries the floor, too
   * @returns bytes of payload that fit
   */
  #startData(now: number, saysFloor = false): number {
    const { sendBuffer, acks, recovery, path, amplification } = this.#sources;
    const handshakes = sendBuffer.sndNxt === 0 || sendBuffer.sndUna === 0;
    const limit = Math.min(
      // A probe has to get through, even if the path MTU has shrunk.
      recovery.probesDue > 0 ? BASE_DATAGRAM_SIZE : path.size,
      amplification.remaining,
      handshakes ? SYN_SIZE : Infinity,
    );
    const builder = this.#builder;
    builder.start(limit);
    if (saysFloor) builder.addFloor();
    const ends = sendBuffer.closed && !sendBuffer.hasLost &&
      !sendBuffer.hasMoreThan(limit);
    const carriesAck = acks.largest >= 0 &&
      (handshakes || acks.deadline !== Infinity || ends ||
        recovery.packets.sentCount < ALWAYS_ACK);
    if (carriesAck) builder.addAck(now, MAX_SACK_BLOCKS_WITH_DATA, limit / 2);
    const synPart = handshakes ? SYN_PART_SIZE + this.#cookie.length : 0;
    return builder.remaining - synPart;
  }

  #sendData(now: number, range: SendRange, into: Uint8Array): number {
    const { config, sendBuffer, recovery, counters } = this.#sources;
    const builder = this.#builder;
    const { start, end } = range;
    const { segment } = builder;
    builder.addData(range);
    if (start === 0) {
      const { maxDatagramSize, socketMemory } = config;
      builder.addSyn(maxDatagramSize, socketMemory, this.#cookie);
    }
    if (segment.payloadLength > 0 && this.#needsWindow) {
      builder.addFlag(Flag.BLOCKED);
    }
    sendBuffer.sent(start, end);
    recovery.onSent(now, start, end - start, builder.size);
    if (this.#requestsAck(now)) builder.addFlag(Flag.PSH);
    this.#isRetransmission = range.retransmission;
    if (range.retransmission) {
      counters.retransmissions++;
      counters.retransmittedBytes += segment.payloadLength;
    }
    this.#persist.stop();
    return this.#finish(into);
  }

  // Said before the window limits, so that a larger one is there in time.
  get #needsWindow(): boolean {
    const { sendBuffer, recovery } = this.#sources;
    const window = this.#windowEdge - sendBuffer.sndUna;
    return window < 2 * recovery.congestionWindow;
  }

  // Asked once the datagram is counted as sent: what may follow it?
  #requestsAck(now: number): boolean {
    const { sendBuffer, recovery, path } = this.#sources;
    const { size } = path;
    const pauses = !recovery.windowAllows(size) ||
      recovery.pacer.deadline > now + LONG_PAUSE ||
      !sendBuffer.hasSendable(this.#windowEdge);
    const windowSize = recovery.congestionWindow / size;
    return this.#ackRequests.onDatagram(windowSize, pauses);
  }

  #sendMtuProbe(now: number, size: number, into: Uint8Array): number {
    const { recovery, path } = this.#sources;
    path.onProbeSent(recovery.packets.next);
    return this.#writePing(now, size, into);
  }

  #sendPing(now: number, into: Uint8Array): number {
    this.#pingRequested = false;
    return this.#writePing(now, 0, into);
  }

  // PSH alone, which the peer acknowledges; a probe of the path MTU if it has a size.
  #writePing(now: number, size: number, into: Uint8Array): number {
    const { acks, recovery } = this.#sources;
    const builder = this.#builder;
    builder.start(MAX_CONTROL_SIZE);
    builder.addFloor();
    if (acks.largest >= 0) {
      builder.addAck(now, MAX_SACK_BLOCKS_WITH_DATA, builder.remaining);
    }
    builder.addFlag(Flag.PSH);
    if (size > 0) builder.addPath(PathKind.PROBE, size);
    recovery.onSent(now, builder.segment.seq, 0, builder.size);
    this.#isRetransmission = false;
    return this.#finish(into);
  }

  // A peer that repeats its SYN may not have got ours.
  #sendAck(now: number, into: Uint8Array): number {
    const { sendBuffer, path, amplification, counters } = this.#sources;
    if (sendBuffer.sndUna === 0) {
      const syn = sendBuffer.oldest(this.#startData(now));
      if (syn !== undefined) return this.#sendData(now, syn, into);
    }
    const builder = this.#builder;
    builder.start(Math.min(path.size, amplification.remaining));
    builder.addFloor();
    builder.addAck(now, MAX_SACK_BLOCKS, builder.remaining);
    counters.acksSent++;
    return this.#finishUntracked(into);
  }

  #sendPathResponse(into: Uint8Array): number {
    const response = { kind: PathKind.RESPONSE, ...this.#pathResponse! };
    this.#pathResponse = undefined;
    return this.writePath(response, into);
  }

  /**
   * Writes a path challenge or the response to one (RFC 9000, sections 8.2.1 and
   * 8.2.2). The caller knows where it goes.
   *
   * @returns its length in bytes
   */
  writePath({ kind, high, low, size }: PathBits, into: Uint8Array): number {
    const { path } = this.#sources;
    const builder = this.#builder;
    builder.start(path.size);
    builder.addPath(kind, Math.min(size, path.size), high, low);
    return this.#finishUntracked(into);
  }

  /** Writes the next copy of a RST, as {@linkcode next} does. */
  nextReset(reset: PendingReset, into: Uint8Array): number {
    const { recovery, amplification, counters } = this.#sources;
    if (amplification.blocked) reset.set(Reset.DONE, 0);
    if (reset.isSent) return 0;
    const size = reset.write(this.segment, recovery.packets.next, into);
    recovery.packets.sentUntracked();
    amplification.onSent(size);
    counters.datagramsSent++;
    counters.bytesSent += size;
    return size;
  }

  // For what asks for no acknowledgement.
  #finishUntracked(into: Uint8Array): number {
    this.#sources.recovery.packets.sentUntracked();
    this.#isRetransmission = false;
    return this.#finish(into);
  }

  #finish(into: Uint8Array): number {
    const { receiveBuffer, acks, recovery, amplification, numberFilter } =
      this.#sources;
    const { counters } = this.#sources;
    const { packets } = recovery;
    const size = this.#builder.finish(into);
    if (this.segment.has(Flag.FLOOR)) this.#floor = this.segment.floor;
    if (this.segment.has(Flag.ACK)) {
      acks.onAckSent();
      receiveBuffer.onWindowAdvertised();
    }
    amplification.onSent(size);
    counters.datagramsSent++;
    counters.bytesSent += size;
    if (numberFilter.onSent(packets.next, packets.next - packets.oldest)) {
      packets.sentUntracked();
    }
    if (this.#isCopy) this.#copies.onCopied(packets.next);
    this.#isCopy = false;
    return size;
  }
}
