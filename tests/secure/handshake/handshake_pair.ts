import type { ByteStream } from "../../../lib/base/byte_stream.ts";
import { Failure } from "../../../lib/base/failure.ts";
import { refusalOf } from "../../../lib/secure/handshake/handshake_failure.ts";
import {
  agreeAsClient,
  agreeAsServer,
  type Agreed,
  prepare,
  type Security,
  type ServerOptions,
} from "../../../lib/secure/secure_channel.ts";
import { ServerSecrets } from "../../../lib/secure/handshake/server_secrets.ts";
import { Middle } from "../man_in_the_middle.ts";

/** How a talk went for one side. */
export interface Side {
  /** What it read, as text. */
  got: string;
  words: readonly string[] | undefined;
  /** Of the client, once it has proved itself. */
  confirmed?: Promise<void>;
  /** Why it did not come to the end. */
  failure: Failure | undefined;
}

/** Two who want to talk. */
export interface Talk extends ServerOptions {
  client: Security;
  server?: Security;
  middle?: Middle;
  /** Milliseconds after which both are cut off, as an endpoint does it. */
  limit?: number | undefined;
}

export const QUESTION = "What the client says";
export const ANSWER = "What the server says to that";
export const ENCRYPTED: Security = { mode: "encrypted" };
export const PLAIN: Security = { mode: "plain" };

export function withCode(code: string): Security {
  return { mode: "code", code };
}

/** Lets a client ask and a server answer, as a sender and a receiver do. */
export async function talk(
  { client, server = client, middle = new Middle(), limit, ...options }: Talk,
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

/** Agrees as a server whose secrets are for this connection alone. */
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
    // Whoever is refused has to hear that first
    if (!tells(error)) stream.abort(error);
  }
  return me;
}

/** In two records and an end. */
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
