import type { Recovery } from "../recovery/recovery.ts";
import {
  encodeHeader,
  fitAck,
  Flag,
  floorSize,
  headerSize,
  MAX_HEADER_SIZE,
  PathKind,
  pathPartSize,
  Segment,
  SYN_PART_SIZE,
  SYN_SIZE,
} from "../wire/segment.ts";
import { writeChecksum } from "../wire/datagram_prefix.ts";
import type { AckTracker } from "../receiving/ack_tracker.ts";
import type { ReceiveBuffer } from "../receiving/receive_buffer.ts";
import type { SendBuffer, SendRange } from "./send_buffer.ts";

/** Bytes that a datagram that validates a path needs at most. */
export const MIN_PATH_SIZE = MAX_HEADER_SIZE + pathPartSize(PathKind.CHALLENGE);

// SACK blocks are filled in and written at once, so all connections share the memory for them.
const SHARED_BLOCKS = new Segment();

export interface PacketSources {
  readonly sendBuffer: SendBuffer;
  readonly receiveBuffer: ReceiveBuffer;
  readonly acks: AckTracker;
  readonly recovery: Recovery;
}

/**
 * Builds one packet after the other: {@linkcode start}, the parts it consists
 * of, {@linkcode finish}. Parts count against the room that is
 * {@linkcode remaining} when they are added, and are written at the end.
 */
export class PacketBuilder {
  readonly #sources: PacketSources;
  #limit = 0;
  #headerSize = 0;
  #paddedSize = 0;

  /** The packet that is being built, or was built last. */
  readonly segment = new Segment(SHARED_BLOCKS);

  constructor(id: number, sources: PacketSources) {
    this.segment.id = id;
    this.#sources = sources;
  }

  /** Begins a packet of up to `limit` bytes with the next packet number. */
  start(limit: number): void {
    const { recovery, sendBuffer } = this.#sources;
    const { segment } = this;
    segment.flags = 0;
    segment.packetNumber = recovery.packets.next;
    segment.seq = sendBuffer.sndNxt;
    segment.payloadLength = 0;
    this.#limit = limit;
    this.#headerSize = headerSize(segment);
    this.#paddedSize = 0;
  }

  /** Bytes that still fit. */
  get remaining(): number {
    return this.#limit - this.#headerSize;
  }

  /** Bytes of the datagram so far. */
  get size(): number {
    const size = this.#headerSize + this.segment.payloadLength;
    return size < this.#paddedSize ? this.#paddedSize : size;
  }

  /** Adds what a SYN carries; without ACK, it is padded so that its answer is never larger. */
  addSyn(
    maxDatagramSize: number,
    socketMemory: number,
    cookie: Uint8Array,
  ): void {
    const { segment } = this;
    segment.flags |= Flag.SYN;
    segment.maxDatagramSize = maxDatagramSize;
    segment.socketMemory = socketMemory;
    segment.initialWindow = this.#sources.receiveBuffer.capacity;
    segment.cookie = cookie;
    this.#headerSize += SYN_PART_SIZE + cookie.length;
    if (!segment.has(Flag.ACK)) this.#paddedSize = SYN_SIZE;
  }

  /**
   * Adds an acknowledgement of all that has arrived.
   *
   * @param maxBlocks SACK blocks at most
   * @param room bytes it may take
   */
  addAck(now: number, maxBlocks: number, room: number): void {
    const { receiveBuffer, acks } = this.#sources;
    const { segment } = this;
    segment.flags |= Flag.ACK;
    segment.ack = receiveBuffer.rcvNxt;
    segment.window = Math.max(0, receiveBuffer.windowEdge - segment.ack);
    acks.describe(now, segment, maxBlocks);
    this.#headerSize += fitAck(segment, room);
  }

  /**
   * Adds one of {@linkcode PathKind}, and pads the datagram to `size` bytes.
   *
   * @param high of the challenge's 64 bits, and `low`: nothing in a probe
   */
  addPath(kind: number, size: number, high = 0, low = 0): void {
    const { segment } = this;
    segment.flags |= Flag.PATH;
    segment.pathKind = kind;
    segment.pathHigh = high;
    segment.pathLow = low;
    this.#headerSize += pathPartSize(kind);
    this.#paddedSize = size;
  }

  /** Adds the bytes of `range`, and the FIN if it covers that. */
  addData({ start, end }: SendRange): void {
    const { writeEnd } = this.#sources.sendBuffer;
    const { segment } = this;
    this.#headerSize -= headerSize(segment);
    segment.seq = start;
    this.#headerSize += headerSize(segment);
    segment.payloadLength = Math.min(end, writeEnd) - Math.max(start, 1);
    if (end > writeEnd) segment.flags |= Flag.FIN;
  }

  /** Adds the floor. */
  addFloor(): void {
    const { segment } = this;
    segment.flags |= Flag.FLOOR;
    segment.floor = this.#sources.recovery.packets.oldest;
    this.#headerSize += floorSize(segment);
  }

  /** Sets a flag that has no fields. */
  addFlag(flag: number): void {
    this.segment.flags |= flag;
  }

  /**
   * Writes the datagram.
   *
   * @returns its length in bytes
   */
  finish(into: Uint8Array): number {
    const { segment } = this;
    const { payloadLength } = segment;
    const { size } = this;
    const offset = encodeHeader(segment, into);
    if (payloadLength > 0) {
      const first = segment.seq > 0 ? segment.seq : 1;
      this.#sources.sendBuffer.copy(first, payloadLength, into, offset);
    }
    if (offset + payloadLength < size) {
      into.fill(0, offset + payloadLength, size);
    }
    writeChecksum(into, size);
    return size;
  }
}
