import type { ByteStream } from "../../lib/base/byte_stream.ts";
import { Failure } from "../../lib/base/failure.ts";
import type { OpenSink, Sink } from "../../lib/transfer/sink.ts";
import {
  Reception,
  type ReceptionOptions,
} from "../../lib/transfer/receiving/reception.ts";
import {
  type SenderOptions,
  sendOver,
} from "../../lib/transfer/sending/sender.ts";
import type { Source } from "../../lib/transfer/source.ts";
import type {
  Digest,
  Offer,
  SentDigest,
} from "../../lib/transfer/wire/messages.ts";
import {
  type DirectionOptions,
  memoryPair,
  type MemoryStream,
} from "../support/memory_stream.ts";
import { MemorySink } from "./memory_content.ts";

/** What each side of a transfer came to. */
export interface Exchange {
  readonly sent: SentDigest | Failure;
  readonly stored: Digest | Failure;
}

/** How a transfer goes. */
export interface ExchangeOptions {
  /** Where it goes; into memory unless given. */
  sink?: MemorySink | OpenSink;
  /** From the sender to the receiver, and back. */
  there?: DirectionOptions;
  back?: DirectionOptions;
  sending?: SenderOptions;
  receiving?: ReceptionOptions;
}

/** Transfers over a stream in memory. */
export async function exchange(
  source: Source,
  options: ExchangeOptions = {},
): Promise<Exchange> {
  const { sink = new MemorySink(), sending, receiving } = options;
  const [near, far] = memoryPair(options.there, options.back);
  const open = typeof sink === "function" ? sink : () => Promise.resolve(sink);
  const [sent, stored] = await Promise.all([
    outcome(sendOver(near, source, sending)),
    outcome(receiveOver(far, open, receiving)),
  ]);
  return { sent, stored };
}

/** Receives one offer and its content into the sink that `open` gives for it. */
export async function receiveOver(
  stream: ByteStream,
  open: OpenSink,
  options: ReceptionOptions = {},
): Promise<Digest> {
  const reception = new Reception(stream);
  await reception.offer(options);
  let sink: Sink | undefined;
  const opened = async (offer: Offer) => sink = await open(offer);
  const digest = await reception.run(opened, options);
  sink?.release(true);
  return digest;
}

/** What a receiver makes of these bytes and then the end: its failure, and the sender's side, which has its answers. */
export async function receiveBytes(
  parts: readonly Uint8Array[],
  open: OpenSink,
): Promise<{ failure: Failure | undefined; near: MemoryStream }> {
  const [near, far] = memoryPair({ capacity: Infinity });
  for (const part of parts) await near.write(part);
  await near.closeWrite();
  const ended = await outcome(receiveOver(far, open));
  return { failure: ended instanceof Failure ? ended : undefined, near };
}

/** What a promise came to, so that two can be awaited before either is judged. */
export async function outcome<T>(promise: Promise<T>): Promise<T | Failure> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
