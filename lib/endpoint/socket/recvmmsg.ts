import { addressOf, type SocketCalls } from "../../system/c_library.ts";
import { ADDRESS_SIZE, decodeAddress } from "./socket_address.ts";

/** Messages that are taken at a time. */
const MAX_MESSAGES = 32;
/** Room for the largest, which may be datagrams that the kernel has joined, in bytes. */
const MESSAGE_SIZE = 65_536;
/** Not to wait if there is nothing (asm-generic/socket.h). */
const MSG_DONTWAIT = 0x40;

/** Bytes of a struct mmsghdr, and where in it things are, on machines of 64 bits. */
const HEADER = {
  size: 64,
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  length: 56,
};
/** The same of a struct iovec. */
const VECTOR = { size: 16, base: 0, length: 8 };

/** What is done with a message: only until it returns, the bytes are there. */
export type Visit = (message: Uint8Array, from: Deno.NetAddr) => void;

/**
 * What else has arrived at a socket by the time that one datagram was taken:
 * it is had all at once (recvmmsg(2)), and not by a turn of the event loop for
 * each.
 */
export class Backlog {
  readonly #library: SocketCalls;
  readonly #descriptor: number;
  readonly #messages = new Uint8Array(MAX_MESSAGES * MESSAGE_SIZE);
  readonly #addresses = new Uint8Array(MAX_MESSAGES * ADDRESS_SIZE);
  readonly #vectors = new DataView(
    new ArrayBuffer(MAX_MESSAGES * VECTOR.size),
  );
  readonly #headers = new DataView(
    new ArrayBuffer(MAX_MESSAGES * HEADER.size),
  );
  // As many bytes of each message as came last: most are of one size.
  readonly #views: Uint8Array[] = [];
  // What the kernel fills in, as FFI takes it.
  readonly #headerBytes = new Uint8Array(this.#headers.buffer);
  // Most messages come from where the one before came from.
  #from: { struct: Uint8Array; address: Deno.NetAddr } | undefined;

  private constructor(
    library: SocketCalls,
    descriptor: number,
    locate: (bytes: Uint8Array<ArrayBuffer>) => bigint,
  ) {
    this.#library = library;
    this.#descriptor = descriptor;
    const messages = locate(this.#messages);
    const addresses = locate(this.#addresses);
    const vectors = locate(new Uint8Array(this.#vectors.buffer));
    for (let i = 0; i < MAX_MESSAGES; i++) {
      const at = (start: bigint, size: number) => start + BigInt(i * size);
      const vector = i * VECTOR.size;
      const base = at(messages, MESSAGE_SIZE);
      this.#vectors.setBigUint64(vector + VECTOR.base, base, true);
      this.#vectors.setUint32(vector + VECTOR.length, MESSAGE_SIZE, true);
      const header = i * HEADER.size;
      const name = at(addresses, ADDRESS_SIZE);
      this.#headers.setBigUint64(header + HEADER.name, name, true);
      this.#headers.setUint32(header + HEADER.nameLength, ADDRESS_SIZE, true);
      const own = at(vectors, VECTOR.size);
      this.#headers.setBigUint64(header + HEADER.vectors, own, true);
      this.#headers.setUint32(header + HEADER.vectorCount, 1, true);
    }
  }

  /** That of a socket, `undefined` where it is out of reach. */
  static of(library: SocketCalls, descriptor: number): Backlog | undefined {
    const locate = addressOf();
    return locate && new Backlog(library, descriptor, locate);
  }

  /** Takes what is there, up to a limit, in the order of its arrival. */
  take(visit: Visit): void {
    const count = this.#library.recvmmsg(
      this.#descriptor,
      this.#headerBytes,
      MAX_MESSAGES,
      MSG_DONTWAIT,
      null,
    );
    for (let i = 0; i < count; i++) {
      visit(this.#message(i), this.#sender(i));
    }
  }

  #message(index: number): Uint8Array {
    const place = index * HEADER.size + HEADER.length;
    const length = this.#headers.getUint32(place, true);
    const view = this.#views[index];
    if (view?.length === length) return view;
    const at = index * MESSAGE_SIZE;
    return this.#views[index] = this.#messages.subarray(at, at + length);
  }

  #sender(index: number): Deno.NetAddr {
    const at = index * ADDRESS_SIZE;
    const place = index * HEADER.size + HEADER.nameLength;
    const length = this.#headers.getUint32(place, true);
    const known = this.#from;
    if (known !== undefined && this.#isAt(at, length, known.struct)) {
      return known.address;
    }
    const struct = this.#addresses.slice(at, at + length);
    const address = decodeAddress(this.#library, struct);
    this.#from = { struct, address };
    return address;
  }

  #isAt(at: number, length: number, struct: Uint8Array): boolean {
    if (length !== struct.length) return false;
    for (let i = 0; i < length; i++) {
      if (this.#addresses[at + i] !== struct[i]) return false;
    }
    return true;
  }
}
