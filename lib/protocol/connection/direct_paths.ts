import { MIN_PATH_SIZE } from "../sending/packet_builder.ts";
import type { PathBits } from "../sending/send_scheduler.ts";
import { PathKind, SYN_SIZE } from "../wire/segment.ts";
import { type Address, isSameAddress } from "./address.ts";

/** Addresses that a peer may tell, at most. */
export const MAX_CANDIDATES = 8;
/** Addresses that are learned from what arrives, at most. */
const MAX_LEARNED = 8;
/** Milliseconds between the first challenges to a candidate, doubled each time. */
const FIRST_INTERVAL = 100;
/** Milliseconds between the later ones: short enough that a NAT keeps its mapping. */
const MAX_INTERVAL = 10_000;
/** Milliseconds between the first challenges to one candidate and to the next. */
const STAGGER = 5;
/** Challenges to an address that nobody told before it is forgotten. */
const MAX_LEARNED_CHALLENGES = 6;
/** Challenges of full size after one that was answered. */
const MAX_FULL_CHALLENGES = 4;
/** Milliseconds between the challenges that show whether a path still carries: half a probe timeout within these bounds. */
const LIVENESS_INTERVAL = { min: 250, max: 500 };
/** Challenges to an address whose answers count: they may be late. */
const MAX_AWAITED = 4;
/** Challenges in a row without an answer after which a path has fallen silent. */
const MAX_UNANSWERED = 12;
/** Milliseconds between challenges by the relay, so that NATs and the relay keep the way back. */
const RELAY_INTERVAL = 15_000;
/** Responses that wait to be sent. */
const MAX_RESPONSES = 16;

/** How a peer is reached that a relay has brought here. */
export interface PathInUse {
  /** Whether datagrams go to the peer without the relay. */
  readonly direct: boolean;
  /** The name of the relay. */
  readonly through: string;
}

/** A PATH_CHALLENGE or PATH_RESPONSE, and where it goes. */
export interface PathMessage<Peer> extends PathBits {
  readonly to: Peer;
}

/** Another address of the peer, and what is known of the path to it. */
interface Path<Peer> {
  readonly to: Peer;
  /** Whether the peer said that it is its own. */
  readonly told: boolean;
  /** Small datagrams get through, those of full size, too, or neither as far as is known. */
  state: "unknown" | "reached" | "proven";
  /** The bits of the last challenges. */
  bits: { readonly high: number; readonly low: number }[];
  /** Challenges in this state without an answer. */
  unanswered: number;
  nextAt: number;
}

/**
 * Looks for a direct path between two peers that a relay has brought together,
 * and falls back to the relay when that falls silent (RFC 8445 in spirit, by the
 * path validation of RFC 9000, section 8.2). Both sides challenge all addresses
 * that the other has told, and those from which something arrives, and answer each
 * challenge to where it came from. The first path that has answered a challenge of
 * full size is used.
 */
export class DirectPaths<Peer extends Address> {
  readonly #relay: Peer;
  readonly #random: () => number;
  #paths: Path<Peer>[] = [];
  #responses: PathMessage<Peer>[] = [];
  #current: Path<Peer> | undefined;
  #relayChallengeAt = Infinity;

  /**
   * @param relay where the relay is
   * @param random whole numbers in [0, 2^32), unpredictable
   */
  constructor(relay: Peer, random: () => number) {
    this.#relay = relay;
    this.#random = random;
  }

  /** Where the peer is to be sent to. */
  get current(): Peer {
    return this.#current?.to ?? this.#relay;
  }

  /** The peer has told these addresses. */
  add(now: number, candidates: readonly Peer[]): void {
    for (const [index, to] of candidates.slice(0, MAX_CANDIDATES).entries()) {
      if (isSameAddress(to, this.#relay)) continue;
      const known = this.#at(to);
      if (known !== undefined) {
        if (known.told || known === this.#current) continue;
        this.#forget(known);
      }
      this.#insert(to, true, now + index * STAGGER);
    }
  }

  #insert(to: Peer, told: boolean, nextAt: number): void {
    const state = "unknown";
    this.#paths.push({ to, told, state, bits: [], unanswered: 0, nextAt });
  }

  #forget(path: Path<Peer>): void {
    this.#paths = this.#paths.filter((other) => other !== path);
  }

  #at(address: Peer): Path<Peer> | undefined {
    return this.#paths.find(({ to }) => isSameAddress(to, address));
  }

  /**
   * Something came from `from`, which may be an address that nobody has told: a NAT
   * has made it up.
   *
   * @returns whether what comes from there is taken in
   */
  onDatagram(now: number, from: Peer): boolean {
    if (isSameAddress(from, this.#relay)) return true;
    const known = this.#at(from);
    if (known === undefined) this.#learn(now, from);
    else if (known.state === "unknown") {
      // It gets through this way, so this side may, too
      known.nextAt = Math.min(known.nextAt, now + FIRST_INTERVAL);
    }
    return known !== undefined;
  }

  #learn(now: number, from: Peer): void {
    const learned = this.#paths.filter(({ told }) => !told);
    if (learned.length >= MAX_LEARNED) {
      const oldest = learned.find(({ state }) => state === "unknown");
      if (oldest === undefined) return;
      this.#forget(oldest);
    }
    this.#insert(from, false, now);
  }

  /** Whether `address` has answered a challenge of full size, or is the relay. */
  isProven(address: Peer): boolean {
    return isSameAddress(address, this.#relay) ||
      this.#at(address)?.state === "proven";
  }

  /** A challenge came in a datagram of `size` bytes; the response goes to where it came from and is no larger. */
  onChallenge(from: Peer, high: number, low: number, size: number): void {
    // An answer to what somebody reflects would prove a path to nobody
    const isOwn = this.#paths.some(({ bits }) => hasBits(bits, high, low));
    if (isOwn || this.#responses.length >= MAX_RESPONSES) return;
    const kind = PathKind.RESPONSE;
    this.#responses.push({ kind, to: from, high, low, size });
  }

  /** A response arrived in a datagram of `size` bytes; it counts only from the address that was challenged. */
  onResponse(
    now: number,
    from: Peer,
    { high, low, size }: { high: number; low: number; size: number },
  ): void {
    const path = this.#at(from);
    if (path === undefined || !hasBits(path.bits, high, low)) return;
    path.unanswered = 0;
    if (path.state === "proven") return;
    path.state = size >= SYN_SIZE ? "proven" : "reached";
    path.nextAt = path.state === "reached" ? now : now + LIVENESS_INTERVAL.min;
    path.bits = [];
  }

  /** The next message that is to be sent now. @param pto of the connection, in milliseconds */
  next(now: number, pto: number): PathMessage<Peer> | undefined {
    const response = this.#responses.shift();
    if (response !== undefined) return response;
    if (this.#relayChallengeAt <= now) {
      this.#relayChallengeAt = now + RELAY_INTERVAL;
      const bits = this.#fresh();
      return this.#challenge(this.#relay, bits, MIN_PATH_SIZE);
    }
    for (const path of this.#paths) {
      if (path.nextAt > now) continue;
      path.nextAt = now + this.#interval(path, pto);
      const bits = this.#fresh();
      path.bits = [bits, ...path.bits].slice(0, MAX_AWAITED);
      path.unanswered++;
      const size = path.state === "reached" ? SYN_SIZE : MIN_PATH_SIZE;
      return this.#challenge(path.to, bits, size);
    }
    return undefined;
  }

  #fresh(): { high: number; low: number } {
    return { high: this.#random(), low: this.#random() };
  }

  #challenge(
    to: Peer,
    bits: { high: number; low: number },
    size: number,
  ): PathMessage<Peer> {
    return { kind: PathKind.CHALLENGE, to, ...bits, size };
  }

  #interval(path: Path<Peer>, pto: number): number {
    if (path.state === "unknown") {
      return Math.min(MAX_INTERVAL, FIRST_INTERVAL * 2 ** path.unanswered);
    }
    // One that is proven and not in use need only be kept open
    return path.state === "reached" || path === this.#current
      ? livenessInterval(pto)
      : MAX_INTERVAL;
  }

  /** When {@linkcode settle} or {@linkcode next} is due, in milliseconds. */
  get deadline(): number {
    if (this.#responses.length > 0) return -Infinity;
    let deadline = this.#relayChallengeAt;
    for (const { nextAt } of this.#paths) {
      deadline = Math.min(deadline, nextAt);
    }
    return deadline;
  }

  /**
   * Decides which path is used.
   *
   * @returns where the peer is from now on, if that has changed
   */
  settle(now: number): Peer | undefined {
    const before = this.#current;
    for (const path of [...this.#paths]) {
      if (!hasFailed(path)) continue;
      if (!path.told) this.#forget(path);
      else {
        Object.assign(path, { state: "unknown", unanswered: 0, bits: [] });
        path.nextAt = Math.max(path.nextAt, now + FIRST_INTERVAL);
      }
      if (path === this.#current) this.#current = undefined;
    }
    if (this.#current === undefined) {
      this.#current = this.#paths.find(({ state }) => state === "proven");
      if (this.#current !== undefined) this.#current.nextAt = now;
    }
    if (this.#current === before) return undefined;
    this.#relayChallengeAt = this.#current === undefined
      ? Infinity
      : now + RELAY_INTERVAL;
    return this.current;
  }
}

function livenessInterval(pto: number): number {
  const { min, max } = LIVENESS_INTERVAL;
  return Math.min(max, Math.max(min, pto / 2));
}

function hasBits(
  bits: Path<Address>["bits"],
  high: number,
  low: number,
): boolean {
  return bits.some((each) => each.high === high && each.low === low);
}

/** Whether what was known of a path does not hold any more. */
function hasFailed({ state, told, unanswered }: Path<Address>): boolean {
  switch (state) {
    case "unknown":
      return !told && unanswered > MAX_LEARNED_CHALLENGES;
    case "reached":
      return unanswered > MAX_FULL_CHALLENGES;
    case "proven":
      return unanswered > MAX_UNANSWERED;
  }
}
