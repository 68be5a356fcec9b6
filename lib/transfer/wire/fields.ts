import { uint32At, writeUint32 } from "../../base/integers.ts";
import { malformed } from "./malformed.ts";
import {
  millisecondsOf,
  NANOS_PER_MILLI,
  nanosWithin,
  type Timestamp,
} from "./timestamp.ts";
import { utf8 } from "../../base/utf8.ts";

/** Tags from here on must be understood; unknown ones below are skipped. */
export const MUST_UNDERSTAND = 0x80;

/** The tags of all fields. A tag means the same in every message. */
export const Tag = {
  NAME: 0x01,
  SIZE: 0x02,
  MODE: 0x03,
  MTIME: 0x04,
  BYTES: 0x05,
  SHA256: 0x06,
  REASON: 0x07,
  PATH: 0x08,
  RESUMABLE: 0x09,
  COUNT: 0x0a,
  NAMES: 0x0b,
  FILES: 0x0c,
  OMITTED: 0x0d,
  NANOS: 0x0e,
  ATTEMPT: 0x0f,
  VERSION: 0x10,
  EXISTING: 0x11,
  RATE: 0x12,
  KIND: 0x80,
  TARGET: 0x81,
  RESUME: 0x82,
} as const;

const KNOWN_TAGS = new Set<number>(Object.values(Tag));
const FIELD_HEADER_SIZE = 3;

/** Collects fields into the body of a message. */
export class FieldWriter {
  #bytes = new Uint8Array(128);
  #length = 0;

  /** @param start bytes before the fields */
  constructor(...start: number[]) {
    this.#bytes.set(start);
    this.#length = start.length;
  }

  /** Adds a field of at most 65,535 bytes. */
  bytes(tag: number, value: Uint8Array): this {
    const at = this.#header(tag, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  text(tag: number, value: string): this {
    return this.bytes(tag, utf8(value));
  }

  uint8(tag: number, value: number): this {
    const at = this.#header(tag, 1);
    this.#bytes[at] = value;
    return this;
  }

  /** Adds a safe integer in 64 bits, unless it is undefined. */
  int64(tag: number, value: number | undefined): this {
    if (value === undefined) return this;
    const at = this.#header(tag, 8);
    writeInt64(this.#bytes, at, value);
    return this;
  }

  /** Adds a time as MTIME, and NANOS unless it is 0; nothing if it is undefined. */
  time(time: Timestamp | undefined): this {
    if (time === undefined) return this;
    this.int64(Tag.MTIME, millisecondsOf(time));
    const nanos = nanosWithin(time, NANOS_PER_MILLI);
    return nanos === 0n ? this : this.int64(Tag.NANOS, Number(nanos));
  }

  /** The body: the bytes before the fields, and the fields in the order in which they were added. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** @returns where the value goes */
  #header(tag: number, size: number): number {
    const at = this.#length + FIELD_HEADER_SIZE;
    this.#length = at + size;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[at - 3] = tag;
    this.#bytes[at - 2] = size >>> 8;
    this.#bytes[at - 1] = size;
    return at;
  }
}

/** Writes a safe integer as a signed 64-bit one, the highest byte first. */
export function writeInt64(into: Uint8Array, at: number, value: number): void {
  writeUint32(into, at, Math.floor(value / 2 ** 32));
  writeUint32(into, at + 4, value);
}

/**
 * Reads a signed 64-bit integer.
 *
 * @throws {Failure} `malformed` if it is not a safe one, or cut short
 */
export function readInt64(from: Uint8Array, at = 0): number {
  if (from.length < at + 8) throw malformed("an integer is cut short");
  const high = uint32At(from, at) | 0;
  const value = high * 2 ** 32 + uint32At(from, at + 4);
  if (!Number.isSafeInteger(value)) throw malformed("a number is too large");
  return value;
}

/** The fields of a message, by tag. Only the form of what they hold was checked. */
export class Fields {
  #values = new Map<number, Uint8Array>();

  /**
   * @param body what follows the frame's header and the fixed part
   * @throws {Failure} `malformed` if a field is cut short or comes twice, or if
   * it must be understood and is unknown
   */
  constructor(body: Uint8Array) {
    for (let at = 0; at < body.length;) {
      const tag = body[at]!;
      const start = at + FIELD_HEADER_SIZE;
      const end = start + (body[at + 1]! << 8) + (body[at + 2] ?? Infinity);
      if (end > body.length) throw malformed("a field is cut short");
      if (this.#values.has(tag)) throw malformed(`field ${tag} comes twice`);
      if (tag >= MUST_UNDERSTAND && !KNOWN_TAGS.has(tag)) {
        throw malformed(`field ${tag} is not known here`);
      }
      this.#values.set(tag, body.subarray(start, end));
      at = end;
    }
  }

  bytes(tag: number): Uint8Array | undefined {
    return this.#values.get(tag);
  }

  /** @throws {Failure} `malformed` if the field is not one byte long */
  uint8(tag: number): number | undefined {
    return this.#sized(tag, 1)?.[0];
  }

  /** @throws {Failure} `malformed` if it is not eight bytes long or not a safe integer */
  int64(tag: number): number | undefined {
    const value = this.#sized(tag, 8);
    return value && readInt64(value);
  }

  #sized(tag: number, size: number): Uint8Array | undefined {
    const value = this.#values.get(tag);
    if (value !== undefined && value.length !== size) {
      throw malformed(`field ${tag} has ${value.length} bytes, not ${size}`);
    }
    return value;
  }
}
