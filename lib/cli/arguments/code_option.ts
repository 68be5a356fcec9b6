import { UsageError } from "../messages.ts";
import { normalCode } from "../../secure/code/code.ts";
import type { WantedSecurity } from "../../session/options.ts";

/** What the command line says of a code: one, that there is to be one, or nothing. */
export type CodeOption = string | true | undefined;

/**
 * Takes `--code` and `--code=CODE` out of a command line: what follows the
 * first is a word of its own.
 *
 * @param environmentCode stands in where no code is named
 * @throws {Failure} `code-empty` or `code-too-long`
 */
export function takeCode(
  args: readonly string[],
  environmentCode: string | undefined,
): { code: CodeOption; rest: string[] } {
  const end = args.indexOf("--");
  const isCode = (arg: string, at: number) =>
    (end < 0 || at < end) && /^--code(=|$)/.test(arg);
  const found = args.filter(isCode).at(-1);
  const named = found?.match(/^--code=(.*)$/s)?.[1] ?? environmentCode;
  return {
    code: named === undefined
      ? found === undefined ? undefined : true
      : normalCode(named),
    rest: args.filter((arg, at) => !isCode(arg, at)),
  };
}

/** @throws {UsageError} if both a code and no encryption are asked for */
export function wantedSecurity(
  plain: boolean,
  code: CodeOption,
): WantedSecurity {
  if (plain && code !== undefined) {
    throw new UsageError(
      "A code needs encryption: give either --plain or a code (--code, FERRY_CODE), not both",
    );
  }
  if (plain) return { mode: "plain" };
  if (code === undefined) return { mode: "encrypted" };
  return { mode: "code", code: code === true ? undefined : code };
}
