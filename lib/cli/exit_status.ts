import { Failure, type FailureReason } from "../base/failure.ts";

/** The person at this side, or the system for them, stopped it by a signal. */
export class Interrupted extends Failure {
  /** The exit status of a process that ends so. */
  readonly status: number;

  /** @param signal the number of the signal */
  constructor(signal: number) {
    super("interrupted", "Interrupted");
    this.status = 128 + signal;
  }
}

/** The exit status of success. */
export const DONE = 0;

const STATUS: Record<FailureReason, number> = {
  "usage": 2,
  "input": 2,
  "no-answer": 1,
  "silence": 1,
  "busy": 3,
  "refused": 3,
  "declined": 3,
  "wrong-code": 3,
  "peer-stopped": 1,
  "peer-failed": 1,
  "reset": 1,
  "protocol": 1,
  "corrupt": 1,
  "local": 1,
  "interrupted": 130,
};

/** What is said of a failure, and how the process ends. */
export interface Verdict {
  /** A reason of {@linkcode FailureReason}, or `unexpected`. */
  readonly reason: string;
  /** One line for a person. */
  readonly message: string;
  readonly status: number;
}

/** Judges whatever was thrown. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof Failure) {
    const { reason, message } = error;
    const status = error instanceof Interrupted ? error.status : STATUS[reason];
    return { reason, message, status };
  }
  const what = error instanceof Error
    ? `${error.name}: ${error.message}`
    : String(error);
  const message = `Something unexpected happened, please report it: ${what}`;
  return { reason: "unexpected", message, status: 1 };
}
