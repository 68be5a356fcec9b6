import { timingSafeEqual } from "node:crypto";
import { uint32At } from "../../base/integers.ts";
import { Failure } from "../../base/failure.ts";
import { wordsOf } from "../code/code.ts";
import type { CpaceMessage } from "../code/cpace.ts";
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
import {
  bodyOf,
  decodeClientHello,
  decodeFinished,
  decodeServerHello,
  encodeFinished,
  encodeHello,
  malformedMessage,
  type Mode,
  type Shares,
} from "./messages.ts";
import type { RefusalCode } from "./handshake_failure.ts";
import type { Secrets, SecretsSource } from "./secrets.ts";

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

/** The client's side after the server's HELLO. */
export interface ClientProof {
  /** The FINISHED to send. */
  readonly finished: Uint8Array;
  readonly session: Session;
  /**
   * Processes the server's FINISHED.
   *
   * @returns the session words; `undefined` in code mode
   * @throws {Failure} `receiver-unproved`, `handshake-damaged`, `malformed`
   */
  receiveFinished(message: Uint8Array): readonly string[] | undefined;
}

/** The client's side. Messages are whole records. */
export class ClientHandshake {
  /** The first message to send. */
  readonly hello: Uint8Array;
  readonly #secrets: Secrets;
  readonly #nonce: Uint8Array;

  /** @param nonce 32 unpredictable bytes */
  constructor(secrets: Secrets, nonce: Uint8Array) {
    this.#secrets = secrets;
    this.#nonce = nonce;
    this.hello = encodeHello({
      ...sharesOf(secrets),
      commitment: commitmentTo(nonce, secrets.mode),
    });
  }

  /**
   * Processes the server's HELLO.
   *
   * @returns whether the server asks a person, and how the handshake goes on,
   * except in plain mode
   * @throws {Failure} `malformed`, `version-mismatch`
   */
  receiveHello(message: Uint8Array): { asks: boolean; proof?: ClientProof } {
    const peer = decodeServerHello(bodyOf(message));
    const { asks } = peer;
    const secrets = this.#secrets;
    if (peer.mode !== secrets.mode) {
      throw malformedMessage("it answers in another mode");
    }
    if (secrets.mode === "plain") return { asks };
    const keys = new KeySchedule(
      secrets,
      peer,
      { message: this.hello, shares: sharesOf(secrets) },
      { message, shares: peer },
    );
    const nonce = this.#nonce;
    const verifyData = keys.proof("c", nonce);
    const finished = encodeFinished({ nonce, verifyData });
    const session = keys.session(finished);
    const receiveFinished = (message: Uint8Array) => {
      const { nonce, verifyData } = decodeFinished(bodyOf(message));
      const withCode = secrets.mode === "code";
      const proof = keys.proof("s", finished, nonce);
      if (equalBytes(verifyData, proof) && reveals(nonce, peer.commitment)) {
        return withCode ? undefined : sessionWords(session, message);
      }
      throw withCode
        ? new Failure({ code: "receiver-unproved" })
        : damaged("receiver");
    };
    return { asks, proof: { finished, session, receiveFinished } };
  }
}

/** Settings of {@linkcode answerHello}. */
export interface AnswerOptions {
  /** 32 unpredictable bytes. */
  readonly nonce: Uint8Array;
  /**
   * Whether a person is asked before anything is accepted.
   * @default {false}
   */
  readonly asks?: boolean;
}

/** The server's side after the client's FINISHED. */
export interface ServerProof {
  /** The FINISHED to send. */
  readonly finished: Uint8Array;
  readonly session: Session;
  /** The session words; `undefined` in code mode. */
  readonly words: readonly string[] | undefined;
}

/** The server's side after the client's HELLO. */
export interface ServerAnswer {
  /** The HELLO to send. */
  readonly hello: Uint8Array;
  /**
   * Processes the client's FINISHED; `undefined` in plain mode. Nothing is
   * computed with the client's shares before.
   *
   * @throws {Failure} with a {@linkcode RefusalCode}, or `malformed`
   */
  readonly receiveFinished?: (message: Uint8Array) => ServerProof;
}

/**
 * The server's side: processes the client's HELLO. Messages are whole records.
 *
 * @param source is asked for secrets once the HELLO is acceptable
 * @throws {Failure} with a {@linkcode RefusalCode}, or `malformed`
 */
export function answerHello(
  source: SecretsSource,
  message: Uint8Array,
  options: AnswerOptions,
): ServerAnswer {
  const peer = decodeClientHello(bodyOf(message));
  const code = mismatch(source.mode, peer.mode);
  if (code !== undefined) throw new Failure({ code });
  const secrets = source.next();
  const { nonce, asks = false } = options;
  const shares = sharesOf(secrets);
  const commitment = commitmentTo(nonce, secrets.mode);
  const hello = encodeHello({ ...shares, asks, commitment });
  if (secrets.mode === "plain") return { hello };
  const receiveFinished = (finished: Uint8Array) => {
    const theirs = decodeFinished(bodyOf(finished));
    // Checked first: it is cheap and independent of the code
    if (!reveals(theirs.nonce, peer.commitment)) throw damaged("sender");
    const sent = { message: hello, shares };
    const keys = new KeySchedule(
      secrets,
      peer,
      { message, shares: peer },
      sent,
    );
    const withCode = secrets.mode === "code";
    if (!equalBytes(theirs.verifyData, keys.proof("c", theirs.nonce))) {
      throw withCode ? new Failure({ code: "wrong-code" }) : damaged("sender");
    }
    const verifyData = keys.proof("s", finished, nonce);
    const answer = encodeFinished({ nonce, verifyData });
    const session = keys.session(finished);
    const words = withCode ? undefined : sessionWords(session, answer);
    return { finished: answer, session, words };
  };
  return { hello, receiveFinished };
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

interface SentHello {
  readonly message: Uint8Array;
  readonly shares: Shares;
}

/** The key schedule of RFC 8446, section 7.1, from both HELLOs. */
class KeySchedule {
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

  /**
   * verify_data of a FINISHED.
   *
   * @param said after the HELLOs, and the nonce of the FINISHED
   */
  proof(side: "c" | "s", ...said: Uint8Array[]): Uint8Array {
    const secret = deriveSecret(
      this.#secret,
      `${side} hs traffic`,
      this.#hellos,
    );
    return verifyData(secret, transcriptHash(...this.#messages, ...said));
  }

  session(clientFinished: Uint8Array): Session {
    const master = masterSecret(this.#secret);
    const transcript = transcriptHash(...this.#messages, clientFinished);
    const exporter = deriveSecret(master, "exp master", transcript);
    return {
      client: deriveSecret(master, "c ap traffic", transcript),
      server: deriveSecret(master, "s ap traffic", transcript),
      exporter,
      binding: exported(exporter, "EXPORTER-ferry-attempt"),
      candidateSecret: exported(exporter, "EXPORTER-ferry-candidates"),
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
  context: Uint8Array = NO_BYTES,
  length = HASH_SIZE,
): Uint8Array {
  const secret = deriveSecret(exporterSecret, label, transcriptHash());
  return hkdfExpandLabel(secret, "exporter", length, transcriptHash(context));
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
