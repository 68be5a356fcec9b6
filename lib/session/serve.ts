import { Failure } from "../base/failure.ts";
import { firstOf } from "../base/async.ts";
import { addressOf, type Admitted } from "./receiving/admission.ts";
import { bindAbort } from "./closing.ts";
import { consentTo, needsConsent } from "./consent.ts";
import { openEndpoint, securityOf, signalOf } from "./options.ts";
import { NameLocks } from "./receiving/name_locks.ts";
import { admissionTo, receiveOne, type ReceiverOptions } from "./receive.ts";
import { Reachability } from "./receiving/reachability.ts";
import { Stalls } from "./receiving/stalls.ts";
import { type Destination, resolveDestination } from "./destination.ts";

/** Settings of {@linkcode receiveAll}. */
export interface ReceiveAllOptions extends ReceiverOptions {
  /** The directory where the content goes. */
  readonly to: Extract<Destination, { directory: string }>;
  /**
   * Senders served at a time; further ones are told that the receiver is busy.
   * @default {16}
   */
  readonly places?: number | undefined;
}

const DEFAULT_PLACES = 16;

/**
 * Receives one transfer after another, several at once, until the signal is
 * aborted. A transfer that fails does not affect the others.
 *
 * @throws the signal's reason; {@linkcode Failure} if nobody can send any more
 */
export async function receiveAll(options: ReceiveAllOptions): Promise<never> {
  const { places = DEFAULT_PLACES } = options;
  const destination = await resolveDestination(options.to);
  const endpoint = openEndpoint(options, { places });
  const running = new Set<Promise<void>>();
  try {
    using admission = admissionTo(endpoint, options, destination, {
      several: true,
    });
    await using _ = new Reachability(endpoint, admission.security, options);
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
  const onContent = () => stall?.progressed(performance.now());
  try {
    const destination = await resolveDestination(options.to);
    if (needsConsent(options, destination)) {
      const withdrawn = bindAbort(channel, signalOf(options));
      await consentTo(admitted, destination, options.consent, withdrawn);
    }
    stall?.accept(performance.now());
    await receiveOne(admitted, lock.guard(destination), options, onContent);
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
