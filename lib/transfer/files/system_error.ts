import { constants } from "node:os";

/** The system's error numbers; of two names for one number the first. */
const ERRNO_NAMES = new Map(
  Object.entries(constants.errno)
    .map(([name, number]) => [number, name] as const).toReversed(),
);

export class SystemError extends Error {
  override name = "SystemError";
  /** As in errno(3), `ENOENT` for instance. */
  readonly code: string;

  /** @param code a name, or the number in errno */
  constructor(code: string | number) {
    const name = typeof code === "string"
      ? code
      : ERRNO_NAMES.get(code) ?? `E${code}`;
    super(name);
    this.code = name;
  }
}

/** The code of an error; empty if it has none. */
export function codeOf(error: unknown): string {
  return (error as { code?: string } | null)?.code ?? "";
}
