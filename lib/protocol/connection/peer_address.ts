import { Flag, PathKind, type Segment } from "../wire/segment.ts";
import { type Address, isSameAddress } from "./address.ts";
import type { Connection } from "./connection.ts";
import { DirectPaths, type PathMessage } from "./direct_paths.ts";
import { PathValidation } from "./path_validation.ts";
import type { DropReason } from "./verdict.ts";

/** Where the peer of a connection is, and follows it when it moves. */
export class PeerAddress<Peer extends Address> {
  readonly #connection: Connection;
  readonly #isClient: boolean;
  readonly #random: () => number;
  #current: Peer;
  /** A server with several addresses may answer from another one than the SYN went to. */
  #answersFrom: Peer | undefined;
  /** From the first sign of a move on. */
  #validation: PathValidation<Peer> | undefined;
  /** Where the peer is reached by a relay, or was. */
  #direct: DirectPaths<Peer> | undefined;

  /**
   * @param options.isClient whether this side has opened the connection
   * @param options.random whole numbers in [0, 2^32), unpredictable
   */
  constructor(
    connection: Connection,
    current: Peer,
    options: { readonly isClient: boolean; readonly random: () => number },
  ) {
    this.#connection = connection;
    this.#current = current;
    this.#isClient = options.isClient;
    this.#random = options.random;
  }

  get current(): Peer {
    return this.#current;
  }

  /** What is at the current address is a relay: direct paths are looked for. */
  relay(): void {
    this.#direct ??= new DirectPaths(this.#current, this.#random);
  }

  /** The peer, behind a relay, says that it may be at these addresses. */
  tryDirectly(now: number, candidates: readonly Peer[]): void {
    this.#direct?.add(now, candidates);
  }

  /**
   * Judges a datagram by its source address.
   *
   * @param size of the datagram in bytes
   * @returns why it is dropped, if it is; `handled` if nothing is left to be done
   */
  check(
    now: number,
    segment: Segment,
    size: number,
    from: Peer,
  ): DropReason | "handled" | undefined {
    if (this.#direct !== undefined && this.#connection.established) {
      return this.#checkDirect(this.#direct, now, segment, { size, from });
    }
    if (isSameAddress(this.#current, from)) return undefined;
    const connection = this.#connection;
    if (!connection.established) {
      if (!this.#isClient) return "from another address";
      if (segment.has(Flag.SYN)) this.#answersFrom = from;
      return undefined;
    }
    const answersFrom = this.#answersFrom;
    if (answersFrom !== undefined && isSameAddress(answersFrom, from)) {
      return undefined;
    }
    if (connection.closeReason !== undefined) return "closed";
    this.#validation ??= new PathValidation(this.#current, this.#random);
    const isKnown = this.#validation.isKnown(from);
    if (!isKnown && segment.validatesPath) {
      this.onPathResponse(now, segment, from);
    } else this.#validation.onDatagram(now, from, size, connection.pto);
    return isKnown ? undefined : "from another address";
  }

  #checkDirect(
    direct: DirectPaths<Peer>,
    now: number,
    segment: Segment,
    { size, from }: { size: number; from: Peer },
  ): DropReason | "handled" | undefined {
    if (this.#connection.closeReason !== undefined) {
      return isSameAddress(this.#current, from) ? undefined : "closed";
    }
    const isTaken = direct.onDatagram(now, from);
    if (segment.validatesPath) {
      const { pathKind, pathHigh: high, pathLow: low } = segment;
      if (pathKind === PathKind.CHALLENGE) {
        direct.onChallenge(from, high, low, size);
      } else direct.onResponse(now, from, { high, low, size });
      this.settle(now);
      return "handled";
    }
    const isBelieved = !segment.has(Flag.RST) || direct.isProven(from);
    return isTaken && isBelieved ? undefined : "from another address";
  }

  /** A segment with the flag PATH came, whose other fields were acceptable. */
  onPathResponse(now: number, segment: Segment, from: Peer): void {
    const { pathKind, pathHigh, pathLow } = segment;
    if (this.#validation === undefined || pathKind !== PathKind.RESPONSE) {
      return;
    }
    this.#validation.onResponse(from, pathHigh, pathLow);
    this.settle(now);
  }

  /**
   * Decides whether the peer has moved. Where only its port is another one, the
   * path is most likely the same (RFC 9000, section 9.4).
   */
  settle(now: number): void {
    const moved = (this.#direct ?? this.#validation)?.settle(now);
    if (moved === undefined) return;
    const isNewPath = this.#direct !== undefined ||
      moved.hostname !== this.#current.hostname;
    this.#current = moved;
    if (isNewPath) this.#connection.onNewPath();
  }

  /** The next challenge or response that may be sent now. */
  nextPathMessage(now: number): PathMessage<Peer> | undefined {
    return this.#paths?.next(now, this.#connection.pto);
  }

  /** When {@linkcode settle} or {@linkcode nextPathMessage} is to be called, in milliseconds. */
  get deadline(): number {
    return this.#paths?.deadline ?? Infinity;
  }

  /** The other paths that are looked after now. */
  get #paths(): DirectPaths<Peer> | PathValidation<Peer> | undefined {
    const paths = this.#direct ?? this.#validation;
    if (paths === undefined) return undefined;
    const { established, closeReason } = this.#connection;
    return established && closeReason === undefined ? paths : undefined;
  }
}
