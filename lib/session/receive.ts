import { basename, dirname, join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { makeCode, normalCode } from "../secure/code/code.ts";
import type { Security } from "../secure/security.ts";
import type { Sink } from "../transfer/sink.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import { bindAbort, closeInOrder, linger } from "./closing.ts";
import { type Accepted, type Consent, needsConsent } from "./consent.ts";
import {
  type Destination,
  type ResolvedDestination,
  resolveDestination,
} from "./destination.ts";
import type { Summary } from "./events.ts";
import {
  openEndpoint,
  securityOf,
  type SessionOptions,
  signalOf,
} from "./options.ts";
import { guarded } from "./guard.ts";
import { ProgressTracker } from "./progress.ts";
import { ownAddresses } from "./meeting/own_addresses.ts";
import { Rendezvous } from "./meeting/rendezvous.ts";
import { Admission } from "./receiving/admission.ts";
import { chooseSender, MAX_UNDECIDED } from "./receiving/choose_sender.ts";
import { Reachability } from "./receiving/reachability.ts";

/** Settings of a receiver. */
export interface ReceiverOptions extends SessionOptions {
  /** Where the content goes: a directory, a file or a stream. */
  readonly to: Destination;
  /**
   * A function decides on every offer, also of a sender that knows the code, and
   * into a stream. `"yes"` accepts all.
   * @default {only what would be stored under names of a sender's choice, without a code, is refused}
   */
  readonly consent?: Consent | undefined;
  /**
   * Whether the default gateway is asked to lead a port of its own here (PCP,
   * NAT-PMP) for as long as this receives.
   * @default {false}
   */
  readonly map?: boolean | undefined;
}

/** Settings of {@linkcode receive}. */
export interface ReceiveOptions extends ReceiverOptions {
  /**
   * How long to wait for a sender, in milliseconds.
   * @default {as long as it takes}
   */
  readonly wait?: number | undefined;
}

/**
 * Waits for a sender and receives what it sends.
 *
 * @returns what was received, once it is stored and verified
 * @throws {Failure} unless everything was stored
 * @throws {TypeError} or {RangeError} at once if an option is not what it must be
 * @throws the reason of the options' signal; what a listener or `consent` throws
 */
export async function receive(options: ReceiveOptions): Promise<Summary> {
  return await guarded(options, receiveFirst);
}

async function receiveFirst(options: ReceiveOptions): Promise<Summary> {
  const destination = await resolveDestination(options.to);
  const places = isAsked(options, destination) ? MAX_UNDECIDED : 1;
  const endpoint = openEndpoint(options, { places });
  try {
    const wanted = securityOf(options);
    // A sender may be brought here before it is known that there is a place
    if (options.meet !== undefined) endpoint.holdIncoming();
    using rendezvous = options.meet &&
      await Rendezvous.open(endpoint, "receiver", wanted, options);
    const number = await rendezvous?.place();
    using admission = admissionTo(endpoint, options, destination, { number });
    await using _ = new Reachability(endpoint, admission.security, options);
    const choice = { ...options, destination };
    const accepted = await chooseSender(
      endpoint,
      rendezvous?.admissionOf(admission) ?? admission,
      choice,
    );
    return await receiveOne(accepted, destination, options);
  } finally {
    await endpoint.close();
  }
}

/**
 * Prepares to admit senders, and emits where they reach this side and what they
 * may send.
 *
 * @param details.several whether events of different transfers have to be told apart
 * @param details.number that of the code, where it is not chosen here
 */
export function admissionTo(
  { port }: Endpoint,
  options: ReceiverOptions,
  destination: ResolvedDestination,
  { several = false, number }: {
    several?: boolean;
    number?: number | undefined;
  } = {},
): Admission {
  const { consent, on = () => {} } = options;
  const asks = isAsked(options, destination);
  const wanted = securityOf(options);
  const isNew = wanted.mode === "code" && wanted.code === undefined;
  const security: Security = wanted.mode === "code"
    ? { mode: "code", code: normalCode(wanted.code ?? makeCode(number)) }
    : wanted;
  on({
    type: "listening",
    port,
    addresses: ownAddresses(options.bind),
    newCode: isNew && security.mode === "code" ? security.code : undefined,
    wantsCode: security.mode === "code",
    meet: options.meet,
  });
  if (security.mode !== "code") {
    const offers = consent === undefined ? "unnamed" : "offers";
    on({ type: "admits", port, what: asks ? offers : "all" });
  }
  return new Admission({ security, asks, on, several });
}

/** Whether the application, usually a person, decides on each offer. */
function isAsked(
  options: ReceiverOptions,
  destination: ResolvedDestination,
): boolean {
  return needsConsent(options, destination) && options.consent !== "yes";
}

/**
 * Receives what an admitted sender has offered.
 *
 * @param onContent is called whenever content has arrived
 * @throws {Failure} unless everything was stored
 */
export async function receiveOne(
  { channel, reception, owner, mayExist, on }: Accepted,
  destination: ResolvedDestination,
  options: ReceiverOptions,
  onContent?: () => void,
): Promise<Summary> {
  const signal = bindAbort(channel, signalOf(options));
  const { progressInterval } = options;
  const progress = new ProgressTracker(channel, { on, progressInterval });
  const watcher = options.watch?.(channel);
  progress.start();
  watcher?.start();
  let path: string | undefined;
  let output: string | undefined;
  let sink: Sink | undefined;
  let isTree = false;
  let isSeveral = false;
  closeInOrder(channel, () => sink?.committed === true);
  const open = async (offer: Offer) => {
    path = destination.pathFor(offer);
    if (offer.kind === "stream") output = path;
    isTree = offer.kind === "tree";
    isSeveral = offer.count > 1;
    progress.size = offer.size;
    progress.files = offer.files;
    on({ type: "offer", offer, target: path });
    return sink = await destination.open(offer, owner, mayExist);
  };
  try {
    const digest = await reception.run(open, {
      progress: (bytes) => {
        progress.advance(bytes);
        onContent?.();
      },
      event: (event) => progress.take(event),
      maxRate: options.maxRate && Math.ceil(options.maxRate),
      signal,
      remembers: true,
    });
    const confirmed = await channel.closed.then(() => true, () => false);
    sink?.release(confirmed);
    if (!confirmed) on({ type: "unconfirmed" });
    progress.finish();
    const summary: Summary = {
      side: "receive",
      name: isSeveral ? path : finalPath(path, sink),
      ...digest,
      files: isTree ? digest.files : undefined,
      ...progress.totals(),
    };
    await watcher?.done(summary);
    on({ type: "done", ...summary });
    return summary;
  } catch (error) {
    progress.stop();
    const remains = sink?.remains;
    const failure = error instanceof Failure && remains !== undefined
      ? error.with({ remains: { path: remains, output } })
      : error;
    await watcher?.failed(failure);
    throw failure;
  } finally {
    progress.stop();
    await linger(channel);
  }
}

/** Where something is in the end that was to be at `path`. */
function finalPath(
  path: string | undefined,
  sink: Sink | undefined,
): string | undefined {
  if (path === undefined || sink?.finalName === undefined) return path;
  const name = basename(path);
  const final = sink.finalName(name);
  return final === name ? path : join(dirname(path), final);
}
