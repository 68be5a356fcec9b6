import { uint32At } from "../../base/integers.ts";
import { Failure } from "../../base/failure.ts";
import { WORD_LIST } from "./word_list.ts";

/**
 * Codes have a number from 1 to this: with two of 512 words that makes 2^25
 * codes.
 */
const CODE_NUMBERS = 128;
/** The longest code, in UTF-16 code units. */
const MAX_CODE_LENGTH = 200;

/** Makes a random code such as `17-walnut-copper`, uniformly out of 2^25. */
export function makeCode(): string {
  const random = uint32At(crypto.getRandomValues(new Uint8Array(4)), 0);
  const number = 1 + random % CODE_NUMBERS;
  const [one, other] = wordsOf(Math.floor(random / CODE_NUMBERS), 2);
  return `${number}-${one}-${other}`;
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
