import { memoryAddress, type SocketCalls } from "../../system/c_library.ts";
import { ADDRESS_SIZE, decodeAddress } from "./socket_address.ts";

/** Linux's numbers (asm-generic/socket.h, asm-generic/errno.h). */
const MSG_ERRQUEUE = 0x2000;
const MSG_DONTWAIT = 0x40;
const ECONNREFUSED = 111;

/** Offsets in a struct mmsghdr on 64-bit machines, in bytes. */
const HEADER = {
  name: 0,
  nameLength: 8,
  vectors: 16,
  vectorCount: 24,
  control: 32,
  controlLength: 40,
};
/** Where ee_errno of a struct sock_extended_err is, behind its struct cmsghdr. */
const ERRNO_AT = 16;
/** Where things are in the memory of one message, and its size. */
const AT = { header: 0, vector: 64, name: 128, control: 256, content: 1024 };
const CONTROL_SIZE = 512;
const SIZE = 4096;
/** Errors that are taken at a time, at most. */
const MAX_ERRORS = 64;

/**
 * What the kernel has heard by ICMP of datagrams that a socket sent (ip(7),
 * IP_RECVERR).
 */
export class ErrorQueue {
  readonly #library: SocketCalls;
  readonly #descriptor: number;
  readonly #memory = new Uint8Array(SIZE);
  readonly #view = new DataView(this.#memory.buffer);

  private constructor(
    library: SocketCalls,
    descriptor: number,
    locate: (bytes: Uint8Array<ArrayBuffer>) => bigint,
  ) {
    this.#library = library;
    this.#descriptor = descriptor;
    const view = this.#view;
    const base = locate(this.#memory);
    const place = (at: number) => base + BigInt(at);
    view.setBigUint64(AT.vector, place(AT.content), true);
    view.setBigUint64(AT.vector + 8, BigInt(SIZE - AT.content), true);
    view.setBigUint64(HEADER.name, place(AT.name), true);
    view.setBigUint64(HEADER.vectors, place(AT.vector), true);
    view.setBigUint64(HEADER.vectorCount, 1n, true);
    view.setBigUint64(HEADER.control, place(AT.control), true);
  }

  /** Of a socket; `undefined` where FFI cannot be used. */
  static of(library: SocketCalls, descriptor: number): ErrorQueue | undefined {
    const locate = memoryAddress();
    return locate && new ErrorQueue(library, descriptor, locate);
  }

  /** Empties the queue. @returns where datagrams went to a port at which nothing listens */
  refusals(): Deno.NetAddr[] {
    const refused: Deno.NetAddr[] = [];
    for (let i = 0; i < MAX_ERRORS; i++) {
      // The kernel says here how much it has used
      this.#view.setUint32(HEADER.nameLength, ADDRESS_SIZE, true);
      this.#view.setBigUint64(HEADER.controlLength, BigInt(CONTROL_SIZE), true);
      const flags = MSG_ERRQUEUE | MSG_DONTWAIT;
      const { recvmmsg } = this.#library;
      const count = recvmmsg(this.#descriptor, this.#memory, 1, flags, null);
      if (count !== 1) break;
      const length = this.#view.getBigUint64(HEADER.controlLength, true);
      if (length <= BigInt(ERRNO_AT)) continue;
      const errno = this.#view.getUint32(AT.control + ERRNO_AT, true);
      if (errno !== ECONNREFUSED) continue;
      const size = this.#view.getUint32(HEADER.nameLength, true);
      const struct = this.#memory.slice(AT.name, AT.name + size);
      refused.push(decodeAddress(this.#library, struct));
    }
    return refused;
  }
}
