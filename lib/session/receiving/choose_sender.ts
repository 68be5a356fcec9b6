import { Failure } from "../../base/failure.ts";
import { firstOf } from "../../base/async.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import type { Admission, Admitted } from "./admission.ts";
import { bindAbort } from "../closing.ts";
import {
  type Accepted,
  acceptOffer,
  type ConsentOptions,
  isRefusal,
} from "../consent.ts";
import type { ResolvedDestination } from "../destination.ts";

/** Senders whose offers wait for a decision at a time; further ones are told that the receiver is busy. */
export const MAX_UNDECIDED = 16;

/** The longest time that a timer can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** Settings of {@linkcode chooseSender}. */
type ChooseOptions = ConsentOptions & {
  /** Milliseconds to wait for a sender. */
  readonly wait?: number | undefined;
};

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
  destination: ResolvedDestination,
  options: ChooseOptions,
): Promise<Accepted> {
  const { consent, on, wait = Infinity } = options;
  const chosen = Promise.withResolvers<Accepted>();
  const done = new AbortController();
  // What ends the wait does not end the transfer that was chosen
  const unmet = new AbortController();
  const { over } = admission;
  const end = () => unmet.abort(over.reason);
  over.addEventListener("abort", end, { signal: done.signal });
  if (over.aborted) end();
  const signal = firstOf([options.signal, unmet.signal]);
  // While an offer is being decided on, the time to wait does not run out
  let undecided = 0;
  let isLate = false;
  const endIfLate = () => {
    if (!isLate || undecided > 0) return;
    unmet.abort(new Failure({ code: "nobody-came", seconds: wait / 1000 }));
  };
  const timer = wait > MAX_TIMER ? undefined : setTimeout(() => {
    isLate = true;
    endIfLate();
  }, wait);
  const consider = async (admitted: Admitted) => {
    const gone = bindAbort(admitted.channel, signal);
    const withdrawn = firstOf([gone, done.signal]);
    undecided++;
    try {
      const accepted = await acceptOffer(
        admitted,
        destination,
        options,
        withdrawn,
      );
      chosen.resolve(accepted);
      endpoint.places = 1;
      done.abort(notChosen());
    } catch (error) {
      const refused = error instanceof Failure && typeof consent === "function";
      // If asking fails, it fails for every sender
      if (!refused) chosen.reject(error);
      else if (!done.signal.aborted && !signal.aborted) {
        const { peer } = admitted.channel;
        on({
          type: "still-waiting",
          peer,
          failure: isRefusal(error) ? error.detail : undefined,
        });
      }
      admitted.channel.abort(error as Error);
      undecided--;
      endIfLate();
    }
  };
  const listen = async () => {
    const ended = firstOf([signal, done.signal]);
    for await (const connection of endpoint.incoming(ended)) {
      admission.admit(connection).then(consider, () => {});
    }
  };
  listen().catch(chosen.reject);
  try {
    return await chosen.promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Another sender was chosen. */
function notChosen(): Failure {
  return new Failure({ code: "busy" });
}
