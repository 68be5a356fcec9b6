import { displayName } from "../base/display_text.ts";
import { Failure } from "../base/failure.ts";
import { abortable, within } from "../base/async.ts";
import { type Offer, Reason, titleOf } from "../transfer/wire/messages.ts";
import { OfferRefusal } from "../transfer/receiving/receiver.ts";
import type { Admitted } from "./receiving/admission.ts";
import { linger } from "./connect.ts";
import { securityOf, type SessionOptions } from "./options.ts";
import type { ResolvedDestination } from "./destination.ts";

/** What a sender offers whom no code vouches for. */
export interface OfferRequest {
  /** Where the sender is: address and port. */
  readonly peer: string;
  /** Words that the sender's person sees, too, unless somebody is in the middle; `undefined` where nothing is encrypted. */
  readonly words: readonly string[] | undefined;
  /** `undefined` for a stream, of which there is no name. */
  readonly kind: "file" | "tree" | undefined;
  /** The names outside of all directories, as many as the offer has room for. */
  readonly names: readonly string[];
  /** How many those names are in all. */
  readonly entries: number;
  /** How many files there are in all, where that is known. */
  readonly files: number | undefined;
  /** Bytes of all content, where that is known. */
  readonly size: number | undefined;
  /** The path under which a file is saved, or the directory for several entries. */
  readonly target: string;
}

/**
 * Decides, usually by asking a person, whether an offer is taken.
 *
 * @param withdrawn is aborted when the sender has left, or somebody else was
 * chosen: the question is then of no use any more
 */
export type AskConsent = (
  request: OfferRequest,
  withdrawn: AbortSignal,
) => Promise<boolean>;

/** Who decides on what strangers offer: whoever is asked, or nobody, and all is taken that can be. */
export type Consent = AskConsent | "yes";

/**
 * Whether somebody decides on an offer before it is accepted: not with a code,
 * which says who sends, nor where this side has said how it is stored.
 */
export function needsConsent(
  options: SessionOptions,
  destination: ResolvedDestination,
): boolean {
  return destination.takesNames && securityOf(options).mode !== "code";
}

/**
 * Has what a sender offers decided on; one that is refused is told why.
 *
 * @param withdrawn ends the question; an {@linkcode OfferRefusal} as its reason
 * is what the sender is told
 * @throws {OfferRefusal} unless it is taken
 * @throws the reason of `withdrawn`
 */
export async function consentTo(
  { channel, reception, offer, words, decided }: Admitted,
  destination: ResolvedDestination,
  consent: Consent | undefined,
  withdrawn: AbortSignal,
): Promise<void> {
  const path = destination.pathFor(offer) ?? "";
  const { peer } = channel;
  try {
    await decide({ offer, peer, words, target: path, withdrawn }, consent);
    decided();
  } catch (error) {
    if (error instanceof OfferRefusal) {
      if (error.reason === "declined") decided();
      await reception.refuse(error);
      await linger(channel);
    }
    throw error;
  }
}

/** What is to be decided on. */
interface Undecided {
  readonly offer: Offer;
  readonly peer: string;
  readonly words: readonly string[] | undefined;
  readonly target: string;
  readonly withdrawn: AbortSignal;
}

/**
 * Decides on an offer, under a name of the sender's choice, by a sender whom no
 * code vouches for.
 *
 * @throws {OfferRefusal} unless it is taken
 */
async function decide(
  undecided: Undecided,
  consent: Consent | undefined,
): Promise<void> {
  const { offer, peer, withdrawn } = undecided;
  const title = titleOf(offer);
  const what = title === undefined ? "A stream" : displayName(title);
  if (typeof consent === "function") {
    const answer = consent(requestOf(undecided), withdrawn);
    const accepted = await answerOf(answer, withdrawn);
    if (!accepted) {
      throw new OfferRefusal(
        "declined",
        Reason.DECLINED,
        `${what} from ${peer} was declined`,
      );
    }
  } else if (title === undefined) {
    // Its name is of this side's choice
  } else if (consent === undefined) {
    throw new OfferRefusal(
      "refused",
      Reason.STRANGER,
      `${what} from ${peer} was refused: without a terminal to ask at, a name of the sender's choice is taken only with --code or --yes, or use -o FILE`,
    );
  } else if (topNames(offer).some(isHidden)) {
    throw new OfferRefusal(
      "refused",
      Reason.HIDDEN,
      `${what} from ${peer} was refused: a name that begins with a dot is taken only with --code or -o FILE, or from who is asked for`,
    );
  }
}

/** Milliseconds for which whoever is asked may take a question back that was withdrawn. */
const TAKING_BACK = 100;

/**
 * Waits for an answer. Whoever is asked is given a moment to notice that it was
 * withdrawn, but need not.
 *
 * @throws the reason of `withdrawn`, or what `answer` rejects with
 */
export async function answerOf(
  answer: Promise<boolean>,
  withdrawn: AbortSignal,
): Promise<boolean> {
  try {
    return await abortable(answer, withdrawn);
  } finally {
    if (withdrawn.aborted) await within(TAKING_BACK, answer);
    withdrawn.throwIfAborted();
  }
}

/** Whether a name is left out of listings, and has a meaning to many programs. */
export function isHidden(name: string): boolean {
  return name.startsWith(".");
}

/** The names outside of all directories, as far as an offer has them. */
function topNames({ name, tree }: Offer): readonly string[] {
  return tree?.names ?? (name === undefined ? [] : [name]);
}

function requestOf({ offer, peer, words, target }: Undecided): OfferRequest {
  const { name, size, tree } = offer;
  return {
    peer,
    words,
    kind: tree !== undefined ? "tree" : name === undefined ? undefined : "file",
    names: topNames(offer),
    entries: tree?.count ?? (name === undefined ? 0 : 1),
    files: tree?.files ?? (tree === undefined ? 1 : undefined),
    size,
    target,
  };
}

/** Whom a sender has reached without a code. */
export interface ReceiverRequest {
  /** Where the receiver is: address and port. */
  readonly peer: string;
  /** Words that the receiver's person sees, too, unless somebody is in the middle. */
  readonly words: readonly string[];
  /** What is to be sent; `undefined` for a stream. */
  readonly title: string | undefined;
}

/**
 * Decides, usually by asking a person, whether content is sent to a receiver
 * whom no code vouches for.
 *
 * @param withdrawn is aborted when the receiver has left or declined
 */
export type ConfirmReceiver = (
  request: ReceiverRequest,
  withdrawn: AbortSignal,
) => Promise<boolean>;

/** The person at this side does not want to send. */
export function notConfirmed(peer: string): Failure {
  return new Failure({ code: "not-confirmed", peer });
}
