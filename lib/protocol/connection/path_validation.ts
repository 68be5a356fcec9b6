import { type Address, isSameAddress } from "./address.ts";
import { MIN_PATH_SIZE } from "../sending/packet_builder.ts";
import { PathKind, SYN_SIZE } from "../wire/segment.ts";
import type { PathMessage } from "./direct_paths.ts";

/** Bytes sent to an address for each that came from it, until it is validated (RFC 9000, section 8). */
const AMPLIFICATION_LIMIT = 3;
/** Addresses that are validated at a time. */
const MAX_CANDIDATES = 4;
/** Validated addresses that are remembered. */
const MAX_KNOWN = 4;
/** Challenges to a new address, a probe timeout apart, before validation fails (RFC 9000, section 8.2.4). */
const MAX_CHALLENGES = 3;
/** Challenges to the current address: if none is answered, the peer has left it. */
const MAX_CURRENT_CHALLENGES = 2;
/** The probe timeout of an unknown path, in milliseconds. */
const UNKNOWN_PTO = 300;

interface Probe<Peer> {
  readonly to: Peer;
  readonly high: number;
  readonly low: number;
  sent: number;
  nextAt: number;
  answered: boolean;
}

interface Candidate<Peer> extends Probe<Peer> {
  readonly expires: number;
  /** Bytes received from the address, and sent to it. */
  bytesReceived: number;
  bytesSent: number;
}

/**
 * Follows a peer to another address (RFC 9000, sections 8.2 and 9.3). A datagram
 * from elsewhere proves nothing: that address and the current one are both
 * challenged with 64 random bits, and the peer has moved if the new one answers
 * and the old one does not. An address that was validated earlier takes
 * precedence, so that nobody who copies datagrams takes the connection from a
 * peer that is still there.
 */
export class PathValidation<Peer extends Address> {
  readonly #random: () => number;
  /** Validated addresses, the earliest first. */
  readonly #known: Peer[];
  #current: Peer;
  #candidates: Candidate<Peer>[] = [];
  #currentProbe: Probe<Peer> | undefined;
  #decidedAt = Infinity;

  /**
   * @param current the peer's address
   * @param random whole numbers in [0, 2^32), unpredictable
   */
  constructor(current: Peer, random: () => number) {
    this.#current = current;
    this.#known = [current];
    this.#random = random;
  }

  /** Whether `address` is validated. */
  isKnown(address: Peer): boolean {
    return this.#known.some((known) => isSameAddress(known, address));
  }

  /**
   * A datagram of `size` bytes came from an address that is not the current one.
   *
   * @param pto the connection's probe timeout, in milliseconds
   */
  onDatagram(now: number, from: Peer, size: number, pto: number): void {
    let candidate = this.#candidateAt(from);
    if (candidate === undefined) {
      if (this.#candidates.length >= MAX_CANDIDATES) this.#candidates.shift();
      const expires = now + MAX_CHALLENGES * Math.max(pto, UNKNOWN_PTO);
      const probe = this.#probe(now, from);
      candidate = { ...probe, expires, bytesReceived: 0, bytesSent: 0 };
      this.#candidates.push(candidate);
      if (this.#currentProbe === undefined) {
        this.#currentProbe = this.#probe(now, this.#current);
        this.#decidedAt = now + MAX_CURRENT_CHALLENGES * pto;
      }
    }
    candidate.bytesReceived += size;
  }

  #probe(now: number, to: Peer): Probe<Peer> {
    const high = this.#random();
    const low = this.#random();
    return { to, high, low, sent: 0, nextAt: now, answered: false };
  }

  #candidateAt(address: Peer): Candidate<Peer> | undefined {
    return this.#candidates.find(({ to }) => isSameAddress(to, address));
  }

  /** A response arrived; it counts only from the address that was challenged. */
  onResponse(from: Peer, high: number, low: number): void {
    const probe = isSameAddress(from, this.#current)
      ? this.#currentProbe
      : this.#candidateAt(from);
    if (probe?.high === high && probe.low === low) probe.answered = true;
  }

  /** The next challenge that may be sent now. */
  next(now: number, pto: number): PathMessage<Peer> | undefined {
    const current = this.#currentProbe;
    if (current !== undefined && isDue(current, MAX_CURRENT_CHALLENGES, now)) {
      return this.#send(now, pto, current, SYN_SIZE);
    }
    for (const candidate of this.#candidates) {
      const size = allowance(candidate);
      if (size < MIN_PATH_SIZE || !isDue(candidate, MAX_CHALLENGES, now)) {
        continue;
      }
      candidate.bytesSent += size;
      return this.#send(now, Math.max(pto, UNKNOWN_PTO), candidate, size);
    }
    return undefined;
  }

  #send(
    now: number,
    pto: number,
    probe: Probe<Peer>,
    size: number,
  ): PathMessage<Peer> {
    probe.sent++;
    probe.nextAt = now + pto;
    const { to, high, low } = probe;
    return { kind: PathKind.CHALLENGE, to, high, low, size };
  }

  /** When {@linkcode settle} or {@linkcode next} is due, in milliseconds. */
  get deadline(): number {
    const current = this.#currentProbe;
    if (current === undefined) return Infinity;
    let deadline = nextChallenge(current, MAX_CURRENT_CHALLENGES);
    for (const candidate of this.#candidates) {
      const next = allowance(candidate) >= MIN_PATH_SIZE
        ? nextChallenge(candidate, MAX_CHALLENGES)
        : Infinity;
      deadline = Math.min(deadline, next, candidate.expires);
      if (candidate.answered && !current.answered) {
        deadline = Math.min(deadline, this.#decidedAt);
      }
    }
    return deadline;
  }

  /**
   * Decides whether the peer has moved.
   *
   * @returns its new address, if it has
   */
  settle(now: number): Peer | undefined {
    const left = this.#currentProbe?.answered === false &&
      now >= this.#decidedAt;
    const moved = this.#candidates.find(({ to, answered }) =>
      answered && (left || this.#isEarlier(to))
    );
    this.#candidates = moved !== undefined
      ? []
      : this.#candidates.filter(({ expires }) => now < expires);
    if (this.#candidates.length === 0) this.#currentProbe = undefined;
    if (moved === undefined) return undefined;
    this.#current = moved.to;
    if (!this.isKnown(moved.to)) {
      if (this.#known.length >= MAX_KNOWN) this.#known.splice(1, 1);
      this.#known.push(moved.to);
    }
    return moved.to;
  }

  #isEarlier(address: Peer): boolean {
    for (const known of this.#known) {
      if (isSameAddress(known, this.#current)) return false;
      if (isSameAddress(known, address)) return true;
    }
    return false;
  }
}

function isDue(
  { answered, sent, nextAt }: Probe<unknown>,
  most: number,
  now: number,
): boolean {
  return !answered && sent < most && nextAt <= now;
}

function nextChallenge(
  { answered, sent, nextAt }: Probe<unknown>,
  most: number,
): number {
  return answered || sent >= most ? Infinity : nextAt;
}

/** Bytes that a challenge may have. */
function allowance(
  { bytesReceived, bytesSent }: Candidate<unknown>,
): number {
  return Math.min(SYN_SIZE, AMPLIFICATION_LIMIT * bytesReceived - bytesSent);
}
