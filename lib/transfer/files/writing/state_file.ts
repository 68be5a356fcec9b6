import { createHash } from "node:crypto";
import { utf8 } from "../../../base/utf8.ts";
import { type OpenFile, readAll } from "../directory/directory.ts";
import type { Target } from "./target.ts";

const STATE_VERSION = 1;

/** The first line. */
interface Header {
  readonly version: number;
  /** SHA-256 of the owner's key. */
  readonly key: string | undefined;
  readonly code: string | undefined;
  readonly kind: string;
  readonly names: readonly string[];
  readonly count: number;
}

/** Every other line. The last one that is whole counts. */
export interface StagingPhase {
  readonly phase: "receiving" | "committing";
  readonly roots?: readonly MovedRoot[] | undefined;
}

/** An entry outside of all directories that is being moved. */
export interface MovedRoot {
  readonly name: string;
  readonly inode: string;
  /** The name it gets, if that is another one. */
  readonly as?: string | undefined;
}

/** Begins a state file. Throws what the system throws. */
export function writeHeader(state: OpenFile, target: Target): void {
  const { owner, kind, names, count } = target;
  const header: Header = {
    version: STATE_VERSION,
    key: owner?.key && sumOf(owner.key),
    code: owner?.code?.verifier(),
    kind,
    names,
    count,
  };
  state.writeSync(utf8(`${JSON.stringify(header)}\n`));
}

/** Adds a line. Throws what the system throws. */
export function writePhase(state: OpenFile, phase: StagingPhase): void {
  // The line before it may have been cut off
  state.writeSync(utf8(`\n${JSON.stringify(phase)}\n`));
}

/**
 * Reads how far it was. Throws what the system throws.
 *
 * @returns undefined unless it is of the same target and owner
 */
export async function readPhase(
  state: OpenFile,
  target: Target,
): Promise<StagingPhase | undefined> {
  const bytes = new Uint8Array(state.status().size);
  await state.seek(0);
  if (readAll(state, bytes) < bytes.length) return undefined;
  const [header, ...phases] = new TextDecoder().decode(bytes).split("\n")
    .filter((line) => line !== "").map(parsed);
  if (!isOf((header ?? {}) as Partial<Header>, target)) return undefined;
  return phases.findLast(isPhase) ?? { phase: "receiving" };
}

/** Parses a line; undefined for one that was cut off when the process ended. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isPhase(value: unknown): value is StagingPhase {
  const { phase, roots = [] } = (value ?? {}) as Partial<StagingPhase>;
  return (phase === "receiving" || phase === "committing") &&
    Array.isArray(roots);
}

function isOf(header: Partial<Header>, target: Target): boolean {
  const { version, kind, names, count, key, code } = header;
  const { owner } = target;
  const stored = JSON.stringify([version, kind, names, count]);
  const wanted = [STATE_VERSION, target.kind, target.names, target.count];
  if (stored !== JSON.stringify(wanted)) return false;
  return owner?.key !== undefined && key === sumOf(owner.key) ||
    typeof code === "string" && owner?.code?.matches(code) === true;
}

function sumOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex");
}
