import { basename, dirname, join } from "node:path";
import { Failure } from "../base/failure.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { PortMapping } from "../endpoint/mapping/port_mapping.ts";
import { Answering } from "../endpoint/near/answering.ts";
import { makeCode, normalCode, numberOf } from "../secure/code/code.ts";
import type { Security } from "../secure/security.ts";
import type { Sink } from "../transfer/sink.ts";
import { bindAbort, closeInOrder, linger } from "./closing.ts";
import { type Accepted, type Consent, isAsked } from "./consent.ts";
import {
  type Destination,
  type ResolvedDestination,
  resolveDestination,
} from "./destination.ts";
import type { Summary } from "./events.ts";
import { type Checked, openEndpoint, type SessionOptions } from "./options.ts";
import { guarded } from "./guard.ts";
import { ProgressTracker } from "./progress.ts";
import { ownAddresses } from "./meeting/own_addresses.ts";
import { Rendezvous } from "./meeting/rendezvous.ts";
import { Admission } from "./receiving/admission.ts";
import { chooseSender, MAX_UNDECIDED } from "./receiving/choose_sender.ts";

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

async function receiveFirst(
  options: Checked<ReceiveOptions>,
): Promise<Summary> {
  const destination = await resolveDestination(options.to);
  const places = isAsked(options, destination) ? MAX_UNDECIDED : 1;
  await using scope = new AsyncDisposableStack();
  const endpoint = openEndpoint(options, { places });
  scope.defer(() => endpoint.close());
  // A sender may be brought here before it is known that there is a place
  if (options.meet !== undefined) endpoint.holdIncoming();
  const rendezvous = options.meet && scope.use(
    await Rendezvous.open(endpoint, "receiver", options.security, options),
  );
  const number = await rendezvous?.place();
  const admission = listen(endpoint, options, destination, { scope, number });
  const accepted = await chooseSender(
    endpoint,
    rendezvous?.admissionOf(admission) ?? admission,
    destination,
    options,
  );
  return await receiveOne(accepted, destination, options);
}

/**
 * Prepares to admit senders, also those that do not know this side's address or
 * have no way to it, and emits where they reach it and what they may send.
 *
 * @param details.scope takes what is to be disposed of before the endpoint
 * @param details.several whether events of different transfers have to be told apart
 * @param details.number that of the code, where it is not chosen here
 */
export function listen(
  endpoint: Endpoint,
  options: Checked<ReceiverOptions>,
  destination: ResolvedDestination,
  { scope, several = false, number }: {
    scope: AsyncDisposableStack;
    several?: boolean;
    number?: number | undefined;
  },
): Admission {
  const { security: wanted, consent, bind, on, meet } = options;
  const { port } = endpoint;
  const asks = isAsked(options, destination);
  const security: Security = wanted.mode === "code"
    ? { mode: "code", code: normalCode(wanted.code ?? makeCode(number)) }
    : wanted;
  const code = security.mode === "code" ? security.code : undefined;
  const wantsCode = code !== undefined;
  const isNew = wanted.mode === "code" && wanted.code === undefined;
  const newCode = isNew ? code : undefined;
  const addresses = ownAddresses(bind);
  on({ type: "listening", port, addresses, newCode, wantsCode, meet });
  if (!wantsCode) {
    const offers = consent === undefined ? "unnamed" : "offers";
    on({ type: "admits", port, what: asks ? offers : "all" });
  }
  const admission = new Admission({ security, asks, on, several });
  scope.use(admission);
  if (wantsCode) {
    const number = numberOf(code);
    const answering = new Answering(endpoint, { number, bind });
    scope.defer(() => answering.close());
  }
  if (options.map) {
    const mapping = new PortMapping({
      port,
      bind,
      onChange: (outcome) =>
        "why" in outcome
          ? on({ type: "not-mapped", ...outcome })
          : on({ type: "mapped", ...outcome, newCode, wantsCode }),
    });
    scope.defer(() => mapping.close());
  }
  return admission;
}

/**
 * Receives what an admitted sender has offered.
 *
 * @param onContent is called whenever content has arrived
 * @throws {Failure} unless everything was stored
 */
export async function receiveOne(
  { channel, reception, offer, owner, mayExist, on }: Accepted,
  destination: ResolvedDestination,
  options: Checked<ReceiverOptions>,
  onContent?: () => void,
): Promise<Summary> {
  const signal = bindAbort(channel, options.signal);
  const progress = new ProgressTracker(channel, offer, { ...options, on });
  progress.start();
  const path = destination.pathFor(offer);
  let sink: Sink | undefined;
  closeInOrder(channel, () => sink?.committed === true);
  const open = async () => {
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
    });
    const confirmed = await channel.closed.then(() => true, () => false);
    sink?.release(confirmed);
    if (!confirmed) on({ type: "unconfirmed" });
    return await progress.done({
      side: "receive",
      name: offer.count > 1 ? path : finalPath(path, sink),
      ...digest,
      files: offer.kind === "tree" ? digest.files : undefined,
    });
  } catch (error) {
    const remains = sink?.remains;
    const output = offer.kind === "stream" ? path : undefined;
    const failure = error instanceof Failure && remains !== undefined
      ? error.with({ remains: { path: remains, output } })
      : error;
    await progress.failed(failure);
    throw failure;
  } finally {
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
