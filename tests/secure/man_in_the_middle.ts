import { FRAME_HEADER_SIZE } from "../../lib/base/frame.ts";
import type { ByteStream } from "../../lib/base/byte_stream.ts";
import { Failure } from "../../lib/base/failure.ts";
import { uint24At } from "../../lib/base/integers.ts";

import { memoryPair } from "../support/memory_stream.ts";

/** From the client to the server, or back. */
export type Direction = "up" | "down";

/** A record in transit. */
export interface Intercepted {
  readonly direction: Direction;
  /** The number of earlier records in this direction. */
  readonly index: number;
  /** With its header; may be changed. */
  readonly record: Uint8Array;
}

/**
 * Decides what is forwarded in place of a record; `null` ends the direction.
 */
export type Interceptor = (passing: Intercepted) => Uint8Array[] | null;

/**
 * An attacker between a client and a server, which sees every record and
 * forwards others at will.
 */
export class ManInTheMiddle {
  readonly client: ByteStream;
  readonly server: ByteStream;
  /** All records that were received, in both directions. */
  readonly seen: Intercepted[] = [];
  readonly #intercept: Interceptor;

  constructor(intercept: Interceptor = ({ record }) => [record]) {
    this.#intercept = intercept;
    const [client, near] = memoryPair();
    const [far, server] = memoryPair();
    this.client = client;
    this.server = server;
    this.#carry(near, far, "up");
    this.#carry(far, near, "down");
  }

  /** Breaks the stream for both. */
  cutOff(): void {
    const failure = new Failure({
      code: "peer-silent",
      peer: "memory",
      seconds: 1,
    });
    this.client.abort(failure);
    this.server.abort(failure);
  }

  async #carry(from: ByteStream, to: ByteStream, direction: Direction) {
    try {
      for (let index = 0;; index++) {
        const record = await readRecord(from);
        if (record === null) break;
        const passing = { direction, index, record };
        this.seen.push({ ...passing, record: record.slice() });
        const instead = this.#intercept(passing);
        if (instead === null) break;
        for (const one of instead) await to.write(one);
      }
      await to.closeWrite();
    } catch (error) {
      to.abort(error as Error);
      from.abort(error as Error);
    }
  }
}

/** Reads a whole record, or what is left of the stream. */
export async function readRecord(
  stream: ByteStream,
): Promise<Uint8Array | null> {
  const header = new Uint8Array(FRAME_HEADER_SIZE);
  const got = await fill(stream, header);
  if (got === 0) return null;
  if (got < FRAME_HEADER_SIZE) return header.slice(0, got);
  const length = uint24At(header, 1);
  const record = new Uint8Array(FRAME_HEADER_SIZE + length);
  record.set(header);
  const body = await fill(stream, record.subarray(FRAME_HEADER_SIZE));
  return record.subarray(0, FRAME_HEADER_SIZE + body);
}

async function fill(stream: ByteStream, into: Uint8Array): Promise<number> {
  let at = 0;
  while (at < into.length) {
    const count = await stream.read(into.subarray(at));
    if (count === null) break;
    at += count;
  }
  return at;
}
