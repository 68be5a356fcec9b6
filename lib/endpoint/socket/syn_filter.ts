import type { GuestList } from "../../protocol/demux/demultiplexer.ts";
import {
  Flag,
  SEGMENT_HEADER_SIZE,
  SYN_PART_SIZE,
  SYN_SIZE,
  WIRE_VERSION,
} from "../../protocol/wire/segment.ts";

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

/** Strays a second from which on it is a flood, and below which it is over. */
const FLOOD = 5_000;
const CALM = 2_000;
/** Milliseconds over which they are counted. */
const INTERVAL = 50;
/** In a flood one stray in so many is let through: to see whether it is over. */
export const SAMPLE = 64;
/**
 * So is one SYN in so many where there is a place: its sender may be honest, and
 * repeats it some thirty times in five seconds, of which one has to come
 * through, and one more with a cookie.
 */
const SYN_SAMPLE = { taken: SAMPLE, some: 4, all: 4 };
/** Milliseconds between changes of what is passed: each costs a system call. */
const CHANGE_INTERVAL = 10;

/**
 * Keeps a flood of strays from the connections that there are. It would fill
 * the kernel's buffer, and looking at it would take the time that they need; so
 * the kernel is told what to look for.
 */
export class FloodGate {
  readonly #filter: DatagramFilter;
  /** Who is let through, while the gate is closed. */
  #guests: GuestList | undefined;
  #since = 0;
  #changed = 0;
  #strays = 0;

  constructor(filter: DatagramFilter) {
    this.#filter = filter;
  }

  /**
   * Closes or opens the gate, as need be.
   *
   * @param now milliseconds
   * @param strays how many there have been, in all
   * @param guests another object whenever others are wanted
   */
  update(now: number, strays: number, guests: GuestList): void {
    const elapsed = now - this.#since;
    if (elapsed >= INTERVAL) {
      const closed = this.#guests !== undefined;
      const seen = (strays - this.#strays) / elapsed * 1000;
      const rate = closed ? seen * SAMPLE : seen;
      this.#since = now;
      this.#strays = strays;
      if (!closed && rate > FLOOD) return this.#close(now, guests);
      if (closed && rate < CALM) return this.#open();
    }
    if (this.#guests === undefined || this.#guests === guests) return;
    if (now - this.#changed >= CHANGE_INTERVAL) this.#close(now, guests);
  }

  #close(now: number, guests: GuestList): void {
    this.#changed = now;
    const able = this.#filter.attachFilter(filterProgram(guests));
    this.#guests = able ? guests : undefined;
  }

  #open(): void {
    this.#filter.detachFilter();
    this.#guests = undefined;
  }
}

// Instructions of classic BPF (linux/filter.h, linux/bpf_common.h).
const LOAD_WORD = 0x20;
const LOAD_HALF = 0x28;
const AND = 0x54;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_ANY_BIT = 0x45;
const RETURN = 0x06;
/** Where a random number is loaded from (SKF_AD_OFF + SKF_AD_RANDOM). */
const RANDOM = -0x1000 + 56;
/** Bytes of the header of UDP, which is where the kernel begins to count. */
const UDP_HEADER = 8;
const VERSION_AT = UDP_HEADER + 4;
const ID_LOW_AT = UDP_HEADER + 12;
/** What the datagram says of its length: the kernel may have joined several. */
const LENGTH_AT = UDP_HEADER + 36;
const COOKIE_AT = UDP_HEADER + SEGMENT_HEADER_SIZE + SYN_PART_SIZE;
/** The version and, of the flags, those that tell a SYN from all else. */
const KIND = 0xff00 | Flag.SYN | Flag.ACK | Flag.RST | Flag.COOKIE;
const SYN_KIND = WIRE_VERSION << 8 | Flag.SYN;
const WHOLE = 0xffff;

/** Code, jump if true, jump if false, constant. */
type Instruction = readonly [number, number, number, number];

/**
 * A program of classic BPF that passes datagrams of these connections, some of
 * the SYNs as far as there are places, and one in {@linkcode SAMPLE} of all
 * else. While nobody is served that might be disturbed, it passes every SYN that
 * comes with a cookie.
 *
 * @returns its instructions, eight bytes each (struct sock_filter), for a
 * machine with the lowest byte first
 */
export function filterProgram(guests: GuestList): Uint8Array {
  return encode([
    [LOAD_WORD, 0, 0, ID_LOW_AT],
    ...guests.connections.flatMap(ofConnection),
    ...ifSyn([
      ...(guests.places === "all" ? ifCookie(guests.watchword) : []),
      ...oneIn(SYN_SAMPLE[guests.places]),
    ]),
    ...oneIn(SAMPLE),
  ]);
}

type Connection = GuestList["connections"][number];

// Half of the id is enough to tell strays, and there may be hundreds of connections.
function ofConnection({ idLow }: Connection): Instruction[] {
  return [
    [JUMP_IF_EQUAL, 0, 1, idLow],
    [RETURN, 0, 0, WHOLE],
  ];
}

function ifSyn(then: Instruction[]): Instruction[] {
  return [
    [LOAD_HALF, 0, 0, LENGTH_AT],
    [JUMP_IF_EQUAL, 0, 3 + then.length, SYN_SIZE],
    [LOAD_HALF, 0, 0, VERSION_AT],
    [AND, 0, 0, KIND],
    [JUMP_IF_EQUAL, 0, then.length, SYN_KIND],
    ...then,
  ];
}

function ifCookie(watchword: number): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, COOKIE_AT],
    [JUMP_IF_EQUAL, 0, 1, watchword],
    [RETURN, 0, 0, WHOLE],
  ];
}

function oneIn(count: number): Instruction[] {
  return [
    [LOAD_WORD, 0, 0, RANDOM],
    [JUMP_IF_ANY_BIT, 1, 0, count - 1],
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * program.length));
  for (const [at, [code, ifTrue, ifFalse, constant]] of program.entries()) {
    view.setUint16(8 * at, code, true);
    view.setUint8(8 * at + 2, ifTrue);
    view.setUint8(8 * at + 3, ifFalse);
    view.setUint32(8 * at + 4, constant, true);
  }
  return new Uint8Array(view.buffer);
}
