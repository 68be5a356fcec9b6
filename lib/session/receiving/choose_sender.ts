import { Failure } from "../../base/failure.ts";
import { firstOf } from "../../base/async.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import type { Admission, Admitted } from "./admission.ts";
import { bindAbort } from "../closing.ts";
import {
  type Accepted,
  acceptUnasked,
  type Consent,
  consentTo,
  isRefusal,
  needsConsent,
} from "../consent.ts";
import { type SessionOptions, signalOf } from "../options.ts";
import type { ResolvedDestination } from "../destination.ts";

/** Senders whose offers wait for a decision at a time; further ones are told that the receiver is busy. */
export const MAX_UNDECIDED = 16;

/** Settings of {@linkcode chooseSender}. */
export interface ChooseOptions extends SessionOptions {
  readonly destination: ResolvedDestination;
  readonly consent?: Consent | undefined;
  /** Milliseconds to wait for a sender. */
  readonly wait?: number | undefined;
}

/**
 * Waits for one sender who may send and whose offer is accepted. A sender that
 * was declined, or that left before there was a decision, does not end the wait.
 *
 * @throws {Failure} `nobody-came`; why a sender was refused where nobody is asked
 * @throws what `consent` throws; the reason of the options' signal
 */
export async function chooseSender(
  endpoint: Endpoint,
  admission: Pick<Admission, "over" | "admit">,
  options: ChooseOptions,
): Promise<Accepted> {
  const { destination, consent, on } = options;
  const waiting = new WaitTimer(options.wait);
  const signal = firstOf([
    signalOf(options),
    waiting.over,
    admission.over,
  ]);
  const chosen = Promise.withResolvers<Accepted>();
  const done = new AbortController();
  const consider = async (admitted: Admitted) => {
    const gone = bindAbort(admitted.channel, signal);
    const withdrawn = firstOf([gone, done.signal]);
    waiting.suspend();
    try {
      let accepted: Accepted;
      if (needsConsent(options, destination)) {
        accepted = await consentTo(admitted, destination, options, withdrawn);
      } else if (done.signal.aborted) {
        await admitted.reception.refuse(notChosen());
        return;
      } else {
        admitted.decided();
        accepted = acceptUnasked(admitted, options);
      }
      chosen.resolve(accepted);
      waiting.end();
      endpoint.places = 1;
      done.abort(notChosen());
    } catch (error) {
      const refused = error instanceof Failure && typeof consent === "function";
      // If asking fails, it fails for every sender
      if (!refused) chosen.reject(error);
      else if (!done.signal.aborted && !signal.aborted) {
        const { peer } = admitted.channel;
        on?.({
          type: "still-waiting",
          peer,
          failure: isRefusal(error) ? error.detail : undefined,
        });
      }
      admitted.channel.abort(error as Error);
    } finally {
      waiting.resume();
    }
  };
  const listen = async () => {
    const over = firstOf([signal, done.signal]);
    for await (const connection of endpoint.incoming(over)) {
      admission.admit(connection).then(consider, () => {});
    }
  };
  listen().catch(chosen.reject);
  try {
    return await chosen.promise;
  } finally {
    waiting.end();
  }
}

/** The time to wait for a sender, which does not run out while an offer is being decided on. */
class WaitTimer {
  readonly #over = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  #suspended = 0;
  #failure: Failure | undefined;

  constructor(wait: number | undefined) {
    if (wait === undefined) return;
    this.#timer = setTimeout(() => {
      this.#failure = new Failure({
        code: "nobody-came",
        seconds: wait / 1000,
      });
      this.#check();
    }, wait);
  }

  get over(): AbortSignal {
    return this.#over.signal;
  }

  suspend(): void {
    this.#suspended++;
  }

  resume(): void {
    this.#suspended--;
    this.#check();
  }

  /** A sender was chosen: it does not run out any more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #check(): void {
    if (this.#failure === undefined || this.#ended || this.#suspended > 0) {
      return;
    }
    this.#over.abort(this.#failure);
  }
}

/** Another sender was chosen. */
function notChosen(): Failure {
  return new Failure({ code: "busy" });
}
