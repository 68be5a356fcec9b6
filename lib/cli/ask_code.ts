import { read } from "node:fs";
import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { abortable } from "../endpoint/abortable.ts";
import { normalCode } from "../secure/code.ts";

const STDIN = 0;
const STDERR = 2;
/** Bytes of a line that a terminal hands over, at most. */
const MAX_LINE = 4096;

const readFrom = promisify(read);

/**
 * Asks the person at the terminal for the receiver's code.
 *
 * @param stdinIsData whether standard input is what is to be sent
 * @returns `undefined` where there is nobody to ask
 * @throws {Failure} `usage` if the answer is empty
 */
export async function askCode(
  stdinIsData: boolean,
  interrupted: AbortSignal,
): Promise<string | undefined> {
  const terminal = terminalToAsk(stdinIsData);
  if (terminal === undefined) return undefined;
  const line = Buffer.alloc(MAX_LINE);
  Deno.stderr.writeSync(new TextEncoder().encode("The receiver's code: "));
  const reading = readFrom(terminal, line, 0, MAX_LINE, null);
  const answer = await abortable(reading, interrupted)
    .catch((error) => {
      interrupted.throwIfAborted();
      // A terminal that is open for writing alone, for example
      if (error instanceof Error) return undefined;
      throw error;
    });
  if (answer === undefined) return undefined;
  return normalCode(line.subarray(0, answer.bytesRead).toString());
}

/** A terminal is open for reading and writing, whichever number it has; what is sent may take up standard input. */
function terminalToAsk(stdinIsData: boolean): number | undefined {
  if (!Deno.stderr.isTerminal()) return undefined;
  return !stdinIsData && Deno.stdin.isTerminal() ? STDIN : STDERR;
}
