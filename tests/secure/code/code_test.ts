import { assert, assertEquals, assertThrows } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import {
  makeCode,
  normalCode,
  numberOf,
  wordsOf,
} from "../../../lib/secure/code/code.ts";
import { WORD_LIST } from "../../../lib/secure/code/word_list.ts";

Deno.test("a code is a number and three words of the list", () => {
  for (let i = 0; i < 1000; i++) {
    const code = makeCode();
    const [number, ...words] = code.split("-");
    assert(Number(number) >= 1 && Number(number) <= 128, code);
    assertEquals(words.length, 3);
    for (const word of words) assert(WORD_LIST.includes(word), code);
    assertEquals(numberOf(code), Number(number));
    assertEquals(normalCode(code), code);
  }
});

Deno.test("every number and every word is used in codes, at each place, about equally often", () => {
  const ROUNDS = 200;
  const parts = Array.from(
    { length: ROUNDS * WORD_LIST.length },
    () => makeCode().split("-"),
  );
  // Expected 800 of each number and 200 of each word: 7 standard deviations
  for (const [place, kinds] of [128, 512, 512, 512].entries()) {
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
    "17-walnut-copper-lagoon",
    " 17 Walnut  Copper lagoon\n",
    "17_WALNUT_COPPER_LAGOON",
    "-17--walnut-copper-lagoon-",
  ];
  for (const text of typed) {
    assertEquals(normalCode(text), "17-walnut-copper-lagoon");
  }
  assertEquals(normalCode("Über\u00a0\uff11"), "über-1");
});

Deno.test("of a code's digits only what stands before a letter is its public number", () => {
  const numbers = {
    "17-walnut-copper-lagoon": 17,
    "65535-x": 65_535,
    "65536-x": 0,
    "4711-0815": 0,
    "4711": 0,
    "017-walnut": 0,
    "0-walnut": 0,
    "walnut-17": 0,
    "17walnut": 0,
    "17-über": 17,
  };
  for (const [code, number] of Object.entries(numbers)) {
    assertEquals(numberOf(code), number, code);
  }
});

Deno.test("a code of nothing, and one without end, are mistakes", () => {
  for (const text of ["", "  ", "--", "x".repeat(201)]) {
    const { code } = assertThrows(() => normalCode(text), Failure);
    assertEquals(code, text.length > 200 ? "code-too-long" : "code-empty");
  }
});
