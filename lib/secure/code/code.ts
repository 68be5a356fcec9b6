import { Failure } from "../../base/failure.ts";
import { WORD_LIST } from "./word_list.ts";

/** Codes that are made up have a number from 1 to this. */
const CODE_NUMBERS = 128;
/** The secret of a code: three of 512 words, 2^27 in all. */
const CODE_WORD_COUNT = 3;
/** The largest number that is told from the rest of a code. */
const MAX_NUMBER = 65_535;
/** The longest code, in UTF-16 code units. */
const MAX_CODE_LENGTH = 200;

/**
 * Makes a random code such as `17-walnut-copper-lagoon`: a number, which is not
 * secret, and words, uniformly out of 2^27.
 *
 * @param number the number, where it is not to be random
 */
export function makeCode(number?: number): string {
  const [random = 0, words = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [
    number ?? 1 + random % CODE_NUMBERS,
    ...wordsOf(words, CODE_WORD_COUNT),
  ].join("-");
}

/**
 * The public number of a code: the digits that it begins with, up to 65,535,
 * where a letter comes later. 0 for any other code: all of it is secret.
 *
 * @param code in its normal form
 */
export function numberOf(code: string): number {
  const [, digits] = /^([1-9][0-9]{0,4})-.*\p{L}/u.exec(code) ?? [];
  const number = Number(digits ?? 0);
  return number > MAX_NUMBER ? 0 : number;
}

/**
 * Encodes the lowest 9 × `count` bits of `value` as words, least significant
 * first.
 */
export function wordsOf(value: number, count: number): string[] {
  return Array.from(
    { length: count },
    (_, at) =>
      WORD_LIST[Math.floor(value / WORD_LIST.length ** at) % WORD_LIST.length]!,
  );
}

/**
 * The normal form of a code as typed: case and separators do not count.
 *
 * @throws {Failure} `code-empty`, `code-too-long`
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
