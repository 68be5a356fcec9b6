import { timingSafeEqual } from "node:crypto";
import { uint32At } from "../../base/integers.ts";
import { Failure } from "../../base/failure.ts";
import { wordsOf } from "../code/code.ts";
import type { Cpace, CpaceMessage } from "../code/cpace.ts";
import {
  deriveSecret,
  handshakeSecret,
  HASH_SIZE,
  hkdfExpandLabel,
  masterSecret,
  NO_SECRET,
  transcriptHash,
  verifyData,
} from "./key_schedule.ts";
import type { KeyShare } from "./key_share.ts";
import {
  type ClientHello,
  decodeClientHello,
  decodeFinished,
  decodeServerHello,
  encodeClientHello,
  encodeFinished,
  encodeServerHello,
  malformedMessage,
  message as messageOf,
  type Mode,
  RecordType,
  type ServerHello,
  type Shares,
} from "./messages.ts";
import type { RefusalCode } from "./handshake_failure.ts";

/** The ephemeral secrets of one side for one handshake. */
export type Secrets =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted"; readonly keyShare: KeyShare }
  | {
    readonly mode: "code";
    readonly keyShare: KeyShare;
    /** Made from the code. */
    readonly cpace: Cpace;
  };

/** Provides a server's secrets for each handshake. */
export interface SecretsSource {
  readonly mode: Mode;
  /** Settles before {@linkcode next} may be called. */
  readonly ready: Promise<void>;
  /** Fresh secrets, never returned twice. */
  next(): Secrets;
}

/** The secrets that both sides share once the client has authenticated. */
export interface Session {
  /** Traffic secret of the direction to the server. */
  readonly client: Uint8Array;
  /** Traffic secret of the direction to the client. */
  readonly server: Uint8Array;
  /** The exporter master secret. */
  readonly exporter: Uint8Array;
  /** 32 bytes unique to this handshake, to bind signatures to it. */
  readonly binding: Uint8Array;
  /** 32 secret bytes for telling the peer where this side may be reached. */
  readonly candidateSecret: Uint8Array;
}

const SESSION_WORD_COUNT = 3;
const NO_BYTES = new Uint8Array(0);

/**
 * The client's side. Messages are returned with their headers, and taken
 * without.
 */
export class ClientHandshake {
  /** The first message to send. */
  readonly hello: Uint8Array;
  readonly #secrets: Secrets;
  readonly #nonce: Uint8Array;
  #peer: ServerHello | undefined;
  #keys: Handshake | undefined;
  #finished: Uint8Array = NO_BYTES;
  #session: Session | undefined;

  /** @param nonce 32 unpredictable bytes */
  constructor(secrets: Secrets, nonce: Uint8Array) {
    this.#secrets = secrets;
    this.#nonce = nonce;
    this.hello = encodeClientHello({
      ...sharesOf(secrets),
      commitment: commitmentTo(nonce, secrets.mode),
    });
  }

  /** Whether the server asks a person; known after {@linkcode receiveHello}. */
  get peerAsks(): boolean {
    return this.#peer?.asks ?? false;
  }

  /**
   * The secrets of the session; set by {@linkcode receiveHello}, except in
   * plain mode.
   */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Processes the server's HELLO.
   *
   * @returns the FINISHED to send; `undefined` in plain mode
   * @throws {Failure} `malformed`, `version-mismatch`
   */
  receiveHello(body: Uint8Array): Uint8Array | undefined {
    const serverHello = decodeServerHello(body);
    const secrets = this.#secrets;
    if (serverHello.mode !== secrets.mode) {
      throw malformedMessage("it answers in another mode");
    }
    this.#peer = serverHello;
    if (secrets.mode === "plain") return undefined;
    const keys = new Handshake(
      secrets,
      serverHello,
      { message: this.hello, shares: sharesOf(secrets) },
      { message: messageOf(RecordType.HELLO, body), shares: serverHello },
    );
    this.#finished = encodeFinished({
      nonce: this.#nonce,
      verifyData: keys.clientProof(this.#nonce),
    });
    this.#keys = keys;
    this.#session = keys.session(this.#finished);
    return this.#finished;
  }

  /**
   * Processes the server's FINISHED.
   *
   * @returns the session words; `undefined` in code mode
   * @throws {Failure} `receiver-unproved`, `handshake-damaged`, `malformed`
   */
  receiveFinished(body: Uint8Array): readonly string[] | undefined {
    const [peer, keys, session] = [this.#peer, this.#keys, this.#session];
    if (peer === undefined || keys === undefined || session === undefined) {
      throw malformedMessage("it is out of turn");
    }
    const withCode = this.#secrets.mode === "code";
    const { nonce, verifyData } = decodeFinished(body);
    const proof = keys.serverProof(this.#finished, nonce);
    if (equalBytes(verifyData, proof) && reveals(nonce, peer.commitment)) {
      if (withCode) return undefined;
      return sessionWords(session, messageOf(RecordType.FINISHED, body));
    }
    throw withCode
      ? new Failure({ code: "receiver-unproved" })
      : damaged("receiver");
  }
}

/** Settings of a {@linkcode ServerHandshake}. */
export interface ServerHandshakeOptions {
  /** 32 unpredictable bytes. */
  readonly nonce: Uint8Array;
  /**
   * Whether a person is asked before anything is accepted.
   * @default {false}
   */
  readonly asks?: boolean;
}

/**
 * The server's side. Messages are returned with their headers, and taken
 * without. Nothing is computed with a client's shares before its FINISHED.
 */
export class ServerHandshake {
  readonly #source: SecretsSource;
  readonly #nonce: Uint8Array;
  readonly #asks: boolean;
  #pending: PendingHandshake | undefined;
  #session: Session | undefined;
  #words: readonly string[] | undefined;

  /**
   * @param source is asked for secrets once a client has sent an acceptable
   * HELLO
   */
  constructor(
    source: SecretsSource,
    { nonce, asks = false }: ServerHandshakeOptions,
  ) {
    this.#source = source;
    this.#nonce = nonce;
    this.#asks = asks;
  }

  /** The secrets of the session; set by {@linkcode receiveFinished}. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * The session words; set by {@linkcode receiveFinished} in encrypted mode.
   */
  get words(): readonly string[] | undefined {
    return this.#words;
  }

  /**
   * Processes the client's HELLO.
   *
   * @returns the server's HELLO, to be sent next
   * @throws {Failure} with a {@linkcode RefusalCode}, or `malformed`
   */
  receiveHello(body: Uint8Array): Uint8Array {
    const clientHello = decodeClientHello(body);
    const code = mismatch(this.#source.mode, clientHello.mode);
    if (code !== undefined) throw new Failure({ code });
    const secrets = this.#source.next();
    const hello = encodeServerHello({
      ...sharesOf(secrets),
      asks: this.#asks,
      commitment: commitmentTo(this.#nonce, secrets.mode),
    });
    if (secrets.mode !== "plain") {
      const message = messageOf(RecordType.HELLO, body);
      this.#pending = { secrets, hello, peer: clientHello, message };
    }
    return hello;
  }

  /**
   * Processes the client's FINISHED.
   *
   * @returns the server's FINISHED, to be sent next
   * @throws {Failure} with a {@linkcode RefusalCode}, or `malformed`
   */
  receiveFinished(body: Uint8Array): Uint8Array {
    if (this.#pending === undefined) {
      throw malformedMessage("it is out of turn");
    }
    const { secrets, hello, peer, message } = this.#pending;
    const { nonce, verifyData } = decodeFinished(body);
    // Checked first: it is cheap and independent of the code
    if (!reveals(nonce, peer.commitment)) throw damaged("sender");
    const keys = new Handshake(
      secrets,
      peer,
      { message, shares: peer },
      { message: hello, shares: sharesOf(secrets) },
    );
    const withCode = secrets.mode === "code";
    if (!equalBytes(verifyData, keys.clientProof(nonce))) {
      throw withCode ? new Failure({ code: "wrong-code" }) : damaged("sender");
    }
    const clientFinished = messageOf(RecordType.FINISHED, body);
    const finished = encodeFinished({
      nonce: this.#nonce,
      verifyData: keys.serverProof(clientFinished, this.#nonce),
    });
    this.#session = keys.session(clientFinished);
    if (!withCode) this.#words = sessionWords(this.#session, finished);
    return finished;
  }
}

/** A server's state between a client's HELLO and its FINISHED. */
interface PendingHandshake {
  readonly secrets: Exclude<Secrets, { mode: "plain" }>;
  /** The server's HELLO. */
  readonly hello: Uint8Array;
  readonly peer: ClientHello;
  /** The client's HELLO, with its header. */
  readonly message: Uint8Array;
}

/** The refusal code for a client whose mode is not that of the server. */
function mismatch(
  here: Mode,
  there: Mode,
): Exclude<RefusalCode, "version-mismatch" | "handshake-damaged"> | undefined {
  if (here === there) return undefined;
  if (here === "code") return "code-required";
  if (here === "plain") return "encryption-refused";
  return there === "plain" ? "encryption-required" : "code-refused";
}

function damaged(by: "sender" | "receiver"): Failure {
  return new Failure({ code: "handshake-damaged", by });
}

/** A HELLO as sent, and its shares. */
interface SentHello {
  readonly message: Uint8Array;
  readonly shares: Shares;
}

/** The key schedule of RFC 8446, section 7.1, from both HELLOs. */
class Handshake {
  /** Transcript-Hash of both hellos. */
  readonly #hellos: Uint8Array;
  readonly #messages: Uint8Array[];
  readonly #secret: Uint8Array;

  /** @throws {Failure} `malformed` if the peer's shares are invalid */
  constructor(
    secrets: Exclude<Secrets, { mode: "plain" }>,
    peer: Shares,
    client: SentHello,
    server: SentHello,
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
      throw malformedMessage("its key share is none");
    }
    this.#messages = [client.message, server.message];
    this.#hellos = transcriptHash(...this.#messages);
    this.#secret = handshakeSecret(psk, ecdhe);
  }

  /** verify_data of the client's FINISHED, which also covers its nonce. */
  clientProof(nonce: Uint8Array): Uint8Array {
    const secret = deriveSecret(this.#secret, "c hs traffic", this.#hellos);
    return verifyData(secret, transcriptHash(...this.#messages, nonce));
  }

  /** verify_data of the server's FINISHED, which also covers its nonce. */
  serverProof(clientFinished: Uint8Array, nonce: Uint8Array): Uint8Array {
    const secret = deriveSecret(this.#secret, "s hs traffic", this.#hellos);
    const said = transcriptHash(...this.#messages, clientFinished, nonce);
    return verifyData(secret, said);
  }

  session(clientFinished: Uint8Array): Session {
    const master = masterSecret(this.#secret);
    const transcript = transcriptHash(...this.#messages, clientFinished);
    const exporter = deriveSecret(master, "exp master", transcript);
    return {
      client: deriveSecret(master, "c ap traffic", transcript),
      server: deriveSecret(master, "s ap traffic", transcript),
      exporter,
      binding: exported(
        exporter,
        "EXPORTER-ferry-attempt",
        NO_BYTES,
        HASH_SIZE,
      ),
      candidateSecret: exported(
        exporter,
        "EXPORTER-ferry-candidates",
        NO_BYTES,
        HASH_SIZE,
      ),
    };
  }
}

/** The session words; they are secret until the server sends its FINISHED. */
function sessionWords({ exporter }: Session, finished: Uint8Array): string[] {
  const label = "EXPORTER-ferry-session-words";
  const bytes = exported(exporter, label, finished, 4);
  return wordsOf(uint32At(bytes, 0), SESSION_WORD_COUNT);
}

/** Exported keying material (RFC 8446, section 7.5). */
function exported(
  exporterSecret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const secret = deriveSecret(exporterSecret, label, transcriptHash());
  return hkdfExpandLabel(secret, "exporter", transcriptHash(context), length);
}

/** The commitment in a HELLO to the nonce that FINISHED reveals. */
function commitmentTo(nonce: Uint8Array, mode: Mode): Uint8Array {
  return mode === "plain" ? NO_BYTES : transcriptHash(nonce);
}

function reveals(nonce: Uint8Array, commitment: Uint8Array): boolean {
  return equalBytes(transcriptHash(nonce), commitment);
}

/** The CPace share, with the rest of the HELLO as its associated data. */
function cpaceMessage({ message, shares }: SentHello): CpaceMessage {
  const { cpaceShare } = shares;
  const ad = message.subarray(0, message.length - cpaceShare.length);
  return { share: cpaceShare, ad };
}

function sharesOf(secrets: Secrets): Shares {
  return {
    mode: secrets.mode,
    keyShare: secrets.mode === "plain" ? NO_BYTES : secrets.keyShare.publicKey,
    cpaceShare: secrets.mode === "code" ? secrets.cpace.share : NO_BYTES,
  };
}

function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
