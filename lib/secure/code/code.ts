import { uint32At } from "../../base/integers.ts";
import { Failure } from "../../base/failure.ts";
import { WORD_LIST } from "./word_list.ts";

/** Numbers in a code go from 1 to here: 2^7 of them and two of 2^9 words are 2^25 codes. */
const CODE_NUMBERS = 128;
/** Characters of a code, at most. */
const MAX_CODE_LENGTH = 200;

/** A new code, as `17-walnut-copper`: each of 2^25 is as likely as another. */
export function makeCode(): string {
  const random = uint32At(crypto.getRandomValues(new Uint8Array(4)), 0);
  const number = 1 + random % CODE_NUMBERS;
  const [one, other] = wordsOf(Math.floor(random / CODE_NUMBERS), 2);
  return `${number}-${one}-${other}`;
}

/** So many words out of a whole number, least significant first: each takes 9 bits. */
export function wordsOf(value: number, count: number): string[] {
  return Array.from(
    { length: count },
    (_, at) =>
      WORD_LIST[Math.floor(value / WORD_LIST.length ** at) % WORD_LIST.length]!,
  );
}

/**
 * A code as both sides take it, however it was typed: without regard to case,
 * and to what stands between its words.
 *
 * @throws {Failure} `usage` if nothing is left of it, or it is too long
 */
export function normalCode(text: string): string {
  const code = text.normalize("NFKC").toLowerCase()
    .replaceAll(/[\s_-]+/gu, "-").replaceAll(/^-|-$/g, "");
  if (code === "") throw new Failure({ code: "code-empty" });
  if (code.length > MAX_CODE_LENGTH) {
    throw new Failure({ code: "code-too-long", max: MAX_CODE_LENGTH });
  }
  return code;
}
