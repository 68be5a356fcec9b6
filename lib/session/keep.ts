import { Failure } from "../base/failure.ts";
import { firstOf } from "../endpoint/abortable.ts";
import { Admission, type Admitted } from "./admission.ts";
import { Claims } from "./claims.ts";
import { type KeepListener, type Listener, listenerOf } from "./listener.ts";
import {
  DEFAULT_PORT,
  endpointFor,
  securityOf,
  type SessionOptions,
  signalOf,
} from "./options.ts";
import { settled, tellWhoMaySend } from "./receive.ts";
import { take } from "./take.ts";
import { type Destination, openTarget } from "./target.ts";

/** Settings of {@linkcode receiveAll}. */
export interface ReceiveAllOptions extends SessionOptions {
  /** Where it goes. */
  readonly to: Extract<Destination, { directory: string }>;
  /**
   * Senders served at a time; further ones are told that it is busy.
   * @default {16}
   */
  readonly places?: number;
  /** Hears of what happens. */
  readonly on?: Partial<KeepListener>;
}

/** Hears of one of the transfers. */
interface TransferListener extends Listener {
  failed(failure: Failure): void;
}

const PLACES = 16;

/**
 * Receives one transfer after another, several at once, until the signal is
 * aborted. What becomes of one does not touch the others.
 *
 * @throws the signal's reason; {@linkcode Failure} if nobody can send any more
 */
export async function receiveAll(options: ReceiveAllOptions): Promise<never> {
  const { port = DEFAULT_PORT, places = PLACES, on = {} } = options;
  // Whether there is such a directory shows before anybody sends
  await openTarget(options.to);
  const endpoint = endpointFor(options, port, places);
  const running = new Set<Promise<void>>();
  try {
    const security = settled(securityOf(options));
    const notice = (text: string) => on.notice?.(text);
    tellWhoMaySend(options, security, endpoint.port, {
      notice,
      listening: (where) => on.listening?.(where),
    });
    const admission = new Admission(security, notice, (peer) => {
      const listener = on.transfer?.(peer) ?? {};
      const failed = (failure: Failure) => listener.failed?.(failure);
      return { ...listenerOf(listener), failed };
    });
    const claims = new Claims();
    const serve = (admitted: Admitted<TransferListener>) => {
      const work = takeOne(admitted, claims, options);
      running.add(work);
      work.finally(() => running.delete(work));
    };
    return await endpoint.serve(
      (channel) => admission.judge(channel),
      serve,
      firstOf([signalOf(options), admission.over]),
    );
  } finally {
    await Promise.all(running);
    await endpoint.close();
  }
}

/** Takes one transfer, whatever becomes of it. */
async function takeOne(
  admitted: Admitted<TransferListener>,
  claims: Claims,
  options: ReceiveAllOptions,
): Promise<void> {
  const claim = claims.of(admitted.channel);
  try {
    const target = await openTarget(options.to);
    try {
      await take(admitted, claim.guard(target), options);
    } finally {
      target.discard();
    }
  } catch (error) {
    const failure = error instanceof Failure
      ? error
      : new Failure("local", `Something unexpected happened: ${error}`);
    admitted.channel.abort(failure);
    admitted.listener.failed(failure);
  } finally {
    claim.release();
  }
}
