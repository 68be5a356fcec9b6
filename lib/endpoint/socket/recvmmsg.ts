import { memoryAddress, type SocketCalls } from "../../system/c_library.ts";
import { ADDRESS_SIZE, decodeAddress } from "./socket_address.ts";

/** Messages of one system call. */
const MAX_MESSAGES = 32;
/** Bytes of the largest message, which may be several datagrams that the kernel has joined. */
const MESSAGE_SIZE = 65_536;
/** Do not wait for a message (asm-generic/socket.h). */
const MSG_DONTWAIT = 0x40;

/** Size of a struct mmsghdr on 64-bit machines, and the offsets of its fields, in bytes. */
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

/** Called for each message, whose bytes are valid until it returns. */
export type Visit = (message: Uint8Array, from: Deno.NetAddr) => void;

/**
 * Receives all that has arrived at a socket by one system call (recvmmsg(2)),
 * where Deno takes a turn of the event loop for each datagram.
 */
export class ReceiveBatch {
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
  // The view of each message that was used last: most have one size.
  readonly #views: Uint8Array[] = [];
  // `#headers` as FFI takes it.
  readonly #headerBytes = new Uint8Array(this.#headers.buffer);
  // The sender of the last message: most have the same.
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

  /** For a socket; `undefined` where FFI cannot be used. */
  static of(
    library: SocketCalls,
    descriptor: number,
  ): ReceiveBatch | undefined {
    const locate = memoryAddress();
    return locate && new ReceiveBatch(library, descriptor, locate);
  }

  /** Receives what has arrived, up to a limit, in order and without waiting. */
  receive(visit: Visit): void {
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
