import type { ByteStream } from "../../lib/base/byte_stream.ts";
import { Failure } from "../../lib/base/failure.ts";
import { uint24At } from "../../lib/base/integers.ts";
import { RECORD_HEADER_SIZE } from "../../lib/secure/handshake/messages.ts";
import { memoryPair } from "../support/memory_stream.ts";

/** From the client to the server, or back. */
export type Direction = "up" | "down";

/** A record on its way. */
export interface Passing {
  readonly direction: Direction;
  /** How many went this way before it. */
  readonly index: number;
  /** With its header; may be changed. */
  readonly record: Uint8Array;
}

/** What becomes of a record: what is sent on in its place; `null` ends the direction. */
export type Meddling = (passing: Passing) => Uint8Array[] | null;

/** Somebody between a client and a server, who sees every record and sends on what they like. */
export class Middle {
  readonly client: ByteStream;
  readonly server: ByteStream;
  /** All that came, in both directions. */
  readonly seen: Passing[] = [];
  readonly #meddle: Meddling;

  constructor(meddle: Meddling = ({ record }) => [record]) {
    this.#meddle = meddle;
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
        const instead = this.#meddle(passing);
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

/** Takes a whole record off a stream, or what there is of one. */
export async function readRecord(
  stream: ByteStream,
): Promise<Uint8Array | null> {
  const header = new Uint8Array(RECORD_HEADER_SIZE);
  const got = await fill(stream, header);
  if (got === 0) return null;
  if (got < RECORD_HEADER_SIZE) return header.slice(0, got);
  const length = uint24At(header, 1);
  const record = new Uint8Array(RECORD_HEADER_SIZE + length);
  record.set(header);
  const body = await fill(stream, record.subarray(RECORD_HEADER_SIZE));
  return record.subarray(0, RECORD_HEADER_SIZE + body);
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
