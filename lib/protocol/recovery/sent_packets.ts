import { RangeSet } from "../../base/range_set.ts";

/** The state of a packet. Packets that ask for no acknowledgement are not tracked. */
export const PacketState = {
  UNTRACKED: 0,
  OUTSTANDING: 1,
  ACKED: 2,
  LOST: 3,
} as const;

/** Packets that there is room for at first: half-open connections send few. */
const INITIAL_PACKET_CAPACITY = 8;

/**
 * Records each packet that may still be acknowledged, in the columns of a ring
 * that packet numbers index: a look-up costs the same whatever the window.
 */
export class SentPackets {
  #mask = INITIAL_PACKET_CAPACITY - 1;
  #state = new Uint8Array(INITIAL_PACKET_CAPACITY);
  #sentTime = new Float64Array(INITIAL_PACKET_CAPACITY);
  #seq = new Float64Array(INITIAL_PACKET_CAPACITY);
  #sequenceLength = new Uint32Array(INITIAL_PACKET_CAPACITY);
  #size = new Uint32Array(INITIAL_PACKET_CAPACITY);
  #delivered = new Float64Array(INITIAL_PACKET_CAPACITY);
  #deliveredTime = new Float64Array(INITIAL_PACKET_CAPACITY);
  #firstSentTime = new Float64Array(INITIAL_PACKET_CAPACITY);
  #appLimited = new Uint8Array(INITIAL_PACKET_CAPACITY);
  readonly #acked = new RangeSet();
  #lostBefore = -Infinity;

  /** Packets below this are forgotten. */
  oldest: number;
  /** The next packet number. */
  next: number;
  /** The largest packet number acknowledged, `-1` before the first. */
  largestAcked = -1;
  /** Datagram bytes outstanding. */
  bytesInFlight = 0;
  /** When the last packet that asks for an acknowledgement was sent. */
  lastElicitingTime = 0;

  /** The first packet number. */
  readonly first: number;

  /** @param first the first packet number */
  constructor(first: number) {
    this.first = first;
    this.oldest = first;
    this.next = first;
  }

  /** How many packets were sent. */
  get sentCount(): number {
    return this.next - this.first;
  }

  /** Records a packet that asks for no acknowledgement, or skips its number. */
  sentUntracked(): void {
    if (this.#isFull) this.#grow();
    this.#state[this.next++ & this.#mask] = PacketState.UNTRACKED;
    this.forget(this.#lostBefore);
  }

  /** Records a packet of `size` bytes that takes [`seq`, `seq` + `sequenceLength`). */
  sent(
    now: number,
    seq: number,
    sequenceLength: number,
    size: number,
  ): number {
    if (this.#isFull) this.#grow();
    const slot = this.next & this.#mask;
    this.#state[slot] = PacketState.OUTSTANDING;
    this.#sentTime[slot] = now;
    this.#seq[slot] = seq;
    this.#sequenceLength[slot] = sequenceLength;
    this.#size[slot] = size;
    this.bytesInFlight += size;
    this.lastElicitingTime = now;
    return this.next++;
  }

  /** Stores what was delivered when `packet` was sent, for {@linkcode DeliveryRate}. */
  snapshot(
    packet: number,
    delivered: number,
    deliveredTime: number,
    firstSentTime: number,
    appLimited: boolean,
  ): void {
    const slot = packet & this.#mask;
    this.#delivered[slot] = delivered;
    this.#deliveredTime[slot] = deliveredTime;
    this.#firstSentTime[slot] = firstSentTime;
    this.#appLimited[slot] = appLimited ? 1 : 0;
  }

  /** Sets the state of a packet, which takes it out of flight. */
  mark(packet: number, state: 2 | 3): void {
    const slot = packet & this.#mask;
    if (this.#state[slot] === PacketState.OUTSTANDING) {
      this.bytesInFlight -= this.#size[slot]!;
    }
    this.#state[slot] = state;
  }

  /** Calls `visit` for each packet of [start, end) that no earlier call has covered. */
  acknowledge(
    start: number,
    end: number,
    visit: (packet: number) => void,
  ): void {
    const from = Math.max(start, this.oldest);
    const to = Math.min(end, this.next);
    this.#acked.gaps(from, to, (gapStart, gapEnd) => {
      for (let packet = gapStart; packet < gapEnd; packet++) visit(packet);
    });
    this.#acked.add(from, to);
  }

  /** Forgets, from the oldest on, packets that are acknowledged, or lost and sent before `lostBefore`. */
  forget(lostBefore: number): void {
    this.#lostBefore = lostBefore;
    while (this.oldest < this.next) {
      const slot = this.oldest & this.#mask;
      const state = this.#state[slot];
      if (state === PacketState.OUTSTANDING) break;
      if (state === PacketState.LOST && this.#sentTime[slot]! >= lostBefore) {
        break;
      }
      this.oldest++;
    }
    this.#acked.removeBelow(this.oldest);
  }

  state(packet: number): number {
    return this.#state[packet & this.#mask]!;
  }
  sentTime(packet: number): number {
    return this.#sentTime[packet & this.#mask]!;
  }
  seq(packet: number): number {
    return this.#seq[packet & this.#mask]!;
  }
  sequenceLength(packet: number): number {
    return this.#sequenceLength[packet & this.#mask]!;
  }
  size(packet: number): number {
    return this.#size[packet & this.#mask]!;
  }
  delivered(packet: number): number {
    return this.#delivered[packet & this.#mask]!;
  }
  deliveredTime(packet: number): number {
    return this.#deliveredTime[packet & this.#mask]!;
  }
  firstSentTime(packet: number): number {
    return this.#firstSentTime[packet & this.#mask]!;
  }
  appLimited(packet: number): boolean {
    return this.#appLimited[packet & this.#mask] === 1;
  }

  get #isFull(): boolean {
    return this.next - this.oldest > this.#mask;
  }

  #grow(): void {
    this.#state = doubled(this.#state);
    this.#sentTime = doubled(this.#sentTime);
    this.#seq = doubled(this.#seq);
    this.#sequenceLength = doubled(this.#sequenceLength);
    this.#size = doubled(this.#size);
    this.#delivered = doubled(this.#delivered);
    this.#deliveredTime = doubled(this.#deliveredTime);
    this.#firstSentTime = doubled(this.#firstSentTime);
    this.#appLimited = doubled(this.#appLimited);
    this.#mask = 2 * this.#mask + 1;
  }
}

/** A ring of twice the size: each packet is in one of the two slots that its old one becomes. */
function doubled<Column extends Uint8Array | Uint32Array | Float64Array>(
  column: Column,
): Column {
  const { length } = column;
  const Type = column.constructor as new (length: number) => Column;
  const to = new Type(2 * length);
  to.set(column);
  to.set(column, length);
  return to;
}
