import { Failure } from "../base/failure.ts";
import type { Channel } from "../endpoint/channel.ts";
import { normalCode } from "../secure/code/code.ts";
import {
  agreeAsClient,
  type AgreedWithServer,
  prepare,
} from "../secure/secure_channel.ts";
import type { Security } from "../secure/security.ts";
import { linger } from "./connection.ts";
import type { OnEvent } from "./events.ts";
import type { WantedSecurity } from "./options.ts";

/** Milliseconds that a receiver may take to agree and to prove itself, once it has answered. */
const LIMIT = 15_000;

/** A connection to the receiver, and what both have agreed on. */
export interface Introduced extends AgreedWithServer {
  readonly channel: Channel;
  readonly mode: Security["mode"];
}

/** Asks a person for the receiver's code; undefined: there is nobody to ask. */
export type AskCode = () => Promise<string | undefined>;

/** How a sender comes to its receiver. */
export interface Introducing {
  /** Opens a connection. */
  connect(): Promise<Channel>;
  readonly on: OnEvent;
  /** Whether the person at this side is asked whether to go on without a code. */
  readonly confirms: boolean;
  readonly ask?: AskCode;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
}

/**
 * Connects to the receiver and agrees with it on how to talk. Where it wants a
 * code and none was given, a person is asked for it.
 *
 * @throws {Failure} if they do not come together
 */
export async function introduce(
  wanted: WantedSecurity,
  introducing: Introducing,
): Promise<Introduced> {
  const { ask = () => Promise.resolve(undefined) } = introducing;
  if (wanted.mode !== "code") {
    try {
      return await agree(wanted, introducing);
    } catch (failure) {
      if (!wantsCode(failure)) throw failure;
      const code = wanted.mode === "encrypted"
        ? normalized(await ask())
        : undefined;
      if (code === undefined) throw failure;
      return await agree({ mode: "code", code }, introducing);
    }
  }
  const code = normalized(wanted.code ?? await ask());
  if (code === undefined) {
    throw new Failure({ code: "code-missing" });
  }
  return await agree({ mode: "code", code }, introducing);
}

function normalized(code: string | undefined): string | undefined {
  return code === undefined ? undefined : normalCode(code);
}

function wantsCode(failure: unknown): boolean {
  return failure instanceof Failure &&
    failure.detail.code === "peer-refused" &&
    failure.detail.reason.code === "code-required";
}

async function agree(
  security: Security,
  { connect, on, confirms, timeout }: Introducing,
): Promise<Introduced> {
  const secrets = await prepare(security);
  const channel = await connect();
  const limit = Math.min(LIMIT, timeout);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = () => clearTimeout(timer);
  channel.established.then(() => {
    const stop = () => channel.abort(tooSlow(channel.peer, limit));
    timer = setTimeout(stop, limit);
  }, () => {});
  try {
    const agreed = await agreeAsClient(channel, secrets);
    // What is sent meanwhile only the right one can open
    agreed.confirmed.then(clear, clear);
    const { mode } = security;
    const asks = confirms && mode === "encrypted";
    agreed.words.then(
      (words) => on({ type: "agreed", mode, words, asks }),
      () => {},
    );
    return { ...agreed, channel, mode };
  } catch (failure) {
    clear();
    channel.abort(failure as Error);
    await linger(channel);
    throw failure;
  }
}

function tooSlow(peer: string, limit: number): Failure {
  const seconds = limit / 1000;
  return new Failure({ code: "handshake-timeout", peer, seconds });
}
