import { Failure } from "../base/failure.ts";

/** Tags from here on must be understood; those below may be skipped. */
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
  MESSAGE: 0x08,
  KIND: 0x80,
} as const;

const KNOWN = new Set<number>(Object.values(Tag));
const FIELD_HEADER_SIZE = 3;

/** Collects fields into the body of a message. */
export class FieldWriter {
  #parts: number[] = [];

  /** @param start bytes that stand before the fields */
  constructor(...start: number[]) {
    this.#parts.push(...start);
  }

  /** Adds a field of at most 65,535 bytes. */
  bytes(tag: number, value: Uint8Array): this {
    this.#parts.push(tag, value.length >>> 8, value.length & 0xff, ...value);
    return this;
  }

  text(tag: number, value: string): this {
    return this.bytes(tag, new TextEncoder().encode(value));
  }

  uint8(tag: number, value: number): this {
    return this.bytes(tag, Uint8Array.of(value));
  }

  /** Adds an integer as a signed 64-bit one, the highest byte first. */
  int64(tag: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
    return this.bytes(tag, bytes);
  }

  /** The body: what came before the fields, and the fields in the order in which they were added. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#parts);
  }
}

/** The fields of a message, by tag. What a peer wrote: nothing but the form is known to be right. */
export class Fields {
  #values = new Map<number, Uint8Array>();

  /**
   * @param body what follows the frame's header and the fixed part
   * @throws {Failure} `protocol` if a field is cut short or comes twice, or if
   * it must be understood and is not known here
   */
  constructor(body: Uint8Array) {
    for (let at = 0; at < body.length;) {
      const end = at + FIELD_HEADER_SIZE + (body[at + 1] << 8 | body[at + 2]);
      // A header that is cut short makes `end` not a number
      if (!(at + FIELD_HEADER_SIZE <= body.length && end <= body.length)) {
        throw malformed("a field is cut short");
      }
      const tag = body[at];
      if (this.#values.has(tag)) throw malformed(`field ${tag} comes twice`);
      if (tag >= MUST_UNDERSTAND && !KNOWN.has(tag)) {
        throw malformed(`field ${tag} is not known here`);
      }
      this.#values.set(tag, body.subarray(at + FIELD_HEADER_SIZE, end));
      at = end;
    }
  }

  bytes(tag: number): Uint8Array | undefined {
    return this.#values.get(tag);
  }

  /** @throws {Failure} `protocol` if the field is not one byte long */
  uint8(tag: number): number | undefined {
    return this.#sized(tag, 1)?.getUint8(0);
  }

  /** @throws {Failure} `protocol` if it is not eight bytes long or not a safe integer */
  int64(tag: number): number | undefined {
    const value = this.#sized(tag, 8)?.getBigInt64(0);
    if (value === undefined) return undefined;
    if (!Number.isSafeInteger(Number(value))) {
      throw malformed(`field ${tag} holds too large a number`);
    }
    return Number(value);
  }

  #sized(tag: number, size: number): DataView | undefined {
    const value = this.#values.get(tag);
    if (value === undefined) return undefined;
    if (value.length !== size) {
      throw malformed(`field ${tag} has ${value.length} bytes, not ${size}`);
    }
    return new DataView(value.buffer, value.byteOffset, size);
  }
}

/** What is said of a message that breaks the rules. */
export function malformed(what: string): Failure {
  return new Failure("protocol", `The other side sent a bad message: ${what}`);
}
