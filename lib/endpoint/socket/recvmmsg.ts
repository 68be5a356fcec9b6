import { addressOf, type SocketCalls } from "../../system/c_library.ts";
import { ADDRESS_SIZE, decodeAddress } from "./socket_address.ts";

/** Linux's numbers (asm-generic/socket.h, asm-generic/errno.h). */
const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;
const ECONNREFUSED = 111;

/** Size of a struct mmsghdr on 64-bit machines, and the offsets of its fields, in bytes. */
const HEADER = {
  size: 64,
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
  length: 56,
};
/** The same of a struct iovec. */
const VECTOR = { size: 16, base: 0, length: 8 };
/** Where ee_errno of a struct sock_extended_err is, behind its struct cmsghdr. */
const ERRNO_AT = 16;

/** What one system call has room for. */
interface Capacity {
  readonly messages: number;
  /** Bytes of a message, which may be several datagrams that the kernel has joined. */
  readonly size: number;
  /** Bytes of its ancillary data (cmsg(3)). */
  readonly controlSize: number;
}

const DATAGRAMS = { messages: 32, size: 65_536, controlSize: 0 };
const ERRORS = { messages: 64, size: 64, controlSize: 512 };

/** Called for each message, whose bytes are valid until it returns. */
export type Visit = (
  message: Uint8Array,
  from: Deno.NetAddr,
  index: number,
) => void;

/**
 * Receives all that has arrived at a socket by one system call (recvmmsg(2)),
 * where Deno takes a turn of the event loop for each datagram.
 */
export class ReceiveBatch {
  readonly #library: SocketCalls;
  readonly #descriptor: number;
  readonly #capacity: Capacity;
  readonly #messages: Uint8Array<ArrayBuffer>;
  readonly #addresses: Uint8Array<ArrayBuffer>;
  readonly #controls: Uint8Array<ArrayBuffer>;
  readonly #vectors: DataView<ArrayBuffer>;
  readonly #headers: DataView<ArrayBuffer>;
  // `#headers` as FFI takes it.
  readonly #headerBytes: Uint8Array<ArrayBuffer>;
  // The view of each message that was used last: most have one size.
  readonly #views: Uint8Array[] = [];
  // The sender of the last message: most have the same.
  #from: { struct: Uint8Array; address: Deno.NetAddr } | undefined;

  constructor(
    library: SocketCalls,
    descriptor: number,
    capacity: Capacity = DATAGRAMS,
  ) {
    this.#library = library;
    this.#descriptor = descriptor;
    this.#capacity = capacity;
    const { messages: count, size, controlSize } = capacity;
    this.#messages = new Uint8Array(count * size);
    this.#addresses = new Uint8Array(count * ADDRESS_SIZE);
    this.#controls = new Uint8Array(count * controlSize);
    this.#vectors = new DataView(new ArrayBuffer(count * VECTOR.size));
    this.#headers = new DataView(new ArrayBuffer(count * HEADER.size));
    this.#headerBytes = new Uint8Array(this.#headers.buffer);
    const messages = addressOf(this.#messages, library);
    const addresses = addressOf(this.#addresses, library);
    const controls = addressOf(this.#controls, library);
    const vectors = addressOf(new Uint8Array(this.#vectors.buffer), library);
    for (let i = 0; i < count; i++) {
      const at = (start: bigint, size: number) => start + BigInt(i * size);
      const vector = i * VECTOR.size;
      this.#vectors.setBigUint64(
        vector + VECTOR.base,
        at(messages, size),
        true,
      );
      this.#vectors.setUint32(vector + VECTOR.length, size, true);
      const header = i * HEADER.size;
      const set = (field: number, value: bigint) =>
        this.#headers.setBigUint64(header + field, value, true);
      set(HEADER.name, at(addresses, ADDRESS_SIZE));
      set(HEADER.nameLength, BigInt(ADDRESS_SIZE));
      set(HEADER.vectors, at(vectors, VECTOR.size));
      set(HEADER.vectorCount, 1n);
      set(HEADER.control, at(controls, controlSize));
      set(HEADER.controlLength, BigInt(controlSize));
    }
  }

  /** Receives what has arrived, up to a limit, in order and without waiting. */
  receive(visit: Visit, flags = 0): void {
    const count = this.#library.recvmmsg(
      this.#descriptor,
      this.#headerBytes,
      this.#capacity.messages,
      MSG_DONTWAIT | flags,
      null,
    );
    for (let i = 0; i < count; i++) {
      visit(this.#message(i), this.#sender(i), i);
    }
  }

  /** The ancillary data of a message that was received by the first call. */
  control(index: number): Uint8Array {
    const place = index * HEADER.size + HEADER.controlLength;
    const length = this.#headers.getUint32(place, true);
    const at = index * this.#capacity.controlSize;
    return this.#controls.subarray(at, at + length);
  }

  #message(index: number): Uint8Array {
    const place = index * HEADER.size + HEADER.length;
    const length = this.#headers.getUint32(place, true);
    const view = this.#views[index];
    if (view?.length === length) return view;
    const at = index * this.#capacity.size;
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
    const address = decodeAddress(struct);
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

/**
 * Empties the queue of what the kernel has heard by ICMP of datagrams that the
 * socket sent (ip(7), IP_RECVERR).
 *
 * @returns where they went to a port at which nothing listens
 */
export function takeRefusals(
  library: SocketCalls,
  descriptor: number,
): Deno.NetAddr[] {
  const refused: Deno.NetAddr[] = [];
  const errors = new ReceiveBatch(library, descriptor, ERRORS);
  errors.receive((_datagram, to, index) => {
    if (errors.control(index)[ERRNO_AT] === ECONNREFUSED) refused.push(to);
  }, MSG_ERRQUEUE);
  return refused;
}
