import { Failure, type FailureCode } from "../base/failure.ts";
import { abortable, within } from "../base/async.ts";
import type { Admitted } from "./receiving/admission.ts";
import { linger } from "./closing.ts";
import type { Checked } from "./options.ts";
import type { ResolvedDestination } from "./destination.ts";

/** An offer to decide on. */
export interface OfferRequest {
  /** Where the sender is: address and port. */
  readonly peer: string;
  /** The session words, which the sender's side shows as well unless the connection was intercepted; `undefined` with a code, or without encryption. */
  readonly words: readonly string[] | undefined;
  /** `undefined` for a stream, which has no name. */
  readonly kind: "file" | "tree" | undefined;
  /** The top-level names, as many as fit into the offer. */
  readonly names: readonly string[];
  /** The number of top-level names. */
  readonly entries: number;
  /** The number of files, if known. */
  readonly files: number | undefined;
  /** Bytes of all content, if known. */
  readonly size: number | undefined;
  /** The path under which a file is saved, or the directory for several entries; `undefined` for a stream of this side. */
  readonly target: string | undefined;
  /**
   * Those of the names that are there already: they are added to, or compared with
   * what comes, if the offer is accepted.
   */
  readonly existing: readonly string[];
  /** Whether files that are there and differ are replaced; otherwise the offer is refused then. */
  readonly replaces: boolean;
}

/**
 * Decides, usually by asking a person, whether to accept an offer.
 *
 * @param withdrawn is aborted when the sender has left, or somebody else was
 * chosen: the question is then moot
 */
export type AskConsent = (
  request: OfferRequest,
  withdrawn: AbortSignal,
) => boolean | Promise<boolean>;

/** How to decide on offers: by a function on each, or `yes` to all that may be stored. */
export type Consent = AskConsent | "yes";

/** Settings that decide whose offers are accepted. */
export type ConsentOptions = Checked & {
  readonly consent?: Consent | undefined;
};

/**
 * Whether an offer is decided on before it is accepted: by a function, or, where
 * there is none, by refusing what is at risk.
 */
export function isAsked(
  options: ConsentOptions,
  destination: ResolvedDestination,
): boolean {
  const { consent } = options;
  return typeof consent === "function" ||
    consent === undefined && isAtRisk(options, destination);
}

/** Whether a sender that no code vouches for chooses names here. */
function isAtRisk(
  options: Checked,
  { takesNames }: ResolvedDestination,
): boolean {
  return takesNames && !isVouchedFor(options);
}

/** Whether a code says who sends. */
function isVouchedFor({ security }: Checked): boolean {
  return security.mode === "code";
}

/** A sender whose offer is accepted. */
export interface Accepted extends Admitted {
  /** The top-level names that may be there already without being replaced; undefined: any. */
  readonly mayExist: ReadonlySet<string> | undefined;
}

/**
 * Decides on a sender's offer; a refused sender is told why.
 *
 * @param withdrawn ends the question; a refusal as its reason is what the
 * sender is told
 * @throws {Failure} unless it is accepted; the reason of `withdrawn`
 */
export async function acceptOffer(
  admitted: Admitted,
  destination: ResolvedDestination,
  options: ConsentOptions,
  withdrawn: AbortSignal,
): Promise<Accepted> {
  const { consent } = options;
  const { channel, reception, offer, decided } = admitted;
  const { names: [name], count: entries } = offer;
  const refusal = (code: "declined" | "no-consent" | "hidden-name") =>
    new Failure({ code, peer: channel.peer, name, entries });
  // Without a code only what a person was told of may be there
  let existing: readonly string[] = [];
  try {
    withdrawn.throwIfAborted();
    if (typeof consent === "function") {
      const request = requestOf(admitted, destination);
      ({ existing } = request);
      const accepted = await answerOf(consent, request, withdrawn);
      if (!accepted) throw refusal("declined");
    } else if (offer.kind !== "stream" && isAtRisk(options, destination)) {
      if (consent === undefined) throw refusal("no-consent");
      if (offer.names.some(isHidden)) throw refusal("hidden-name");
    }
    decided();
    const mayExist = isVouchedFor(options) ? undefined : new Set(existing);
    return { ...admitted, mayExist };
  } catch (error) {
    if (isRefusal(error)) {
      if (error.code === "declined") decided();
      await reception.refuse(error);
      await linger(channel);
    }
    throw error;
  }
}

/** Milliseconds that the application has to react to a withdrawn question. */
const WITHDRAWAL_TIMEOUT = 100;

/**
 * Asks, and waits for the answer. The application has a moment to react when the
 * question is withdrawn, but need not.
 *
 * @throws the reason of `withdrawn`, or what `ask` throws
 */
export async function answerOf<R>(
  ask: (request: R, withdrawn: AbortSignal) => boolean | Promise<boolean>,
  request: R,
  withdrawn: AbortSignal,
): Promise<boolean> {
  const answer = Promise.resolve(ask(request, withdrawn));
  try {
    return await abortable(answer, withdrawn);
  } finally {
    if (withdrawn.aborted) await within(WITHDRAWAL_TIMEOUT, answer);
    withdrawn.throwIfAborted();
  }
}

/** Whether a name is left out of listings, and has a meaning to many programs. */
export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

function requestOf(
  { channel, offer, words }: Admitted,
  destination: ResolvedDestination,
): OfferRequest {
  const { kind, names, count, size } = offer;
  return {
    peer: channel.peer,
    words,
    kind: kind === "stream" ? undefined : kind,
    names,
    entries: kind === "stream" ? 0 : count,
    files: kind === "tree" ? offer.files : 1,
    size,
    target: destination.pathFor(offer),
    existing: destination.existing?.(offer) ?? [],
    replaces: destination.replaces ?? false,
  };
}

const REFUSAL_CODES: ReadonlySet<FailureCode> = new Set(
  ["declined", "no-consent", "hidden-name", "busy"] as const,
);

/** Whether this failure refuses a sender, which is then told. */
export function isRefusal(error: unknown): error is Failure {
  return error instanceof Failure && REFUSAL_CODES.has(error.code);
}

/** A receiver that was reached without a code. */
export interface ReceiverRequest {
  /** Where the receiver is: address and port. */
  readonly peer: string;
  /** The session words, which the receiver's side shows as well unless the connection was intercepted. */
  readonly words: readonly string[];
  /** What is to be sent; `undefined` for a stream. */
  readonly title: string | undefined;
}

/**
 * Decides, usually by asking a person, whether to send to a receiver that is not
 * authenticated by a code.
 *
 * @param withdrawn is aborted when the receiver has left or declined
 */
export type ConfirmReceiver = (
  request: ReceiverRequest,
  withdrawn: AbortSignal,
) => boolean | Promise<boolean>;
