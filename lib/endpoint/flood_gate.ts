/** What a {@linkcode FloodGate} has the kernel do. */
export interface DatagramFilter {
  /**
   * Drops datagrams before they cost memory or a system call.
   *
   * @param program as {@linkcode filterProgram} makes it
   * @returns whether the kernel does that
   */
  attachFilter(program: Uint8Array): boolean;
  detachFilter(): void;
}

/** The id of the connection that is served. */
export interface ServedId {
  readonly idHigh: number;
  readonly idLow: number;
}

/** Strays a second from which on it is a flood, and below which it is over. */
const FLOOD = 5_000;
const CALM = 2_000;
/** Milliseconds over which they are counted. */
const INTERVAL = 50;
/** In a flood one stray in so many is let through: to see whether it is over, and for strangers' sake. */
export const SAMPLE = 64;

/**
 * Keeps a flood of strays from the one connection that is served. It would fill
 * the kernel's buffer, and looking at it would take the time that the connection
 * needs; so the kernel is told what to look for.
 */
export class FloodGate {
  readonly #filter: DatagramFilter;
  #closed = false;
  #since = 0;
  #strays = 0;

  constructor(filter: DatagramFilter) {
    this.#filter = filter;
  }

  /**
   * Closes or opens the gate, as need be.
   *
   * @param now milliseconds
   * @param strays how many there have been, in all
   * @param served the connection to keep it from; `undefined` opens the gate
   */
  update(now: number, strays: number, served: ServedId | undefined): void {
    if (served === undefined) return this.#open();
    const elapsed = now - this.#since;
    if (elapsed < INTERVAL) return;
    const seen = (strays - this.#strays) / elapsed * 1000;
    const rate = this.#closed ? seen * SAMPLE : seen;
    this.#since = now;
    this.#strays = strays;
    if (!this.#closed && rate > FLOOD) {
      this.#closed = this.#filter.attachFilter(filterProgram(served));
    } else if (rate < CALM) {
      this.#open();
    }
  }

  #open(): void {
    if (this.#closed) this.#filter.detachFilter();
    this.#closed = false;
  }
}

// Instructions of classic BPF (linux/filter.h, linux/bpf_common.h).
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;
/** Where a random number is loaded from (SKF_AD_OFF + SKF_AD_RANDOM). */
const RANDOM = -0x1000 + 56;
/** Where a datagram's connection id is, behind the header of UDP. */
const ID_HIGH_AT = 8 + 8;
const ID_LOW_AT = 8 + 12;
const WHOLE = 0xffff;

/**
 * A program of classic BPF that passes datagrams of one connection, and one in
 * {@linkcode SAMPLE} of all others.
 *
 * @returns its instructions, eight bytes each (struct sock_filter), for a
 * machine with the lowest byte first
 */
export function filterProgram({ idHigh, idLow }: ServedId): Uint8Array {
  return instructions([
    [LOAD_WORD, 0, 0, ID_HIGH_AT],
    [JUMP_IF_EQUAL, 0, 2, idHigh],
    [LOAD_WORD, 0, 0, ID_LOW_AT],
    [JUMP_IF_EQUAL, 2, 0, idLow],
    [LOAD_WORD, 0, 0, RANDOM],
    [JUMP_IF_ANY_BIT, 1, 0, SAMPLE - 1],
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ]);
}

/** @param rows code, jump if true, jump if false, constant */
function instructions(rows: [number, number, number, number][]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * rows.length));
  for (const [at, [code, ifTrue, ifFalse, constant]] of rows.entries()) {
    view.setUint16(8 * at, code, true);
    view.setUint8(8 * at + 2, ifTrue);
    view.setUint8(8 * at + 3, ifFalse);
    view.setUint32(8 * at + 4, constant, true);
  }
  return new Uint8Array(view.buffer);
}
