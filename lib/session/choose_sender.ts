import { Failure } from "../base/failure.ts";
import { firstOf } from "../base/async.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { Reason } from "../transfer/wire/messages.ts";
import { OfferRefusal } from "../transfer/receiving/receiver.ts";
import type { Admission, Admitted } from "./admission.ts";
import { bindAbort } from "./connection.ts";
import { type Consent, consentTo, needsConsent } from "./consent.ts";
import type { OnEvent } from "./events.ts";
import { type SessionOptions, signalOf } from "./options.ts";
import type { Target } from "./target.ts";

/** Senders whose offers wait for an answer at a time; further ones are told that it is busy. */
export const MAX_ASKED = 16;

/** How a sender is chosen. */
export interface ChooseOptions extends SessionOptions {
  readonly target: Target;
  readonly consent?: Consent;
  readonly on: OnEvent;
  /** Milliseconds for which a sender is waited for at most. */
  readonly wait?: number;
}

/**
 * Waits for one sender who may send and whose offer is accepted. One whom a
 * person has declined, or who has left before there was an answer, is not the
 * one that is waited for.
 *
 * @throws {Failure} `nobody-came`; why a sender was refused where
 * nobody is asked
 * @throws what `consent` throws; the reason of the options' signal
 */
export async function chooseSender(
  endpoint: Endpoint,
  admission: Admission,
  options: ChooseOptions,
): Promise<Admitted> {
  const { target, consent, on } = options;
  const patience = new Patience(options.wait);
  const signal = firstOf([
    signalOf(options),
    patience.over,
    admission.over,
  ]);
  const chosen = Promise.withResolvers<Admitted>();
  const done = new AbortController();
  const consider = async (admitted: Admitted) => {
    const gone = bindAbort(admitted.channel, signal);
    const withdrawn = firstOf([gone, done.signal]);
    patience.suspend();
    try {
      if (needsConsent(options, target)) {
        await consentTo(admitted, target, consent, withdrawn);
      } else if (done.signal.aborted) {
        await admitted.reception.refuse(notChosen());
        return;
      } else admitted.decided();
      chosen.resolve(admitted);
      patience.end();
      endpoint.places = 1;
      done.abort(notChosen());
    } catch (error) {
      const refused = error instanceof Failure && typeof consent === "function";
      // What went wrong with asking goes wrong with everybody
      if (!refused) chosen.reject(error);
      else if (!done.signal.aborted && !signal.aborted) {
        const { peer } = admitted.channel;
        on({
          type: "still-waiting",
          peer,
          failure: error instanceof OfferRefusal ? error.detail : undefined,
        });
      }
      admitted.channel.abort(error as Error);
    } finally {
      patience.resume();
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
    patience.end();
  }
}

/** For how long nobody need come. While an offer is being decided on it does not run out. */
class Patience {
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

  /** Somebody is served: it does not run out any more. */
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

function notChosen(): OfferRefusal {
  const message = "Another sender was chosen";
  return new OfferRefusal("busy", Reason.BUSY, message);
}
