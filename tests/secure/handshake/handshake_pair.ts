import type { ByteStream } from "../../../lib/base/byte_stream.ts";
import { Failure } from "../../../lib/base/failure.ts";
import { refusalOf } from "../../../lib/secure/handshake/handshake_failure.ts";
import {
  type Agreed,
  prepare,
  type Security,
  type ServerOptions,
} from "../../../lib/secure/secure_channel.ts";
import { ServerSecrets } from "../../../lib/secure/handshake/server_secrets.ts";
import { agreeAsClient, agreeAsServer } from "../ciphers.ts";
import { ManInTheMiddle } from "../man_in_the_middle.ts";
import { memoryPair } from "../../support/memory_stream.ts";

/** The outcome for one side. */
export interface Side {
  /** The text that it read. */
  got: string;
  words: readonly string[] | undefined;
  /** Of the client, once it has proved itself. */
  confirmed?: Promise<void>;
  /** The reason if it did not complete. */
  failure: Failure | undefined;
}

/** A client and a server, and the connection between them. */
export interface Talk extends ServerOptions {
  client: Security;
  server?: Security;
  middle?: ManInTheMiddle;
  /**
   * Milliseconds after which the connection breaks, as an idle timeout would.
   */
  limit?: number | undefined;
}

export const QUESTION = "What the client says";
export const ANSWER = "What the server says to that";
export const ENCRYPTED: Security = { mode: "encrypted" };
export const PLAIN: Security = { mode: "plain" };

export function withCode(code: string): Security {
  return { mode: "code", code };
}

/** Runs a client that asks and a server that answers. */
export async function talk(
  { client, server = client, middle = new ManInTheMiddle(), limit, ...options }:
    Talk,
): Promise<{ client: Side; server: Side }> {
  const timer = limit && setTimeout(() => middle.cutOff(), limit);
  const [clients, servers] = await Promise.all([
    side(middle.client, () => false, async (me) => {
      const secrets = await prepare(client);
      const agreed = await agreeAsClient(middle.client, secrets);
      const { stream, words } = agreed;
      me.confirmed = agreed.confirmed;
      await say(stream, QUESTION);
      await hear(stream, me);
      me.words = await words;
    }),
    side(middle.server, isRefusal, async (me) => {
      const agreed = await serve(middle.server, server, options);
      me.words = await agreed.words;
      await hear(agreed.stream, me);
      await say(agreed.stream, ANSWER);
    }),
  ]);
  clearTimeout(timer);
  return { client: clients, server: servers };
}

/** Both sides of a handshake that succeeds. */
export async function agree(security: Security, options?: ServerOptions) {
  const [near, far] = memoryPair();
  const [client, server] = await Promise.all([
    agreeAsClient(near, await prepare(security)),
    serve(far, security, options),
  ]);
  return { client, server };
}

/** Runs the server side with secrets of its own. */
export async function serve(
  stream: ByteStream,
  security: Security,
  options?: ServerOptions,
): Promise<Agreed> {
  using secrets = new ServerSecrets(security);
  return await agreeAsServer(stream, secrets, options);
}

function isRefusal(failure: Failure): boolean {
  return refusalOf(failure) !== undefined;
}

async function side(
  stream: ByteStream,
  tells: (failure: Failure) => boolean,
  run: (me: Side) => Promise<void>,
): Promise<Side> {
  const me: Side = { got: "", words: undefined, failure: undefined };
  try {
    await run(me);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    me.failure = error;
    // A refused client receives REFUSE first
    if (!tells(error)) stream.abort(error);
  }
  return me;
}

/** Sends two records and the end. */
async function say(stream: ByteStream, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await stream.write(bytes.subarray(0, 5));
  await stream.write(bytes.subarray(5));
  await stream.closeWrite();
}

async function hear(stream: ByteStream, me: Side): Promise<void> {
  const decoder = new TextDecoder();
  const into = new Uint8Array(1000);
  for (;;) {
    const count = await stream.read(into);
    if (count === null) return;
    me.got += decoder.decode(into.subarray(0, count), { stream: true });
  }
}
