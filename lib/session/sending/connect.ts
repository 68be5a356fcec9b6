import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import { normalCode } from "../../secure/code/code.ts";
import {
  agreeAsClient,
  type AgreedWithServer,
  prepare,
} from "../../secure/secure_channel.ts";
import type { Security } from "../../secure/security.ts";
import {
  type AeadImplementation,
  WEB_CRYPTO,
} from "../../secure/record/aead.ts";
import { openLibcrypto } from "../../system/libcrypto.ts";
import { linger } from "../closing.ts";
import type { OnEvent } from "../events.ts";
import type { WantedSecurity } from "../options.ts";
import type { Attempt } from "./reach.ts";

/** Milliseconds that a receiver may take for the handshake once its address is validated. */
const HANDSHAKE_TIMEOUT = 15_000;

/** A secure connection to the receiver. */
export interface Connected extends AgreedWithServer {
  readonly channel: Channel;
  readonly mode: Security["mode"];
  /** Resolves once content may leave, as far as the way there is concerned. */
  readonly begun?: Promise<void>;
}

/** Asks a person for the receiver's code; undefined: nobody can be asked. */
export type AskCode = () => Promise<string | undefined>;

/** Settings of a handshake. */
export interface ConnectOptions {
  readonly on: OnEvent;
  /** Whether the person at this side is asked whether to go on without a code. */
  readonly confirms: boolean;
  /** Milliseconds of silence that end a connection. */
  readonly timeout: number;
  /** Bytes that will be sent, if that is known. */
  readonly size: number | undefined;
}

/** Bytes below which loading OpenSSL takes longer than it saves. */
const MIN_OPENSSL_SIZE = 2 ** 20;

/** Loads what seals and opens records here, once what was written in this turn has left. */
async function loadAead(size = Infinity): Promise<AeadImplementation> {
  await new Promise((resolve) => setTimeout(resolve));
  const openssl = size < MIN_OPENSSL_SIZE ? undefined : openLibcrypto();
  return openssl ?? WEB_CRYPTO;
}

/**
 * Connects to the receiver. Where it wants a code and none was given, a person is
 * asked for it.
 *
 * @param connect connects and does the handshake
 * @throws {Failure} if the receiver cannot be reached, or does not agree
 */
export async function connectSecurely(
  wanted: WantedSecurity,
  askCode: AskCode | undefined,
  connect: (security: Security) => Promise<Connected>,
): Promise<Connected> {
  if (wanted.mode === "code") {
    return await connect({ mode: "code", code: await codeOf(wanted, askCode) });
  }
  try {
    return await connect(wanted);
  } catch (failure) {
    if (wanted.mode === "plain" || !wantsCode(failure)) throw failure;
    const code = await askCode?.();
    if (code === undefined) throw failure;
    return await connect({ mode: "code", code: normalCode(code) });
  }
}

/**
 * The code that was given, or that a person gives now, in its normal form.
 *
 * @throws {Failure} `code-missing`, or if it is none
 */
export async function codeOf(
  wanted: WantedSecurity,
  askCode: AskCode | undefined,
): Promise<string> {
  const given = wanted.mode === "code" ? wanted.code : undefined;
  const code = given ?? await askCode?.();
  if (code === undefined) throw new Failure({ code: "code-missing" });
  return normalCode(code);
}

function wantsCode(failure: unknown): boolean {
  return failure instanceof Failure &&
    failure.detail.code === "peer-refused" &&
    failure.detail.reason.code === "code-required";
}

/**
 * Begins a handshake.
 *
 * @param open opens the connection, when all is prepared
 * @returns of which the result rejects if the receiver does not agree
 */
export async function agree(
  security: Security,
  open: () => Channel | Promise<Channel>,
  options: ConnectOptions,
): Promise<Attempt<Connected>> {
  const secrets = await prepare(security);
  const channel = await open();
  const result = agreeOver(channel, security, secrets, options);
  return { channel, result };
}

async function agreeOver(
  channel: Channel,
  { mode }: Security,
  secrets: Awaited<ReturnType<typeof prepare>>,
  { on, confirms, timeout, size }: ConnectOptions,
): Promise<Connected> {
  const limit = Math.min(HANDSHAKE_TIMEOUT, timeout);
  const late = new Failure({
    code: "handshake-timeout",
    peer: channel.peer,
    seconds: limit / 1000,
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = () => clearTimeout(timer);
  channel.established.then(() => {
    timer = setTimeout(() => channel.abort(late), limit);
  }, () => {});
  try {
    const aead = mode === "plain" ? undefined : loadAead(size);
    const agreed = await agreeAsClient(channel, secrets, aead);
    const cipher = (await aead)?.name;
    // What is sent meanwhile only the right receiver can decrypt
    agreed.confirmed.then(clear, clear);
    const asks = confirms && mode === "encrypted";
    agreed.words.then(
      (words) => on({ type: "agreed", mode, words, asks, cipher }),
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
