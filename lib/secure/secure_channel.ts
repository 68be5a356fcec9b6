import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import { GuessLimiter } from "./code/guess_limiter.ts";
import {
  ClientHandshake,
  type Secrets,
  type SecretsSource,
  ServerHandshake,
} from "./handshake/handshake.ts";
import { HASH_SIZE } from "./handshake/key_schedule.ts";
import { KeyShare } from "./handshake/key_share.ts";
import { readMessage } from "./handshake/message_reader.ts";
import {
  decodeRefuse,
  encodeRefuse,
  malformedMessage,
  RecordType,
} from "./handshake/messages.ts";
import { refusalOf, refusedByPeer } from "./handshake/handshake_failure.ts";
import type { AeadImplementation } from "./record/aead.ts";
import { cpaceInputs, type Security } from "./security.ts";
import { SecureStream } from "./secure_stream.ts";

export type { Security };

/** A stream on which both sides have agreed. */
export interface Agreed {
  readonly stream: ByteStream;
  /**
   * Three words that are the same on both sides unless somebody is in the
   * middle; `undefined` where that is known already, or not at all. Known once
   * the server has proved itself; rejects as {@linkcode confirmed} does.
   */
  readonly words: Promise<readonly string[] | undefined>;
  /**
   * 32 bytes that are the same on both sides and that no other handshake has, to
   * bind what is signed to this one; zeros in plain mode.
   */
  readonly binding: Uint8Array;
  /** Resolves when the other side has proved itself, and rejects as reading does if it cannot. */
  readonly confirmed: Promise<void>;
}

/** What a client has agreed on with a server. */
export interface AgreedWithServer extends Agreed {
  /**
   * Resolves when the server has proved itself. In code mode it rejects with
   * a failure whose `afterProof` is set: the peer can check a guess at the code.
   * A write that fails tells only how the stream below broke.
   */
  readonly confirmed: Promise<void>;
  /** Whether the server asks a person before it accepts anything. */
  readonly peerAsks: boolean;
}

/** The binding of plain mode. */
const NO_BINDING = new Uint8Array(HASH_SIZE);

/**
 * Makes what a client needs for one handshake: to be done before the connection
 * is opened, as it takes a while.
 */
export async function prepare(security: Security): Promise<Secrets> {
  const { mode } = security;
  if (mode === "plain") return { mode };
  const keyShare = KeyShare.generate();
  if (mode === "encrypted") return { mode, keyShare };
  // Takes longer to load than all the rest of a handshake.
  const { Cpace } = await import("./code/cpace.ts");
  return { mode, keyShare, cpace: new Cpace(cpaceInputs(security.code)) };
}

/**
 * Agrees with the server, as the client. The server's proof is still under way
 * when this returns: what is written before it came can be opened only by who
 * made the keys with us, in code mode with the code; nothing can be read.
 *
 * @param aead what seals and opens records, once it is loaded; WebCrypto by default
 * @throws {Failure} `peer-refused`, `receiver-unproved`, `handshake-damaged`,
 * `malformed`, or what the stream throws
 */
export async function agreeAsClient(
  stream: ByteStream,
  secrets: Secrets,
  aead?: Promise<AeadImplementation>,
): Promise<AgreedWithServer> {
  const handshake = new ClientHandshake(secrets, randomNonce());
  await stream.write(handshake.hello);
  const finished = handshake.receiveHello(
    await expect(stream, RecordType.HELLO),
  );
  const { peerAsks, session } = handshake;
  if (finished === undefined || session === undefined) {
    return { ...plain(stream), peerAsks };
  }
  const unanswered = (failure: unknown): never => {
    const guessed = secrets.mode === "code" && failure instanceof Failure;
    throw guessed ? failure.with({ afterProof: true }) : failure;
  };
  await stream.write(finished).catch(unanswered);
  const proved = expect(stream, RecordType.FINISHED)
    .then((body) => handshake.receiveFinished(body))
    .catch(unanswered);
  const confirmed = proved.then(() => {});
  // Whoever reads hears of it.
  for (const promise of [proved, confirmed]) promise.catch(() => {});
  const { client, server, binding } = session;
  const sealed = new SecureStream(stream, {
    sending: client,
    receiving: server,
    beforeReading: () => confirmed,
    ...aead && { aead: await aead },
  });
  return { stream: sealed, words: proved, binding, confirmed, peerAsks };
}

function plain(stream: ByteStream): Agreed {
  return {
    stream,
    words: Promise.resolve(undefined),
    binding: NO_BINDING,
    confirmed: Promise.resolve(),
  };
}

function randomNonce(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(HASH_SIZE));
}

/** Reads a message of this type, unless the server refuses. */
async function expect(stream: ByteStream, type: number): Promise<Uint8Array> {
  const message = await readMessage(stream);
  if (message.type === RecordType.REFUSE) {
    throw refusedByPeer(decodeRefuse(message.body));
  }
  if (message.type !== type) {
    throw malformedMessage("its message is out of turn");
  }
  return message.body;
}

/** Settings of {@linkcode agreeAsServer}. */
export interface ServerOptions {
  /** Counts what is tried in code mode; any number of wrong codes unless given. */
  readonly guesses?: GuessLimiter;
  /**
   * Whether a person is asked here before anything is accepted: the client is told.
   * @default {false}
   */
  readonly asks?: boolean;
  /**
   * Resolves when the client's address is validated: before that nothing is
   * computed with its FINISHED, so that no guess at the code counts, and no words
   * are told, of somebody who may be anywhere. If it rejects, so does agreeing.
   */
  readonly validated?: Promise<void>;
  /**
   * In encrypted mode, called when the client has finished and knows no session
   * words yet; they are told once this resolves. Whoever tries for words needs a
   * handshake that comes this far for each try, so here they are counted, over all
   * connections, and made to wait. Clients wait for it no longer than 15 seconds.
   * If it rejects, so does agreeing.
   */
  readonly beforeFinished?: () => Promise<void>;
  /** What seals and opens records. @default {WEB_CRYPTO} */
  readonly aead?: AeadImplementation;
}

/**
 * Agrees with the client, as the server.
 *
 * @param source gives the secrets, once a client has said a HELLO that fits
 * @throws {Failure} with a code of `REFUSE_REASONS` if the client was refused: it has
 * been told, and the direction to it has ended; `malformed`, or what the stream
 * throws
 */
export async function agreeAsServer(
  stream: ByteStream,
  source: SecretsSource,
  options: ServerOptions = {},
): Promise<Agreed> {
  const handshake = await serve(stream, source, options)
    .catch((failure) => refuse(stream, failure));
  const { session, words } = handshake;
  if (session === undefined) return plain(stream);
  const { client, server, binding } = session;
  const { aead } = options;
  const keys = { sending: server, receiving: client, ...aead && { aead } };
  return {
    stream: new SecureStream(stream, keys),
    words: Promise.resolve(words),
    binding,
    confirmed: Promise.resolve(),
  };
}

async function serve(
  stream: ByteStream,
  source: SecretsSource,
  options: ServerOptions,
): Promise<ServerHandshake> {
  const { guesses = new GuessLimiter(Infinity), asks = false } = options;
  const handshake = new ServerHandshake(source, { nonce: randomNonce(), asks });
  const hello = await listen(stream, RecordType.HELLO);
  await source.ready;
  await stream.write(handshake.receiveHello(hello));
  if (source.mode === "plain") return handshake;
  const finished = await listen(stream, RecordType.FINISHED);
  await options.validated;
  const proof = guesses.spend(() => handshake.receiveFinished(finished));
  if (source.mode === "encrypted") await options.beforeFinished?.();
  await stream.write(proof);
  return handshake;
}

async function listen(stream: ByteStream, type: number): Promise<Uint8Array> {
  const message = await readMessage(stream);
  if (message.type !== type) {
    throw malformedMessage("its message is out of turn");
  }
  return message.body;
}

async function refuse(stream: ByteStream, failure: unknown): Promise<never> {
  const refusal = refusalOf(failure);
  if (refusal !== undefined) {
    await stream.write(encodeRefuse(refusal));
    await stream.closeWrite();
  }
  throw failure;
}
