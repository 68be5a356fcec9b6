import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { uint32At, writeUint32 } from "../base/integers.ts";
import type { Address } from "../protocol/connection/address.ts";
import type { DatagramProtocol } from "../protocol/demux/datagram_protocol.ts";
import {
  decodeSideDatagram,
  encodeSideDatagram,
  SideMark,
} from "../protocol/wire/side_datagram.ts";
import { ADDRESS_SIZE, readAddress, writeAddress } from "./address_codec.ts";

/** Addresses that a side tells, at most. */
export const MAX_CANDIDATES = 8;
/** Milliseconds until it is said again, doubled each time. */
const FIRST_RETRY = 200;
/** How often it is said without an answer. */
const MAX_TRIES = 10;
/** How often an answer is given to what is said again. */
const MAX_ANSWERS = 32;

const ID_SIZE = 4;
const COUNT_SIZE = 4;
const TAG_SIZE = 16;
/** Flags, how many addresses there are, and these. */
const PLAIN_SIZE = 2 + MAX_CANDIDATES * ADDRESS_SIZE;
const KIND = 1;
/** The other side's addresses have come. */
const HEARD = 1;
/** This side knows that its own have come. */
const KNOWS = 2;
const CIPHER = "aes-256-gcm";
const KEY_SIZE = 32;
const NONCE_SIZE = 12;

/** Settings of a {@linkcode CandidateExchange}. */
export interface CandidateExchangeOptions<Peer extends Address> {
  readonly role: "client" | "server";
  /** Shared with the peer alone, and for this connection alone. */
  readonly secret: Uint8Array;
  /** The connection's id. */
  readonly connection: number;
  readonly relay: Peer;
  /** Where this side may be reached. */
  readonly candidates: readonly Address[];
  /** Is called once with those of the peer. */
  readonly onCandidates: (candidates: readonly Address[]) => void;
}

/**
 * Tells the peer, by a relay that can neither read nor change it, where this side
 * may be reached, and hears the same of the peer. A pure state machine.
 */
export class CandidateExchange<Peer extends Address>
  implements DatagramProtocol<Peer> {
  readonly #options: CandidateExchangeOptions<Peer>;
  readonly #sendKey: Uint8Array;
  readonly #receiveKey: Uint8Array;
  #count = 0;
  #tries = 0;
  #answers = 0;
  #nextAt = -Infinity;
  #hasTheirs = false;
  #hasOurs = false;

  constructor(options: CandidateExchangeOptions<Peer>) {
    this.#options = options;
    const { role, secret } = options;
    const other = role === "client" ? "server" : "client";
    this.#sendKey = keyOf(secret, role);
    this.#receiveKey = keyOf(secret, other);
  }

  receive(now: number, datagram: Uint8Array, _from: Peer): boolean {
    const said = decodeSideDatagram(SideMark.CANDIDATES, datagram);
    if (said === undefined || said.kind !== KIND) return false;
    const { body } = said;
    const { connection } = this.#options;
    if (uint32At(body, 0) !== connection) return false;
    const plain = this.#open(body);
    if (plain === undefined) return true;
    const [flags = 0, count = 0] = plain;
    if (flags & HEARD) this.#hasOurs = true;
    if (!this.#hasTheirs) {
      this.#hasTheirs = true;
      this.#options.onCandidates(addressesIn(plain, count));
    }
    const isOver = (flags & KNOWS) !== 0;
    if (!isOver && this.#answers++ < MAX_ANSWERS) this.#nextAt = now;
    else if (this.#hasOurs) this.#nextAt = Infinity;
    return true;
  }

  poll(now: number): { bytes: Uint8Array; to: Peer } | undefined {
    if (this.#nextAt > now) return undefined;
    const isOver = this.#hasOurs && this.#hasTheirs ||
      ++this.#tries >= MAX_TRIES;
    this.#nextAt = isOver
      ? Infinity
      : now + FIRST_RETRY * 2 ** (this.#tries - 1);
    return { bytes: this.#seal(), to: this.#options.relay };
  }

  get deadline(): number {
    return this.#nextAt;
  }

  #seal(): Uint8Array {
    const { connection, candidates } = this.#options;
    const told = candidates.slice(0, MAX_CANDIDATES);
    const plain = new Uint8Array(PLAIN_SIZE);
    plain[0] = (this.#hasTheirs ? HEARD : 0) | (this.#hasOurs ? KNOWS : 0);
    plain[1] = told.length;
    for (const [index, candidate] of told.entries()) {
      writeAddress(plain, 2 + index * ADDRESS_SIZE, candidate);
    }
    const body = new Uint8Array(
      ID_SIZE + COUNT_SIZE + PLAIN_SIZE + TAG_SIZE,
    );
    writeUint32(body, 0, connection);
    writeUint32(body, ID_SIZE, this.#count++);
    const header = body.subarray(0, ID_SIZE + COUNT_SIZE);
    const cipher = createCipheriv(CIPHER, this.#sendKey, nonceOf(header));
    cipher.setAAD(header);
    body.set(cipher.update(plain), header.length);
    cipher.final();
    body.set(cipher.getAuthTag(), header.length + PLAIN_SIZE);
    return encodeSideDatagram(SideMark.CANDIDATES, { kind: KIND, body });
  }

  #open(body: Uint8Array): Uint8Array | undefined {
    const start = ID_SIZE + COUNT_SIZE;
    const end = start + PLAIN_SIZE;
    if (body.length < end + TAG_SIZE) return undefined;
    const header = body.subarray(0, start);
    const cipher = createDecipheriv(
      CIPHER,
      this.#receiveKey,
      nonceOf(header),
    );
    cipher.setAAD(header);
    cipher.setAuthTag(body.subarray(end, end + TAG_SIZE));
    const plain = cipher.update(body.subarray(start, end));
    try {
      cipher.final();
      return plain;
    } catch {
      return undefined;
    }
  }
}

function keyOf(secret: Uint8Array, role: string): Uint8Array {
  const label = `ferry candidates ${role}`;
  return new Uint8Array(hkdfSync("sha256", secret, "", label, KEY_SIZE));
}

/** Zeros and the count of the datagram, which is used once. */
function nonceOf(header: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(NONCE_SIZE);
  nonce.set(header.subarray(ID_SIZE), NONCE_SIZE - COUNT_SIZE);
  return nonce;
}

function addressesIn(plain: Uint8Array, count: number): Address[] {
  return Array.from(
    { length: Math.min(count, MAX_CANDIDATES) },
    (_, index) => readAddress(plain, 2 + index * ADDRESS_SIZE) ?? [],
  ).flat();
}
