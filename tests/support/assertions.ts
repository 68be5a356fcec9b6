import { assertEquals, assertMatch } from "@std/assert";
import type { Ended } from "./ferry.ts";

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
