import { Failure, type PeerCode } from "../../base/failure.ts";

/** The body of REFUSE for each reason why a receiver refuses a handshake. */
export const REFUSE_REASONS = {
  "version-mismatch": 1,
  "encryption-refused": 2,
  "encryption-required": 3,
  "code-required": 4,
  "code-refused": 5,
  "wrong-code": 6,
  "handshake-damaged": 7,
} as const satisfies { readonly [C in PeerCode]?: number };

/** Why a receiver refuses a handshake. */
export type RefusalCode = keyof typeof REFUSE_REASONS;

/** What is sent in REFUSE for a failure of the handshake; `undefined` if it is none to tell. */
export function refusalOf(failure: unknown): number | undefined {
  if (!(failure instanceof Failure)) return undefined;
  return (REFUSE_REASONS as Partial<Record<string, number>>)[failure.code];
}

/** The failure of a sender whose handshake was refused. */
export function refusedByPeer(refusal: number): Failure {
  const codes = Object.keys(REFUSE_REASONS) as RefusalCode[];
  const code = codes.find((code) => REFUSE_REASONS[code] === refusal);
  return new Failure({
    code: "peer-refused",
    reason: { code: code ?? "unspecified" },
  });
}
