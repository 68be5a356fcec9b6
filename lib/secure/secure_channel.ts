import type { ByteStream } from "../base/byte_stream.ts";
import { Guesses } from "./guesses.ts";
import {
  ClientHandshake,
  type Secrets,
  ServerHandshake,
  type Session,
} from "./handshake.ts";
import { HASH_SIZE } from "./key_schedule.ts";
import { KeyShare } from "./key_share.ts";
import { readMessage } from "./message_reader.ts";
import {
  decodeRefuse,
  encodeRefuse,
  malformed,
  RecordType,
} from "./messages.ts";
import { refusedByPeer, SecurityFailure } from "./refusal.ts";
import { SecureStream } from "./secure_stream.ts";

/** How a side wants to talk; both have to want the same. */
export type Security =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted" }
  | {
    readonly mode: "code";
    /** As `normalCode` gives it. */
    readonly code: string;
  };

/** A stream on which both sides have agreed. */
export interface Agreed {
  readonly stream: ByteStream;
  /**
   * Three words that are the same on both sides unless somebody is in the
   * middle; `undefined` where that is known already, or not at all.
   */
  readonly words: readonly string[] | undefined;
  /** Resolves when the other side has proved itself, and rejects as reading does if it cannot. */
  readonly confirmed: Promise<void>;
}

/** Makes what one handshake needs: to be done before the connection is opened, as it takes a while. */
export async function prepare(security: Security): Promise<Secrets> {
  const { mode } = security;
  if (mode === "plain") return { mode };
  const keyShare = KeyShare.generate();
  if (mode === "encrypted") return { mode, keyShare };
  // Takes longer to load than all the rest of a handshake.
  const { Cpace } = await import("./cpace.ts");
  const prs = new TextEncoder().encode(security.code);
  const cpace = new Cpace({ prs, ci: ROLES, sid: new Uint8Array(0) });
  return { mode, keyShare, cpace };
}

/** The channel identifier of CPace: who says what first. */
const ROLES = new TextEncoder().encode("ferry send, ferry receive");

/**
 * Agrees with the server, as the client. The server's proof is still under way
 * when this returns: what is written before it came can be opened only by who
 * made the keys with us, in code mode with the code; nothing can be read.
 *
 * @throws {SecurityFailure} as the server said
 * @throws {Failure} `wrong-code`, `corrupt`, `protocol`, or what the stream throws
 */
export async function agreeAsClient(
  stream: ByteStream,
  secrets: Secrets,
): Promise<Agreed> {
  const nonce = crypto.getRandomValues(new Uint8Array(HASH_SIZE));
  const handshake = new ClientHandshake(secrets, nonce);
  await stream.write(handshake.hello);
  const finished = handshake.receiveHello(
    await expect(stream, RecordType.HELLO),
  );
  if (finished === undefined) return plain(stream);
  await stream.write(finished);
  const confirmed = expect(stream, RecordType.FINISHED)
    .then((body) => handshake.receiveFinished(body));
  // Whoever reads hears of it.
  confirmed.catch(() => {});
  const { client, server, words } = handshake.session!;
  const sealed = new SecureStream(stream, {
    sending: client,
    receiving: server,
    beforeReading: () => confirmed,
  });
  return { stream: sealed, words: wordsFor(secrets, words), confirmed };
}

function plain(stream: ByteStream): Agreed {
  return { stream, words: undefined, confirmed: Promise.resolve() };
}

/** Where a code has proved who is there, there is nothing to compare. */
function wordsFor(
  { mode }: Secrets,
  words: readonly string[],
): readonly string[] | undefined {
  return mode === "code" ? undefined : words;
}

/** Reads a message of this type, unless the server refuses. */
async function expect(stream: ByteStream, type: number): Promise<Uint8Array> {
  const message = await readMessage(stream);
  if (message.type === RecordType.REFUSE) {
    throw refusedByPeer(decodeRefuse(message.body));
  }
  if (message.type !== type) throw malformed("its message is out of turn");
  return message.body;
}

/**
 * Agrees with the client, as the server.
 *
 * @param guesses counts what is tried in code mode
 * @throws {SecurityFailure} if the client was refused: it has been told, and the
 * direction to it has ended
 * @throws {Failure} `protocol`, or what the stream throws
 */
export async function agreeAsServer(
  stream: ByteStream,
  secrets: Secrets,
  guesses = new Guesses(Infinity),
): Promise<Agreed> {
  const session = await serve(stream, secrets, guesses)
    .catch((failure) => refuse(stream, failure));
  if (session === undefined) return plain(stream);
  const { client, server, words } = session;
  const keys = { sending: server, receiving: client };
  return {
    stream: new SecureStream(stream, keys),
    words: wordsFor(secrets, words),
    confirmed: Promise.resolve(),
  };
}

async function serve(
  stream: ByteStream,
  secrets: Secrets,
  guesses: Guesses,
): Promise<Session | undefined> {
  const handshake = new ServerHandshake(secrets);
  const hello = await listen(stream, RecordType.HELLO);
  await stream.write(handshake.receiveHello(hello));
  if (secrets.mode === "plain") return undefined;
  const finished = await listen(stream, RecordType.FINISHED);
  const proof = guesses.spend(() => handshake.receiveFinished(finished));
  await stream.write(proof);
  return handshake.session;
}

async function listen(stream: ByteStream, type: number): Promise<Uint8Array> {
  const message = await readMessage(stream);
  if (message.type !== type) throw malformed("its message is out of turn");
  return message.body;
}

async function refuse(stream: ByteStream, failure: unknown): Promise<never> {
  if (failure instanceof SecurityFailure) {
    await stream.write(encodeRefuse(failure.refusal));
    await stream.closeWrite();
  }
  throw failure;
}
