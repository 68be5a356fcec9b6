import { Failure } from "../base/failure.ts";
import { firstOf } from "../base/async.ts";
import { addressOf, Admission, type Admitted } from "./admission.ts";
import { bindAbort } from "./connection.ts";
import { type Consent, consentTo, needsConsent } from "./consent.ts";
import {
  DEFAULT_PORT,
  endpointFor,
  securityOf,
  type SessionOptions,
  signalOf,
} from "./options.ts";
import { NameLocks } from "./name_locks.ts";
import { receiveOne } from "./receive_one.ts";
import { admits, settled, tellWhereToSend } from "./receive.ts";
import { Stalls } from "./stalls.ts";
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
  /**
   * Who decides on what is offered by somebody whom no code vouches for.
   * @default {nobody: it is refused}
   */
  readonly consent?: Consent | undefined;
}

const PLACES = 16;

/**
 * Receives one transfer after another, several at once, until the signal is
 * aborted. What becomes of one does not touch the others.
 *
 * @throws the signal's reason; {@linkcode Failure} if nobody can send any more
 */
export async function receiveAll(options: ReceiveAllOptions): Promise<never> {
  const { port = DEFAULT_PORT, places = PLACES, on = () => {} } = options;
  // Whether there is such a directory shows before anybody sends
  const target = await openTarget(options.to);
  const endpoint = endpointFor(options, port, places);
  const running = new Set<Promise<void>>();
  try {
    const security = settled(securityOf(options));
    const asks = needsConsent(options, target) && options.consent !== "yes";
    tellWhereToSend(options, security, endpoint.port, on);
    if (security.mode === "encrypted") {
      on(admits(endpoint.port, true, options.consent));
    }
    const admission = new Admission({
      security,
      asks,
      on,
      several: true,
    });
    const locks = new NameLocks();
    const stalls = new Stalls();
    const serve = (admitted: Admitted) => {
      const work = serveOne(admitted, { locks, stalls }, options);
      running.add(work);
      work.finally(() => running.delete(work));
    };
    const incoming = endpoint.incoming(
      firstOf([signalOf(options), admission.over]),
      { makeRoom: () => stalls.makeRoom(performance.now()) },
    );
    for await (const connection of incoming) {
      admission.admit(connection).then(serve, () => {});
    }
    throw new TypeError("Connections come until the signal is aborted");
  } finally {
    await Promise.all(running);
    await endpoint.close();
  }
}

/** What all transfers have in common. */
interface Shared {
  readonly locks: NameLocks;
  readonly stalls: Stalls;
}

/** Receives one transfer. Its failure is told to its listener and to the sender. */
async function serveOne(
  admitted: Admitted,
  { locks, stalls }: Shared,
  options: ReceiveAllOptions,
): Promise<void> {
  const { channel, on } = admitted;
  const lock = locks.for(channel);
  // A sender that knows the code keeps its place
  const stall = securityOf(options).mode === "code"
    ? undefined
    : stalls.watch(channel, addressOf(channel.peer), performance.now());
  const onProgress = () => stall?.progressed(performance.now());
  try {
    const target = await openTarget(options.to);
    try {
      if (needsConsent(options, target)) {
        const withdrawn = bindAbort(channel, signalOf(options));
        await consentTo(admitted, target, options.consent, withdrawn);
      }
      stall?.accept(performance.now());
      await receiveOne(admitted, lock.guard(target), {
        ...options,
        onProgress,
      });
    } finally {
      target.discard();
    }
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure(
      signalOf(options).aborted
        ? { code: "interrupted" }
        : { code: "unexpected", what: String(error) },
      { cause: error },
    );
    channel.abort(failure);
    on({ type: "failed", failure });
  } finally {
    stall?.end();
    lock.release();
  }
}
