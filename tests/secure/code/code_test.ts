import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import {
  makeCode,
  normalCode,
  wordsOf,
} from "../../../lib/secure/code/code.ts";
import { WORD_LIST } from "../../../lib/secure/code/word_list.ts";

Deno.test("a code is a number and two words of the list", () => {
  for (let i = 0; i < 1000; i++) {
    const code = makeCode();
    const [, number, one, other] = /^(\d+)-([a-z]+)-([a-z]+)$/.exec(code)!;
    assert(Number(number) >= 1 && Number(number) <= 128, code);
    assert(WORD_LIST.includes(one!) && WORD_LIST.includes(other!), code);
    assertEquals(normalCode(code), code);
  }
});

Deno.test("every number and every word is used in codes, at either place, about equally often", () => {
  const ROUNDS = 200;
  const parts = Array.from(
    { length: ROUNDS * WORD_LIST.length },
    () => makeCode().split("-"),
  );
  // Expected 800 of each number and 200 of each word: 7 standard deviations
  for (const [place, kinds] of [128, 512, 512].entries()) {
    const counts = Map.groupBy(parts, (code) => code[place]);
    assertEquals(counts.size, kinds);
    const expected = parts.length / kinds;
    for (const [part, { length }] of counts) {
      const deviation = Math.abs(length - expected) / Math.sqrt(expected);
      assert(deviation < 7, `${part}: ${length} times`);
    }
  }
});

Deno.test("the words can be told apart and typed", () => {
  assertEquals(WORD_LIST.length, 512);
  assertEquals(new Set(WORD_LIST.map((word) => word.slice(0, 4))).size, 512);
  for (const word of WORD_LIST) assert(/^[a-z]{4,8}$/.test(word), word);
});

Deno.test("each word stands for nine bits, the lowest ones first", () => {
  assertEquals(wordsOf(0, 3), [WORD_LIST[0], WORD_LIST[0], WORD_LIST[0]]);
  assertEquals(wordsOf(511 + 512 * 3 + 2 ** 18 * 5, 3), [
    WORD_LIST[511],
    WORD_LIST[3],
    WORD_LIST[5],
  ]);
});

// S-11
Deno.test("a code is the same however it is typed", () => {
  const typed = [
    "17-walnut-copper",
    " 17 Walnut  Copper\n",
    "17_WALNUT_COPPER",
    "-17--walnut-copper-",
  ];
  for (const text of typed) assertEquals(normalCode(text), "17-walnut-copper");
  assertEquals(normalCode("Über\u00a0\uff11"), "über-1");
});

Deno.test("a code of nothing, and one without end, are mistakes", () => {
  for (const text of ["", "  ", "--", "x".repeat(201)]) {
    const { code } = assertThrows(() => normalCode(text), Failure);
    assertEquals(code, text.length > 200 ? "code-too-long" : "code-empty");
  }
});
