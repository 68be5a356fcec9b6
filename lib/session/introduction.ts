import type { ByteStream } from "../base/byte_stream.ts";
import { Failure } from "../base/failure.ts";
import type { Channel } from "../endpoint/channel.ts";
import { normalCode } from "../secure/code.ts";
import { Refusal, SecurityFailure } from "../secure/refusal.ts";
import {
  agreeAsClient,
  prepare,
  type Security,
} from "../secure/secure_channel.ts";
import { farewell } from "./farewell.ts";
import type { Listener } from "./listener.ts";
import type { WantedSecurity } from "./options.ts";

/** Milliseconds that a receiver may take to agree, once it has answered. */
const LIMIT = 15_000;

/** A connection to the receiver, and the stream that both have agreed on. */
export interface Introduced {
  readonly channel: Channel;
  readonly stream: ByteStream;
}

/** Asks a person for the receiver's code; undefined: there is nobody to ask. */
export type AskCode = () => Promise<string | undefined>;

/**
 * Connects to the receiver and agrees with it on how to talk. Where it wants a
 * code and none was given, a person is asked for it.
 *
 * @param connect opens a connection
 * @throws {Failure} if they do not come together
 */
export async function introduce(
  wanted: WantedSecurity,
  connect: () => Promise<Channel>,
  listener: Listener,
  ask: AskCode = () => Promise.resolve(undefined),
): Promise<Introduced> {
  if (wanted.mode !== "code") {
    try {
      return await agree(wanted, connect, listener);
    } catch (failure) {
      if (!wantsCode(failure)) throw failure;
      const code = wanted.mode === "encrypted"
        ? normalized(await ask())
        : undefined;
      if (code === undefined) throw failure;
      return await agree({ mode: "code", code }, connect, listener);
    }
  }
  const code = normalized(wanted.code ?? await ask());
  if (code === undefined) {
    throw new SecurityFailure(
      "usage",
      Refusal.CODE_WANTED,
      "There is no terminal to ask for the code: give it with --code=CODE or in FERRY_CODE",
    );
  }
  return await agree({ mode: "code", code }, connect, listener);
}

function normalized(code: string | undefined): string | undefined {
  return code === undefined ? undefined : normalCode(code);
}

function wantsCode(failure: unknown): boolean {
  return failure instanceof SecurityFailure &&
    failure.refusal === Refusal.CODE_WANTED;
}

async function agree(
  security: Security,
  connect: () => Promise<Channel>,
  listener: Listener,
): Promise<Introduced> {
  const secrets = await prepare(security);
  const channel = await connect();
  let timer: ReturnType<typeof setTimeout> | undefined;
  channel.established.then(() => {
    timer = setTimeout(() => channel.abort(tooSlow(channel.peer)), LIMIT);
  }, () => {});
  try {
    const { stream, words } = await agreeAsClient(channel, secrets);
    listener.agreed({ mode: security.mode, words });
    return { channel, stream };
  } catch (failure) {
    channel.abort(failure as Error);
    await farewell(channel);
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}

function tooSlow(peer: string): Failure {
  const seconds = LIMIT / 1000;
  return new Failure(
    "silence",
    `${peer} answers, but does not agree on how to talk within ${seconds} s: is ferry receive running there?`,
  );
}
