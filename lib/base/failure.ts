/**
 * Why something ended without success. The command line maps each reason to
 * words and an exit status in one place.
 *
 * - `usage`: the command line makes no sense
 * - `input`: what was to be sent, or where it was to go, cannot be used
 * - `no-answer`: nobody answered at the address
 * - `silence`: the peer was there and has fallen silent
 * - `busy`: the receiver serves somebody else
 * - `refused`: the receiver takes no such thing, or not from this sender
 * - `declined`: a person was asked and said no
 * - `wrong-code`: one side does not know the other's code
 * - `peer-stopped`: the person at the other side stopped it
 * - `peer-failed`: the other side said that it could not go on
 * - `reset`: the peer does not know this connection (any more)
 * - `protocol`: the peer broke the rules of the wire or speaks another version
 * - `corrupt`: what arrived is not what was sent
 * - `local`: something failed on this side (disk, pipe, socket)
 * - `interrupted`: the person at this side stopped it
 */
export type FailureReason =
  | "usage"
  | "input"
  | "no-answer"
  | "silence"
  | "busy"
  | "refused"
  | "declined"
  | "wrong-code"
  | "peer-stopped"
  | "peer-failed"
  | "reset"
  | "protocol"
  | "corrupt"
  | "local"
  | "interrupted";

/** An end without success that has a reason a person can act on. */
export class Failure extends Error {
  /** As of every error. */
  override name = "Failure";
  /** What kind of end this is. */
  readonly reason: FailureReason;

  /**
   * @param reason what kind of end this is
   * @param message one line for a person: what happened and, where it is not
   * plain, what to do; begins with a capital, has no full stop
   */
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
