import { Failure } from "../base/failure.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { makeCode, normalCode } from "../secure/code/code.ts";
import type { Security } from "../secure/security.ts";
import type { Sink } from "../transfer/sink.ts";
import type { Offer } from "../transfer/wire/messages.ts";
import { bindAbort, linger } from "./closing.ts";
import { type Consent, needsConsent } from "./consent.ts";
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
import { ProgressTracker } from "./progress.ts";
import { Admission, type Admitted } from "./receiving/admission.ts";
import { chooseSender, MAX_UNDECIDED } from "./receiving/choose_sender.ts";
import { Reachability } from "./receiving/reachability.ts";

/** Settings of a receiver. */
export interface ReceiverOptions extends SessionOptions {
  /** Where the content goes: a directory, a file or a stream. */
  readonly to: Destination;
  /**
   * Decides on offers of senders that no code vouches for, if they are to be
   * stored under names of the sender's choice.
   * @default {nobody: they are refused}
   */
  readonly consent?: Consent | undefined;
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
 */
export async function receive(options: ReceiveOptions): Promise<Summary> {
  const destination = await resolveDestination(options.to);
  const places = isAsked(options, destination) ? MAX_UNDECIDED : 1;
  const endpoint = openEndpoint(options, { places });
  try {
    using admission = admissionTo(endpoint, options, destination);
    await using _ = new Reachability(endpoint, admission.security, options);
    const choice = { ...options, destination };
    const admitted = await chooseSender(endpoint, admission, choice);
    return await receiveOne(admitted, destination, options);
  } finally {
    await endpoint.close();
  }
}

/**
 * Prepares to admit senders, and emits where they reach this side and what they
 * may send.
 *
 * @param several whether events of different transfers have to be told apart
 */
export function admissionTo(
  { port }: Endpoint,
  options: ReceiverOptions,
  destination: ResolvedDestination,
  several = false,
): Admission {
  const { consent, on = () => {} } = options;
  const wanted = securityOf(options);
  const isNew = wanted.mode === "code" && wanted.code === undefined;
  const security: Security = wanted.mode === "code"
    ? { mode: "code", code: normalCode(wanted.code ?? makeCode()) }
    : wanted;
  on({
    type: "listening",
    port,
    addresses: reachableAddresses(options.bind),
    newCode: isNew && security.mode === "code" ? security.code : undefined,
    wantsCode: security.mode === "code",
  });
  if (security.mode !== "code") {
    const takesAll = !destination.takesNames || consent === "yes";
    const offers = consent === undefined ? "unnamed" : "offers";
    on({ type: "admits", port, what: takesAll ? "all" : offers });
  }
  const asks = isAsked(options, destination);
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
 * The addresses under which other machines may reach this one, the likeliest
 * first. Empty where they may not be asked for.
 */
function reachableAddresses(bind: string | undefined): string[] {
  if (bind !== undefined && bind !== "0.0.0.0" && bind !== "::") return [bind];
  const permission = { name: "sys", kind: "networkInterfaces" } as const;
  if (Deno.permissions.querySync(permission).state !== "granted") return [];
  const addresses = Deno.networkInterfaces()
    .filter(({ family }) => bind !== "0.0.0.0" || family === "IPv4")
    .map(({ address }) => address);
  return rankedAddresses(addresses);
}

/** Leaves out what only this machine or this link can use, and puts IPv4 first. */
export function rankedAddresses(addresses: readonly string[]): string[] {
  const local = /^(127\.|169\.254\.|::1$|fe[89ab])/i;
  const reachable = addresses.filter((address) => !local.test(address));
  const isIPv6 = (address: string) => Number(address.includes(":"));
  return reachable.toSorted((a, b) => isIPv6(a) - isIPv6(b));
}

/**
 * Receives what an admitted sender has offered.
 *
 * @param onContent is called whenever content has arrived
 * @throws {Failure} unless everything was stored
 */
export async function receiveOne(
  { channel, reception, owner, on }: Admitted,
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
  const open = async (offer: Offer) => {
    path = destination.pathFor(offer);
    if (offer.kind === "stream") output = path;
    isTree = offer.kind === "tree";
    progress.size = offer.size;
    progress.files = offer.files;
    on({ type: "offer", offer, target: path });
    return sink = await destination.open(offer, owner);
  };
  try {
    const digest = await reception.run(open, {
      progress: (bytes) => {
        progress.advance(bytes);
        onContent?.();
      },
      event: (event) => progress.take(event),
      signal,
      remembers: true,
    });
    const confirmed = await channel.closed.then(() => true, () => false);
    sink?.release(confirmed);
    if (!confirmed) on({ type: "unconfirmed" });
    const summary: Summary = {
      side: "receive",
      name: path,
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
