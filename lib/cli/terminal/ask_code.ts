import { normalCode } from "../../secure/code/code.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Asks the person at the terminal for the receiver's code.
 *
 * @returns `undefined` where there is nobody to ask
 * @throws {Failure} `code-empty` or `code-too-long`
 */
export async function askCode(
  terminal: Terminal | undefined,
  interrupted: AbortSignal,
): Promise<string | undefined> {
  if (terminal === undefined) return undefined;
  const question = new TextEncoder().encode("The receiver's code: ");
  const show = () => {
    Deno.stderr.writeSync(question);
  };
  const line = await terminal.ask(show, interrupted);
  return line === null ? undefined : normalCode(line);
}
