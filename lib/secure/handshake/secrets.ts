import type { Cpace } from "../code/cpace.ts";
import { cpaceInputs, type Security } from "../security.ts";
import { KeyShare } from "./key_share.ts";
import type { Mode } from "./messages.ts";

/** The ephemeral secrets of one side for one handshake. */
export type Secrets =
  | { readonly mode: "plain" }
  | { readonly mode: "encrypted"; readonly keyShare: KeyShare }
  | {
    readonly mode: "code";
    readonly keyShare: KeyShare;
    /** Made from the code. */
    readonly cpace: Cpace;
  };

/** Provides a server's secrets for each handshake. */
export interface SecretsSource {
  readonly mode: Mode;
  /** Settles before {@linkcode next} may be called. */
  readonly ready: Promise<void>;
  /** Fresh secrets, never returned twice. */
  next(): Secrets;
}

/**
 * Returns a function that makes the secrets of one handshake after the other.
 *
 * @param many whether there will be many, so that tables pay
 */
export async function secretsMaker(
  security: Security,
  many: boolean,
): Promise<() => Secrets> {
  const { mode } = security;
  if (mode === "plain") return () => ({ mode });
  if (mode === "encrypted") {
    return () => ({ mode, keyShare: KeyShare.generate() });
  }
  // Takes longer to load than all the rest of a handshake.
  const { calculateGenerator, Cpace, precompute } = await import(
    "../code/cpace.ts"
  );
  const inputs = cpaceInputs(security.code);
  const generator = calculateGenerator(inputs);
  if (many) precompute(generator);
  return () => ({
    mode,
    keyShare: KeyShare.generate(),
    cpace: new Cpace(inputs, { generator }),
  });
}
