import type { Config } from "../connection/config.ts";
import type { Counters } from "../connection/stats.ts";
import { type Limit, LimitClock } from "../connection/stats.ts";
import { BASE_DATAGRAM_SIZE, type PathMtu } from "../connection/path_mtu.ts";
import type { ReceiveBuffer } from "../receiving/receive_buffer.ts";
import type { AckTracker } from "../receiving/ack_tracker.ts";
import type { Recovery } from "../recovery/recovery.ts";
import type { PendingReset } from "../wire/pending_reset.ts";
import {
  encodeHeader,
  fitAck,
  Flag,
  MAX_SACK_BLOCKS,
  PATH_PART_SIZE,
  PathKind,
  Reset,
  Segment,
  SEGMENT_HEADER_SIZE,
  SYN_PART_SIZE,
  SYN_SIZE,
  writeChecksum,
} from "../wire/segment.ts";
import type { SendBuffer, SendRange } from "./send_buffer.ts";

/** SACK blocks on a segment with data, at most: the rest of the datagram is for the data. */
const BLOCKS_WITH_DATA = 8;
/** The first packets all carry an acknowledgement, in case the one that ends the handshake is lost. */
const ALWAYS_ACK = 32;
/** The sender asks for an acknowledgement this many times in a window, */
const PUSHES_PER_WINDOW = 4;
/** and for every so many datagrams, */
const MIN_PUSH_INTERVAL = 2;
/** up to so many: what an acknowledgement frees leaves in one burst. */
const MAX_PUSH_INTERVAL = 32;

/** Milliseconds between datagrams that are worth an acknowledgement each: else the peer's delay would be taken for loss. */
const LONG_PAUSE = 5;
/** Milliseconds between questions to a peer whose window is closed. */
const MAX_PERSIST_INTERVAL = 1000;
/** Packets until a packet number is left out for the first time, less a random part; the interval then doubles. */
const FIRST_SKIP = 64;
/** Packets between numbers left out, at most: each costs the peer a SACK block. */
const MAX_SKIP = 1024;
/** Share of the packets in flight between numbers left out, where that is more: a flight has some, and not too many. */
const SKIP_SHARE = 1 / 8;
/** Bytes of a datagram that asks for a sign of life from an address, or gives it, without padding. */
export const MIN_PATH_SIZE = SEGMENT_HEADER_SIZE + PATH_PART_SIZE;
/** A datagram without payload takes no more bytes than this. */
const MIN_BUDGET = 128;

/** Blocks are filled in and written at once, so all connections do with these. */
const BLOCKS = new Segment();

/** The mechanisms that the output draws on. */
export interface OutputSources {
  readonly sendBuffer: SendBuffer;
  readonly receiveBuffer: ReceiveBuffer;
  readonly received: AckTracker;
  readonly recovery: Recovery;
  readonly path: PathMtu;
  readonly counters: Counters;
}

/** Decides what the next datagram carries, and writes it. */
export class Output {
  readonly #sources: OutputSources;
  readonly #config: Config;
  #sinceLastPush = 0;
  #pacingBlocked = false;
  #persistDeadline = Infinity;
  #persistInterval = 0;
  #advertisedEdge = 0;
  readonly #random: () => number;
  #skipInterval = FIRST_SKIP;
  #untilSkip: number;
  #pathResponse: { high: number; low: number; size: number } | undefined;

  /** What has held the sender back since the handshake. */
  readonly limits = new LimitClock();
  /** The segment written last. */
  readonly segment = new Segment(BLOCKS);
  /** Whether the segment written last carries what an earlier one carried. */
  retransmission = false;
  /** Sequence number after the last that the peer has room for. */
  windowEdge = 0;
  /** Bytes that may be sent; limited until the peer's address is proved (RFC 9000, section 8.1). */
  budget = Infinity;
  /** The peer is to be asked for a sign of life. */
  askDue = false;
  /** What the peer's host wants to see again on a SYN. */
  cookie: Uint8Array = new Uint8Array(0);

  constructor(
    idHigh: number,
    idLow: number,
    config: Config,
    sources: OutputSources,
    random: () => number,
  ) {
    this.segment.idHigh = idHigh;
    this.segment.idLow = idLow;
    this.#config = config;
    this.#sources = sources;
    this.#random = random;
    this.#untilSkip = this.#drawSkip();
  }

  // At least one goes between two, so that a gap is never of more than one.
  #drawSkip(): number {
    return 1 + this.#skipInterval / 2 +
      Math.floor(this.#random() / 2 ** 32 * this.#skipInterval / 2);
  }

  /** The peer has room up to `edge`, if that is news. */
  openWindow(edge: number): void {
    if (edge > this.windowEdge) this.windowEdge = edge;
  }

  /** Whether the peer must be heard before anything more may be sent to it. */
  get silenced(): boolean {
    return this.budget < MIN_BUDGET;
  }

  /**
   * Writes the next datagram that may leave now.
   *
   * @returns its length, or 0 if there is none
   */
  next(now: number, into: Uint8Array): number {
    const { sendBuffer, received, recovery } = this.#sources;
    if (this.silenced) return 0;
    if (this.#pathResponse !== undefined) return this.#writePathResponse(into);
    const probeSize = this.#pathProbe(now);
    if (probeSize > 0) return this.#writePathProbe(now, probeSize, into);
    const range = this.#nextRange(now);
    if (sendBuffer.sndUna > 0) this.#account(now, range !== undefined);
    if (range !== undefined) return this.#writeData(now, range, into);
    if (this.askDue || recovery.probesDue > 0) return this.#writeAsk(now, into);
    if (received.deadline <= now) {
      // Whoever says SYN again may not have got ours.
      const syn = this.#unansweredSyn(now);
      if (syn !== undefined) return this.#writeData(now, syn, into);
      return this.#writeAck(now, into);
    }
    return 0;
  }

  /** A challenge came in a datagram of `size` bytes: it is answered where the peer is (RFC 9000, section 8.2.2). */
  answerChallenge(segment: Segment, size: number): void {
    const { pathHigh, pathLow } = segment;
    this.#pathResponse = { high: pathHigh, low: pathLow, size };
  }

  // No larger than the challenge, so that nobody is flooded with answers.
  #writePathResponse(into: Uint8Array): number {
    const { high, low, size } = this.#pathResponse!;
    this.#pathResponse = undefined;
    return this.#writePath(PathKind.RESPONSE, high, low, size, into);
  }

  /**
   * Writes a challenge, wherever it is to go (RFC 9000, section 8.2.1).
   *
   * @returns its length, `size`
   */
  writeChallenge(
    high: number,
    low: number,
    size: number,
    into: Uint8Array,
  ): number {
    return this.#writePath(PathKind.CHALLENGE, high, low, size, into);
  }

  #writePath(
    kind: number,
    high: number,
    low: number,
    paddedSize: number,
    into: Uint8Array,
  ): number {
    const { sendBuffer, recovery } = this.#sources;
    const { segment } = this;
    segment.flags = Flag.PATH;
    segment.pathKind = kind;
    segment.pathHigh = high;
    segment.pathLow = low;
    segment.payloadLength = 0;
    segment.seq = sendBuffer.sndNxt;
    const limit = Math.min(paddedSize, this.#sources.path.size);
    const size = pad(into, this.#writeHeader(into), limit);
    recovery.packets.sentUntracked();
    this.retransmission = false;
    return this.#finish(into, size);
  }

  /** Writes the next RST that is to be said, as {@linkcode next} does. */
  nextReset(reset: PendingReset, into: Uint8Array): number {
    const { recovery, counters } = this.#sources;
    if (this.silenced) reset.say(Reset.DONE, 0);
    if (reset.none) return 0;
    const size = reset.write(this.segment, recovery.packets.next, into);
    recovery.packets.sentUntracked();
    this.budget -= size;
    counters.datagramsSent++;
    counters.bytesSent += size;
    return size;
  }

  #nextRange(now: number): SendRange | undefined {
    const { sendBuffer, recovery, path } = this.#sources;
    this.#pacingBlocked = false;
    if (recovery.probesDue > 0) {
      const maxPayload = this.#maxPayload(now);
      const lost = sendBuffer.hasLost
        ? sendBuffer.next(maxPayload, this.windowEdge)
        : undefined;
      return lost ?? sendBuffer.oldest(maxPayload);
    }
    if (!sendBuffer.hasSendable(this.windowEdge)) {
      recovery.onAppLimited();
      this.#persist(now);
      return undefined;
    }
    if (!recovery.windowAllows(path.size)) return undefined;
    this.#pacingBlocked = !recovery.pacerAllows(now);
    if (this.#pacingBlocked) return undefined;
    return sendBuffer.next(this.#maxPayload(now), this.windowEdge);
  }

  #account(now: number, sends: boolean): void {
    const { sendBuffer, recovery } = this.#sources;
    if (sends) this.limits.begin(now, "cpu");
    else if (this.#pacingBlocked) {
      const limit = recovery.atMaxRate ? "rate" : "path";
      this.limits.begin(now, limit, recovery.pacingLateFrom);
    } else if (sendBuffer.hasSendable(this.windowEdge)) {
      this.limits.begin(now, "path");
    } else this.limits.begin(now, this.#idleBecause);
  }

  // What is awaited while there is nothing that may be sent.
  get #idleBecause(): Limit {
    const { sendBuffer, recovery } = this.#sources;
    if (sendBuffer.hasNew) return "receiver";
    if (!sendBuffer.closed) return "source";
    // The rest is on its way, or is being stored
    return recovery.packets.bytesInFlight > 0 ? "path" : "receiver";
  }

  // Only who has much to send has use for larger datagrams.
  #pathProbe(now: number): number {
    const { sendBuffer, recovery, path } = this.#sources;
    const answered = recovery.packets.largestAcked >= 0;
    const size = answered ? path.probeSize(now) : 0;
    if (size === 0 || recovery.probesDue > 0) return 0;
    const useful = sendBuffer.sendable(this.windowEdge) > size;
    return useful && recovery.windowAllows(size) && recovery.pacerAllows(now)
      ? size
      : 0;
  }

  #unansweredSyn(now: number): SendRange | undefined {
    const { sendBuffer } = this.#sources;
    if (sendBuffer.sndUna > 0) return undefined;
    return sendBuffer.oldest(this.#maxPayload(now));
  }

  // The header is prepared first, since what it takes is missing for the payload.
  #maxPayload(now: number): number {
    const { sendBuffer, received, recovery, path } = this.#sources;
    const syn = sendBuffer.sndNxt === 0 || sendBuffer.sndUna === 0;
    const limit = Math.min(
      // What is asked in silence must get through, even if the path has become narrower.
      recovery.probesDue > 0 ? BASE_DATAGRAM_SIZE : path.size,
      this.budget,
      syn ? SYN_SIZE : Infinity,
    );
    const { segment } = this;
    segment.flags = 0;
    const carriesAck = received.largest >= 0 &&
      (syn || received.deadline !== Infinity || sendBuffer.closed ||
        recovery.packets.sentCount < ALWAYS_ACK);
    let headerSize = SEGMENT_HEADER_SIZE;
    if (syn) headerSize += SYN_PART_SIZE + this.cookie.length;
    if (carriesAck) {
      headerSize += this.#prepareAck(now, BLOCKS_WITH_DATA, limit / 2);
    }
    return limit - headerSize;
  }

  #prepareAck(now: number, maxBlocks: number, room: number): number {
    const { receiveBuffer, received } = this.#sources;
    const { segment } = this;
    segment.flags = Flag.ACK;
    segment.ack = receiveBuffer.rcvNxt;
    segment.window = Math.max(0, receiveBuffer.windowEdge - segment.ack);
    received.acknowledge(now, segment, maxBlocks);
    return fitAck(segment, room);
  }

  #writeData(now: number, range: SendRange, into: Uint8Array): number {
    const { sendBuffer, recovery, counters } = this.#sources;
    const { segment } = this;
    const { start, end, retransmission } = range;
    const first = Math.max(start, 1);
    segment.payloadLength = Math.min(end, sendBuffer.writeEnd) - first;
    segment.seq = start;
    if (start === 0) this.#addSyn();
    if (end > sendBuffer.writeEnd) segment.flags |= Flag.FIN;
    const header = this.#writeHeader(into);
    sendBuffer.copy(first, segment.payloadLength, into, header);
    let size = header + segment.payloadLength;
    // Padded, so that the answer of a host that keeps nothing is never larger.
    if (start === 0 && !segment.has(Flag.ACK)) {
      size = pad(into, size, SYN_SIZE);
    }
    sendBuffer.sent(start, end);
    recovery.onSent(now, start, end - start, size);
    if (this.#push(now)) into[5] = segment.flags |= Flag.PSH;
    this.retransmission = retransmission;
    if (retransmission) {
      counters.retransmissions++;
      counters.retransmittedBytes += segment.payloadLength;
    }
    this.#persistInterval = 0;
    this.#persistDeadline = Infinity;
    return this.#finish(into, size);
  }

  #addSyn(): void {
    const { segment } = this;
    segment.flags |= Flag.SYN;
    segment.maxDatagramSize = this.#config.maxDatagramSize;
    segment.socketMemory = this.#config.socketMemory;
    segment.initialWindow = this.#sources.receiveBuffer.capacity;
    segment.cookie = this.cookie;
  }

  // Asked for often enough, and always by the last datagram before a pause.
  #push(now: number): boolean {
    const { sendBuffer, recovery, path } = this.#sources;
    const { size } = path;
    const interval = Math.max(
      MIN_PUSH_INTERVAL,
      Math.min(
        MAX_PUSH_INTERVAL,
        recovery.congestionWindow / size / PUSHES_PER_WINDOW,
      ),
    );
    const pauses = !recovery.windowAllows(size) ||
      recovery.pacingDeadline > now + LONG_PAUSE ||
      !sendBuffer.hasSendable(this.windowEdge);
    this.#sinceLastPush++;
    if (!pauses && this.#sinceLastPush < interval) return false;
    this.#sinceLastPush = 0;
    return true;
  }

  #writeAsk(now: number, into: Uint8Array): number {
    this.askDue = false;
    return this.#writeQuestion(now, 0, into);
  }

  #writePathProbe(now: number, size: number, into: Uint8Array): number {
    const { recovery, path } = this.#sources;
    path.onProbeSent(recovery.packets.next);
    return this.#writeQuestion(now, size, into);
  }

  // PSH alone, padded to `paddedSize` bytes, which the peer acknowledges.
  #writeQuestion(now: number, paddedSize: number, into: Uint8Array): number {
    const { sendBuffer, received, recovery } = this.#sources;
    const { segment } = this;
    segment.flags = 0;
    if (received.largest >= 0) {
      this.#prepareAck(now, BLOCKS_WITH_DATA, MIN_BUDGET - SEGMENT_HEADER_SIZE);
    }
    segment.flags |= Flag.PSH;
    segment.payloadLength = 0;
    segment.seq = sendBuffer.sndNxt;
    const size = pad(into, this.#writeHeader(into), paddedSize);
    recovery.onSent(now, segment.seq, 0, size);
    this.retransmission = false;
    return this.#finish(into, size);
  }

  #writeAck(now: number, into: Uint8Array): number {
    const { sendBuffer, recovery, path, counters } = this.#sources;
    const limit = Math.min(path.size, this.budget);
    const { segment } = this;
    this.#prepareAck(now, MAX_SACK_BLOCKS, limit - SEGMENT_HEADER_SIZE);
    segment.payloadLength = 0;
    segment.seq = sendBuffer.sndNxt;
    const size = this.#writeHeader(into);
    recovery.packets.sentUntracked();
    counters.acksSent++;
    this.retransmission = false;
    return this.#finish(into, size);
  }

  #writeHeader(into: Uint8Array): number {
    const { packets, congestionWindow } = this.#sources.recovery;
    const { segment } = this;
    segment.packetNumber = packets.next;
    segment.floor = packets.oldest;
    // Asked for before it binds, so that the larger window is there in time.
    const window = this.windowEdge - this.#sources.sendBuffer.sndUna;
    if (segment.payloadLength > 0 && window < 2 * congestionWindow) {
      segment.flags |= Flag.BLOCKED;
    }
    return encodeHeader(segment, into);
  }

  #finish(into: Uint8Array, size: number): number {
    const { received, counters } = this.#sources;
    const { segment } = this;
    writeChecksum(into, size);
    if (segment.has(Flag.ACK)) {
      received.acknowledged();
      this.#advertisedEdge = segment.ack + segment.window;
    }
    this.budget -= size;
    counters.datagramsSent++;
    counters.bytesSent += size;
    if (--this.#untilSkip <= 0) this.#skipNumber();
    return size;
  }

  #skipNumber(): void {
    const { packets } = this.#sources.recovery;
    const most = Math.max(
      MAX_SKIP,
      SKIP_SHARE * (packets.next - packets.oldest),
    );
    this.#skipInterval = Math.min(2 * this.#skipInterval, most);
    packets.skip();
    this.#untilSkip = this.#drawSkip();
  }

  // With nothing in flight, only the peer's window holds us, and its opening may have been lost.
  #persist(now: number): void {
    const { sendBuffer, recovery } = this.#sources;
    const held = sendBuffer.hasNew && this.windowEdge > 0 &&
      recovery.packets.bytesInFlight === 0;
    if (!held || this.#persistDeadline !== Infinity) return;
    this.#persistInterval = Math.min(
      Math.max(2 * this.#persistInterval, recovery.rtt.pto),
      Math.max(MAX_PERSIST_INTERVAL, recovery.rtt.pto),
    );
    this.#persistDeadline = now + this.#persistInterval;
  }

  /** When {@linkcode wake} is to be called or {@linkcode next} has more, in milliseconds. */
  get deadline(): number {
    return this.#pacingBlocked
      ? this.#sources.recovery.pacingDeadline
      : this.#persistDeadline;
  }

  /** Asks a peer whose window is closed whether it still is (RFC 9293, section 3.8.6.1). */
  wake(now: number): void {
    if (now < this.#persistDeadline) return;
    this.#persistDeadline = Infinity;
    this.askDue = true;
  }

  /** The application has read: tells the peer once that is worth a datagram (RFC 9293, section 3.8.6.2.2). */
  onRead(): void {
    const { receiveBuffer, received } = this.#sources;
    const opened = receiveBuffer.windowEdge - this.#advertisedEdge;
    if (opened >= receiveBuffer.capacity / 4) received.acknowledgeAt(0);
  }
}

/** Zeroes up to `paddedSize`. @returns the size then, in bytes */
function pad(into: Uint8Array, size: number, paddedSize: number): number {
  if (size >= paddedSize) return size;
  into.fill(0, size, paddedSize);
  return paddedSize;
}
