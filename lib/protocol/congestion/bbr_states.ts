/** The states of draft-ietf-ccwg-bbr, section 4.2. */
export type BbrState =
  | "Startup"
  | "Drain"
  | "ProbeBW_DOWN"
  | "ProbeBW_CRUISE"
  | "ProbeBW_REFILL"
  | "ProbeBW_UP"
  | "ProbeRTT";

interface Gains {
  readonly pacingGain: number;
  readonly cwndGain: number;
}

/** Gains of each state (draft-ietf-ccwg-bbr, section 5.6.1). */
export const GAINS: Readonly<Record<BbrState, Gains>> = {
  Startup: { pacingGain: 2.77, cwndGain: 2 },
  Drain: { pacingGain: 0.5, cwndGain: 2 },
  ProbeBW_DOWN: { pacingGain: 0.9, cwndGain: 1.5 },
  ProbeBW_CRUISE: { pacingGain: 1, cwndGain: 1.5 },
  ProbeBW_REFILL: { pacingGain: 1, cwndGain: 2 },
  ProbeBW_UP: { pacingGain: 1.25, cwndGain: 2.25 },
  ProbeRTT: { pacingGain: 1, cwndGain: 0.5 },
};
