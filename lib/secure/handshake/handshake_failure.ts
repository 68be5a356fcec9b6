import { Failure, type FailureReason } from "../../base/failure.ts";

/** Why a receiver lets a sender in no further: the body of REFUSE. */
export const Refusal = {
  /** This version is not spoken here. */
  VERSION: 1,
  /** Nothing is encrypted here. */
  PLAIN_HERE: 2,
  /** Nothing that is not encrypted is taken here. */
  ENCRYPTED_HERE: 3,
  /** A code is wanted here. */
  CODE_WANTED: 4,
  /** There is no code here. */
  NO_CODE_HERE: 5,
  /** The sender's code is another one. */
  WRONG_CODE: 6,
  /** What arrived is not what was sent. */
  BROKEN: 7,
} as const;

/** One side does not go on with the other. */
export class SecurityFailure extends Failure {
  /** One of {@linkcode Refusal}, or another number that the peer said. */
  readonly refusal: number;

  constructor(reason: FailureReason, refusal: number, message: string) {
    super(reason, message);
    this.refusal = refusal;
  }
}

/** A wrong code was tried, and counted: there are no more of them than a receiver allows. */
export class WrongGuess extends SecurityFailure {
  /** How many there were so far, with this one. */
  readonly count: number;

  constructor(count: number) {
    const { WRONG_CODE } = Refusal;
    super("wrong-code", WRONG_CODE, RECEIVERS_WORDS[WRONG_CODE]);
    this.count = count;
  }
}

/**
 * A client has proved that it knows the code, and has seen no proof in return:
 * the peer fell silent, broke off, refused, or proved something else. With what
 * the client said a peer can check one guess at the code, and need not say so.
 * Reason and message are those of the cause.
 */
export class UnansweredProof extends Failure {
  readonly afterProof = true;

  constructor(cause: Failure) {
    super(cause.reason, cause.message, { cause });
  }
}

/** What a sender makes of the receiver's refusal. */
export function refusedByPeer(refusal: number): SecurityFailure {
  const reason = refusal === Refusal.WRONG_CODE ? "wrong-code" : "refused";
  const words = SENDERS_WORDS[refusal] ??
    "The receiver refused for a reason that is not known here: run the same ferry on both sides";
  return new SecurityFailure(reason, refusal, words);
}

const SENDERS_WORDS: Readonly<Record<number, string>> = {
  [Refusal.VERSION]:
    "The receiver speaks another version of the secure channel: run the same ferry on both sides",
  [Refusal.PLAIN_HERE]:
    "The receiver was started with --plain and takes nothing encrypted: leave --plain out there, or give it here, too",
  [Refusal.ENCRYPTED_HERE]:
    "The receiver takes nothing that is not encrypted: leave out --plain here, or give it there, too",
  [Refusal.CODE_WANTED]:
    "The receiver wants a code: give it with --code=CODE or in FERRY_CODE, without --plain",
  [Refusal.NO_CODE_HERE]:
    "The receiver was started without a code and one was given here: leave it out here, or start the receiver with --code=CODE",
  [Refusal.WRONG_CODE]:
    "The code is wrong: ask the person at the receiver for it, and try again",
  [Refusal.BROKEN]:
    "The handshake was changed on its way to the receiver: the network is broken, or somebody interferes",
};

/** What a receiver says of a sender whom it refuses. */
export function refusedHere(refusal: number): SecurityFailure {
  const reason = refusal === Refusal.WRONG_CODE ? "wrong-code" : "refused";
  return new SecurityFailure(reason, refusal, RECEIVERS_WORDS[refusal]);
}

const RECEIVERS_WORDS: Readonly<Record<number, string>> = {
  [Refusal.VERSION]:
    "The sender speaks another version of the secure channel: run the same ferry on both sides",
  [Refusal.PLAIN_HERE]:
    "The sender encrypts, and --plain was given here: leave it out here, or give it there, too",
  [Refusal.ENCRYPTED_HERE]:
    "The sender was started with --plain, and nothing that is not encrypted is taken here: leave --plain out there, or give it here, too",
  [Refusal.CODE_WANTED]: "The sender gave no code",
  [Refusal.NO_CODE_HERE]:
    "The sender gave a code, and there is none here: leave it out there, or give it here, too",
  [Refusal.WRONG_CODE]: "The sender's code is wrong",
  [Refusal.BROKEN]:
    "The handshake was changed on its way from the sender: the network is broken, or somebody interferes",
};
