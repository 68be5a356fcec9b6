import type { ByteStream } from "../base/byte_stream.ts";
import type { Channel } from "../endpoint/channel.ts";
import { Refusal, SecurityFailure } from "../secure/refusal.ts";
import {
  agreeAsClient,
  prepare,
  type Security,
} from "../secure/secure_channel.ts";
import { askCode } from "./ask_code.ts";
import type { SendCommand } from "./args.ts";
import { farewell } from "./farewell.ts";
import type { Reporter } from "./reporter.ts";

/** A connection to the receiver, and the stream that both have agreed on. */
export interface Introduced {
  readonly channel: Channel;
  readonly stream: ByteStream;
}

/**
 * Connects to the receiver and agrees with it on how to talk. Where it wants a
 * code and none was given, the person at the terminal is asked for it.
 *
 * @param connect opens a connection
 * @throws {Failure} if they do not come together
 */
export async function introduce(
  { security: wanted, paths }: SendCommand,
  connect: () => Promise<Channel>,
  reporter: Reporter,
  interrupted: AbortSignal,
): Promise<Introduced> {
  const ask = () => askCode(paths.length === 0, interrupted);
  if (wanted.mode !== "code") {
    try {
      return await agree(wanted, connect, reporter);
    } catch (failure) {
      if (!wantsCode(failure)) throw failure;
      const code = wanted.mode === "encrypted" ? await ask() : undefined;
      if (code === undefined) throw failure;
      return await agree({ mode: "code", code }, connect, reporter);
    }
  }
  const code = wanted.code ?? await ask();
  if (code === undefined) {
    throw new SecurityFailure(
      "usage",
      Refusal.CODE_WANTED,
      "There is no terminal to ask for the code: give it with --code=CODE or in FERRY_CODE",
    );
  }
  return await agree({ mode: "code", code }, connect, reporter);
}

function wantsCode(failure: unknown): boolean {
  return failure instanceof SecurityFailure &&
    failure.refusal === Refusal.CODE_WANTED;
}

async function agree(
  security: Security,
  connect: () => Promise<Channel>,
  reporter: Reporter,
): Promise<Introduced> {
  const secrets = await prepare(security);
  const channel = await connect();
  try {
    const { stream, words } = await agreeAsClient(channel, secrets);
    reporter.agreed({ mode: security.mode, words });
    return { channel, stream };
  } catch (failure) {
    channel.abort(failure as Error);
    await farewell(channel);
    throw failure;
  }
}
