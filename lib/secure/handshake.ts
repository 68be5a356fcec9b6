import { timingSafeEqual } from "node:crypto";
import { Failure } from "../base/failure.ts";
import { wordsOf } from "./code.ts";
import type { Cpace, CpaceMessage } from "./cpace.ts";
import {
  deriveSecret,
  handshakeSecret,
  hkdfExpandLabel,
  masterSecret,
  NO_SECRET,
  transcriptHash,
  verifyData,
} from "./key_schedule.ts";
import type { KeyShare } from "./key_share.ts";
import {
  type ClientHello,
  decodeClientFinished,
  decodeClientHello,
  decodeServerHello,
  encodeClientFinished,
  encodeClientHello,
  encodeServerHello,
  malformed,
  message,
  type Mode,
  RecordType,
  type ServerHello,
  type Shares,
} from "./messages.ts";
import { Refusal, refusedHere } from "./refusal.ts";

/** What a side brings to one handshake, and to no other. */
export type Secrets =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted"; readonly keyShare: KeyShare }
  | {
    readonly mode: "code";
    readonly keyShare: KeyShare;
    /** Made from the code. */
    readonly cpace: Cpace;
  };

/** What both sides know in the end. */
export interface Session {
  /** Traffic secret of what the client sends. */
  readonly client: Uint8Array;
  /** Traffic secret of what the server sends. */
  readonly server: Uint8Array;
  /** Three words that are the same on both sides, unless somebody is in the middle. */
  readonly words: readonly string[];
}

const WORDS = 3;
const NOTHING = new Uint8Array(0);

/** The side that opened the connection. Its messages have their headers; those that it takes do not. */
export class ClientHandshake {
  /** What to say first. */
  readonly hello: Uint8Array;
  readonly #secrets: Secrets;
  readonly #nonce: Uint8Array;
  #session: Session | undefined;
  #proof: Uint8Array = NOTHING;

  /** @param nonce 32 unpredictable bytes */
  constructor(secrets: Secrets, nonce: Uint8Array) {
    this.#secrets = secrets;
    this.#nonce = nonce;
    const plain = secrets.mode === "plain";
    this.hello = encodeClientHello({
      ...sharesOf(secrets),
      commitment: plain ? NOTHING : transcriptHash(nonce),
    });
  }

  /** What to encrypt with; there after {@linkcode receiveHello}, unless the mode is plain. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Takes the server's hello.
   *
   * @returns FINISHED, to be said next; in plain mode there is none
   * @throws {Failure} `protocol`, `refused`
   */
  receiveHello(body: Uint8Array): Uint8Array | undefined {
    const serverHello = decodeServerHello(body);
    const secrets = this.#secrets;
    if (serverHello.mode !== secrets.mode) {
      throw malformed("it answers in another mode");
    }
    if (secrets.mode === "plain") return undefined;
    const keys = new Handshake(
      secrets,
      serverHello,
      { message: this.hello, shares: sharesOf(secrets) },
      { message: message(RecordType.HELLO, body), shares: serverHello },
    );
    const finished = encodeClientFinished({
      nonce: this.#nonce,
      verifyData: keys.clientProof(this.#nonce),
    });
    this.#proof = keys.serverProof(finished);
    this.#session = keys.session(finished);
    return finished;
  }

  /**
   * Takes the server's FINISHED.
   *
   * @throws {Failure} `wrong-code` or `corrupt` if it does not know what it should
   */
  receiveFinished(body: Uint8Array): void {
    if (this.#session === undefined) throw malformed("it is out of turn");
    if (equal(body, this.#proof)) return;
    if (this.#secrets.mode === "code") {
      throw new Failure(
        "wrong-code",
        "Whoever answers as the receiver does not know the code",
      );
    }
    throw new Failure(
      "corrupt",
      "The handshake was changed on the way: the network is broken, or somebody interferes",
    );
  }
}

/** The side that was connected to. Its messages have their headers; those that it takes do not. */
export class ServerHandshake {
  readonly #secrets: Secrets;
  #commitment: Uint8Array = NOTHING;
  #keys: Handshake | undefined;
  #session: Session | undefined;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** What to encrypt with; there after {@linkcode receiveFinished}. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Takes the client's hello.
   *
   * @returns the server's hello, to be said next
   * @throws {SecurityFailure} with what to refuse it for
   * @throws {Failure} `protocol`
   */
  receiveHello(body: Uint8Array): Uint8Array {
    const clientHello = decodeClientHello(body);
    const secrets = this.#secrets;
    const refusal = mismatch(secrets.mode, clientHello.mode);
    if (refusal !== undefined) throw refusedHere(refusal);
    const shares = sharesOf(secrets);
    const hello = encodeServerHello(shares);
    if (secrets.mode === "plain") return hello;
    this.#commitment = clientHello.commitment;
    this.#keys = new Handshake(
      secrets,
      clientHello,
      { message: message(RecordType.HELLO, body), shares: clientHello },
      { message: hello, shares },
    );
    return hello;
  }

  /**
   * Takes the client's FINISHED.
   *
   * @returns the server's FINISHED, to be said next
   * @throws {SecurityFailure} with what to refuse it for
   * @throws {Failure} `protocol`
   */
  receiveFinished(body: Uint8Array): Uint8Array {
    const keys = this.#keys;
    if (keys === undefined) throw malformed("it is out of turn");
    const { nonce, verifyData } = decodeClientFinished(body);
    const proved = equal(verifyData, keys.clientProof(nonce)) &&
      equal(transcriptHash(nonce), this.#commitment);
    if (!proved) {
      const wrongCode = this.#secrets.mode === "code";
      throw refusedHere(wrongCode ? Refusal.WRONG_CODE : Refusal.BROKEN);
    }
    const finished = message(RecordType.FINISHED, body);
    this.#session = keys.session(finished);
    return message(RecordType.FINISHED, keys.serverProof(finished));
  }
}

/** What a server holds against a client that wants to talk otherwise. */
function mismatch(here: Mode, there: Mode): number | undefined {
  if (here === there) return undefined;
  if (here === "code") return Refusal.CODE_WANTED;
  if (here === "plain") return Refusal.PLAIN_HERE;
  return there === "plain" ? Refusal.ENCRYPTED_HERE : Refusal.NO_CODE_HERE;
}

/** A hello, and what is in it. */
interface Said {
  readonly message: Uint8Array;
  readonly shares: ClientHello | ServerHello | Shares;
}

/** What follows from both hellos: the key schedule of RFC 8446, section 7.1. */
class Handshake {
  /** Transcript-Hash of both hellos. */
  readonly #hellos: Uint8Array;
  readonly #messages: Uint8Array[];
  readonly #secret: Uint8Array;

  /** @throws {Failure} `protocol` if the peer's shares are none */
  constructor(
    secrets: Exclude<Secrets, { mode: "plain" }>,
    peer: Shares,
    client: Said,
    server: Said,
  ) {
    const ecdhe = secrets.keyShare.agree(peer.keyShare);
    const psk = secrets.mode === "code"
      ? secrets.cpace.sessionKey(
        peer.cpaceShare,
        cpaceMessage(client),
        cpaceMessage(server),
      )
      : NO_SECRET;
    if (ecdhe === undefined || psk === undefined) {
      throw malformed("its key share is none");
    }
    this.#messages = [client.message, server.message];
    this.#hellos = transcriptHash(...this.#messages);
    this.#secret = handshakeSecret(psk, ecdhe);
  }

  /** verify_data of the client's FINISHED, which also covers the nonce. */
  clientProof(nonce: Uint8Array): Uint8Array {
    const secret = deriveSecret(this.#secret, "c hs traffic", this.#hellos);
    return verifyData(secret, transcriptHash(...this.#messages, nonce));
  }

  /** verify_data of the server's FINISHED. */
  serverProof(clientFinished: Uint8Array): Uint8Array {
    const secret = deriveSecret(this.#secret, "s hs traffic", this.#hellos);
    return verifyData(secret, this.#transcript(clientFinished));
  }

  session(clientFinished: Uint8Array): Session {
    const master = masterSecret(this.#secret);
    const transcript = this.#transcript(clientFinished);
    const exporter = deriveSecret(master, "exp master", transcript);
    return {
      client: deriveSecret(master, "c ap traffic", transcript),
      server: deriveSecret(master, "s ap traffic", transcript),
      words: sessionWords(exporter),
    };
  }

  #transcript(clientFinished: Uint8Array): Uint8Array {
    return transcriptHash(...this.#messages, clientFinished);
  }
}

/** Exported keying material (RFC 8446, section 7.5), as words. */
function sessionWords(exporterSecret: Uint8Array): string[] {
  const label = "EXPORTER-ferry-session-words";
  const secret = deriveSecret(exporterSecret, label, transcriptHash());
  const bytes = hkdfExpandLabel(secret, "exporter", transcriptHash(), 4);
  return wordsOf(new DataView(bytes.buffer).getUint32(0), WORDS);
}

/** The share, and the rest of the hello as the data that goes with it. */
function cpaceMessage({ message, shares }: Said): CpaceMessage {
  const { cpaceShare } = shares;
  const ad = message.subarray(0, message.length - cpaceShare.length);
  return { share: cpaceShare, ad };
}

function sharesOf(secrets: Secrets): Shares {
  return {
    mode: secrets.mode,
    keyShare: secrets.mode === "plain" ? NOTHING : secrets.keyShare.publicKey,
    cpaceShare: secrets.mode === "code" ? secrets.cpace.share : NOTHING,
  };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
