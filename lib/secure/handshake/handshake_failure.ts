import { Failure, type PeerCode } from "../../base/failure.ts";

/** The reason byte of REFUSE for each failure that refuses a handshake. */
export const REFUSE_REASONS = {
  "version-mismatch": 1,
  "encryption-refused": 2,
  "encryption-required": 3,
  "code-required": 4,
  "code-refused": 5,
  "wrong-code": 6,
  "handshake-damaged": 7,
} as const satisfies { readonly [C in PeerCode]?: number };

/** The failure codes that refuse a handshake. */
export type RefusalCode = keyof typeof REFUSE_REASONS;

/**
 * The reason byte of REFUSE for a failure; `undefined` if the client is not
 * told of it.
 */
export function refusalOf(failure: unknown): number | undefined {
  if (!(failure instanceof Failure)) return undefined;
  return (REFUSE_REASONS as Partial<Record<string, number>>)[failure.code];
}

/** The failure of a client that received REFUSE. */
export function refusedByPeer(refusal: number): Failure {
  const codes = Object.keys(REFUSE_REASONS) as RefusalCode[];
  const code = codes.find((code) => REFUSE_REASONS[code] === refusal);
  return new Failure({
    code: "peer-refused",
    reason: { code: code ?? "unspecified" },
  });
}
