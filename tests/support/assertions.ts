import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Ended, Pair } from "./ferry.ts";
import { MemoryWatch } from "./process.ts";

/** Asserts that all succeeded; else shows what they said. */
export function assertDone(ended: readonly Ended[]): void {
  const said = ended.map(({ stderr }) => stderr).join("");
  assertEquals(ended.map(({ code }) => code), ended.map(() => 0), said);
}

/** Asserts that it failed with one line that says why. */
export function assertFailed(
  { code, stderr }: Ended,
  status: number,
  words: RegExp,
): void {
  assertMatch(stderr, /^[A-Z0-9[][^\n]*[^.\n]\n$/, "It is one line");
  assertMatch(stderr, words);
  assertEquals(code, status);
}

/** Asserts that both sides succeed with less memory than this, in bytes. */
export async function assertSmall(
  { receiver, sender, ended }: Pair,
  limit: number,
): Promise<void> {
  using one = new MemoryWatch(receiver.pid);
  using other = new MemoryWatch(sender.pid);
  assertDone(await ended);
  for (const { peak } of [one, other]) {
    assert(peak > 0 && peak < limit, `It took ${peak} bytes`);
  }
}
