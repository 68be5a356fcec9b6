import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import { GuessLimiter } from "./code/guess_limiter.ts";
import {
  answerHello,
  ClientHandshake,
  type ServerProof,
} from "./handshake/handshake.ts";
import { HASH_SIZE } from "./handshake/key_schedule.ts";
import { readMessage } from "./handshake/message_reader.ts";
import {
  bodyOf,
  decodeRefuse,
  encodeRefuse,
  RecordType,
} from "./handshake/messages.ts";
import { refusalOf, refusedByPeer } from "./handshake/handshake_failure.ts";
import {
  type Secrets,
  secretsMaker,
  type SecretsSource,
} from "./handshake/secrets.ts";
import type { AeadImplementation } from "./record/aead.ts";
import type { Security } from "./security.ts";
import { SecureStream } from "./secure_stream.ts";

export type { Security };

/** A stream whose handshake is done, as far as this side is concerned. */
export interface Agreed {
  readonly stream: ByteStream;
  /**
   * Three session words, the same on both sides unless the handshake was
   * intercepted; `undefined` in plain and code mode. Known once the server has
   * authenticated; rejects as {@linkcode confirmed} does.
   */
  readonly words: Promise<readonly string[] | undefined>;
  /**
   * 32 bytes that are unique to this handshake and the same on both sides: a
   * signature over them counts for this connection only. Zeros in plain mode.
   */
  readonly binding: Uint8Array;
  /**
   * 32 bytes that both sides alone know, with which they tell each other where they
   * may be reached; `undefined` in plain mode.
   */
  readonly candidateSecret: Uint8Array | undefined;
  /**
   * Resolves when the peer has authenticated, and rejects as reading does if it
   * cannot. At a client in code mode that failure has `afterProof` set: the peer
   * may have tested a guess at the code. A write that fails reports only how the
   * stream below broke.
   */
  readonly confirmed: Promise<void>;
}

/** The client's side of a handshake. */
export interface AgreedWithServer extends Agreed {
  /** Whether the server asks a person before it accepts anything. */
  readonly peerAsks: boolean;
}

const PLAIN: Omit<Agreed, "stream"> = {
  words: Promise.resolve(undefined),
  binding: new Uint8Array(HASH_SIZE),
  candidateSecret: undefined,
  confirmed: Promise.resolve(),
};

/**
 * Generates the secrets of one client handshake. This takes some milliseconds,
 * so it belongs before the connection is opened.
 */
export async function prepare(security: Security): Promise<Secrets> {
  const make = await secretsMaker(security, false);
  return make();
}

/**
 * Runs the handshake as the client. It returns before the server's FINISHED has
 * arrived: data written until then can be decrypted only by the holder of the
 * handshake's keys, in code mode with the code; reads wait for the FINISHED.
 *
 * @param aead resolves to the record cipher; WebCrypto by default
 * @throws {Failure} `peer-refused`, `receiver-unproved`, `handshake-damaged`,
 * `malformed`, or the stream's own failure
 */
export async function agreeAsClient(
  stream: ByteStream,
  secrets: Secrets,
  aead?: Promise<AeadImplementation>,
): Promise<AgreedWithServer> {
  const handshake = new ClientHandshake(secrets, randomNonce());
  await stream.write(handshake.hello);
  const { asks: peerAsks, proof } = handshake.receiveHello(
    await readAnswer(stream, RecordType.HELLO),
  );
  if (proof === undefined) return { ...PLAIN, stream, peerAsks };
  const unanswered = (failure: unknown): never => {
    const guessed = secrets.mode === "code" && failure instanceof Failure;
    throw guessed ? failure.with({ afterProof: true }) : failure;
  };
  await stream.write(proof.finished).catch(unanswered);
  const proved = readAnswer(stream, RecordType.FINISHED)
    .then((message) => proof.receiveFinished(message))
    .catch(unanswered);
  const confirmed = proved.then(() => {});
  // Reading rejects with the same failure.
  for (const promise of [proved, confirmed]) promise.catch(() => {});
  const { client, server, binding, candidateSecret } = proof.session;
  const sealed = new SecureStream(stream, {
    sending: client,
    receiving: server,
    beforeReading: () => confirmed,
    aead: await aead,
  });
  return {
    stream: sealed,
    words: proved,
    binding,
    candidateSecret,
    confirmed,
    peerAsks,
  };
}

function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(HASH_SIZE));
}

/** Reads a message of this type; a REFUSE is thrown as a failure. */
async function readAnswer(
  stream: ByteStream,
  type: number,
): Promise<Uint8Array> {
  const message = await readMessage(stream, type, RecordType.REFUSE);
  if (message[0] !== RecordType.REFUSE) return message;
  throw refusedByPeer(decodeRefuse(bodyOf(message)));
}

/** Settings of {@linkcode agreeAsServer}. */
export interface ServerOptions {
  /** Limits wrong codes; unlimited by default. */
  readonly guesses?: GuessLimiter;
  /**
   * Whether a person is asked before anything is accepted; the client is told.
   * @default {false}
   */
  readonly asks?: boolean;
  /**
   * Resolves when the client's address is validated. Until then its FINISHED is
   * not checked, so that a spoofed address can neither spend a guess nor learn
   * session words. If it rejects, so does the handshake.
   */
  readonly validated?: Promise<void>;
  /**
   * Called in encrypted mode when the client has finished; the server's
   * FINISHED, which reveals the session words, is sent once this resolves.
   * Every try for matching words needs a handshake that gets this far, so tries
   * are counted and delayed here, over all connections. Clients wait for 15
   * seconds at most. If it rejects, so does the handshake.
   */
  readonly beforeFinished?: () => Promise<void>;
  /** The record cipher. @default {WEB_CRYPTO} */
  readonly aead?: AeadImplementation;
}

/**
 * Runs the handshake as the server.
 *
 * @param source provides the secrets once a client has sent an acceptable HELLO
 * @throws {Failure} with a code of `REFUSE_REASONS` if the client was refused:
 * it has been told, and the direction to it has ended; `malformed`, or the
 * stream's own failure
 */
export async function agreeAsServer(
  stream: ByteStream,
  source: SecretsSource,
  options: ServerOptions = {},
): Promise<Agreed> {
  const proof = await serve(stream, source, options)
    .catch((failure) => refuse(stream, failure));
  if (proof === undefined) return { ...PLAIN, stream };
  const { client, server, binding, candidateSecret } = proof.session;
  const { aead } = options;
  const keys = { sending: server, receiving: client, aead };
  return {
    ...PLAIN,
    stream: new SecureStream(stream, keys),
    words: Promise.resolve(proof.words),
    binding,
    candidateSecret,
  };
}

/** @returns what the session is made of; `undefined` in plain mode */
async function serve(
  stream: ByteStream,
  source: SecretsSource,
  options: ServerOptions,
): Promise<ServerProof | undefined> {
  const { guesses = new GuessLimiter(Infinity), asks = false } = options;
  const clientHello = await readMessage(stream, RecordType.HELLO);
  await source.ready;
  const answer = { nonce: randomNonce(), asks };
  const { hello, receiveFinished } = answerHello(source, clientHello, answer);
  await stream.write(hello);
  if (receiveFinished === undefined) return undefined;
  const finished = await readMessage(stream, RecordType.FINISHED);
  await options.validated;
  const proof = guesses.spend(() => receiveFinished(finished));
  if (source.mode === "encrypted") await options.beforeFinished?.();
  await stream.write(proof.finished);
  return proof;
}

async function refuse(stream: ByteStream, failure: unknown): Promise<never> {
  const refusal = refusalOf(failure);
  if (refusal !== undefined) {
    await stream.write(encodeRefuse(refusal));
    await stream.closeWrite();
  }
  throw failure;
}
