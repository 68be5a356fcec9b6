import type { FailureCode, FailureDetail, PeerCode } from "../base/failure.ts";

export const EXIT_DONE = 0;
const EXIT_FAILED = 1;
/** The exit status of what cannot begin: bad usage, or input that cannot be used. */
export const EXIT_INPUT = 2;
const EXIT_REFUSED = 3;
const EXIT_INTERRUPTED = 130;
/** Exit statuses of processes that a signal has ended begin above this. */
const EXIT_SIGNAL = 128;

/** Codes whose exit status is not that of a transfer that failed. */
const STATUSES: { readonly [C in FailureCode]?: number } = {
  "unknown-host": EXIT_INPUT,
  "zone-address": EXIT_INPUT,
  "no-ipv4-address": EXIT_INPUT,
  "port-in-use": EXIT_INPUT,
  "port-denied": EXIT_INPUT,
  "no-udp": EXIT_INPUT,
  "cannot-bind": EXIT_INPUT,
  "code-empty": EXIT_INPUT,
  "code-too-long": EXIT_INPUT,
  "code-missing": EXIT_INPUT,
  "code-without-number": EXIT_INPUT,
  "meet-needs-code": EXIT_INPUT,
  "nothing-to-send": EXIT_INPUT,
  "cannot-read": EXIT_INPUT,
  "source-replaced": EXIT_INPUT,
  "same-name": EXIT_INPUT,
  "not-regular": EXIT_INPUT,
  "no-name": EXIT_INPUT,
  "no-directory": EXIT_INPUT,
  "busy": EXIT_REFUSED,
  "displaced": EXIT_REFUSED,
  "wrong-code": EXIT_REFUSED,
  "receiver-unproved": EXIT_REFUSED,
  "too-many-wrong-codes": EXIT_REFUSED,
  "too-many-handshakes": EXIT_REFUSED,
  "encryption-refused": EXIT_REFUSED,
  "encryption-required": EXIT_REFUSED,
  "code-required": EXIT_REFUSED,
  "code-refused": EXIT_REFUSED,
  "peer-refused": EXIT_REFUSED,
  "declined": EXIT_REFUSED,
  "no-consent": EXIT_REFUSED,
  "hidden-name": EXIT_REFUSED,
  "not-confirmed": EXIT_REFUSED,
  "interrupted": EXIT_INTERRUPTED,
};

/** What a receiver does not take for what it is, whenever that turns out. */
const REFUSALS: readonly PeerCode[] = [
  "exists",
  "is-directory",
  "needs-directory",
  "name-refused",
  "in-use",
];

/** Whether the receiver refused, and not something went wrong there. */
export function isRefused(detail: FailureDetail): boolean {
  return detail.code === "peer-refused" ||
    detail.code === "peer-failed" && detail.by === "receiver" &&
      REFUSALS.includes(detail.reason.code);
}

/** How the process ends with this failure. */
export function exitStatusOf(detail: FailureDetail): number {
  if (detail.code === "interrupted" && detail.signal !== undefined) {
    return EXIT_SIGNAL + detail.signal;
  }
  if (detail.atStart) return EXIT_INPUT;
  if (isRefused(detail)) return EXIT_REFUSED;
  return STATUSES[detail.code] ?? EXIT_FAILED;
}
