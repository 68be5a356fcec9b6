import { assertEquals } from "@std/assert";
import {
  displayJson,
  displayText,
  quotedName,
  widthOf,
} from "../../lib/base/display_text.ts";

Deno.test("a text is shown as one line that leaves a terminal alone", () => {
  assertEquals(displayText("a\nb\tc\r\x85d\u2028e"), "a b c  d e");
  assertEquals(displayText("\x1b[2Jx\x9b31m\x07"), "�[2Jx�31m�");
});

Deno.test("characters that reorder text or are invisible are shown", () => {
  assertEquals(displayText("photo\u202egpj.exe"), "photo�gpj.exe");
  for (
    const invisible of [
      "\u200b",
      "\u200d",
      "\u00ad",
      "\u2060",
      "\ufeff",
      "\u061c",
      "\u2066",
      "\u115f",
      "\u3164",
      "\uffa0",
      "\u034f",
      "\u180e",
      "\u2800",
      "\ufe0f",
      "\u{e0041}",
      "\u{e0100}",
    ]
  ) {
    assertEquals(displayText(`a${invisible}b`), "a�b");
  }
});

Deno.test("names in other scripts, and emoji, stay what they are", () => {
  const family = "👩‍👩‍👧";
  for (const name of ["Größe", "日本語", "résumé", family, "❤️", "👍🏽", "🏳️‍🌈"]) {
    assertEquals(displayText(name), name);
  }
});

Deno.test("a name is quoted so that it cannot end its quotation", () => {
  assertEquals(quotedName('x" is safe'), '"x\\" is safe"');
  assertEquals(quotedName("a\\"), '"a\\\\"');
});

Deno.test("a long name keeps its end", () => {
  const shown = quotedName("x".repeat(250) + ".exe", 40);
  assertEquals([...shown].length, 42);
  assertEquals(shown.endsWith('xxx.exe"'), true);
});

Deno.test("JSON escapes the characters that a terminal would act upon, and means the same", () => {
  const value = { name: "a\u202eb\x9bc\u200bd\u{e0041}" };
  const text = displayJson(value);
  assertEquals(JSON.parse(text), value);
  assertEquals(/[^\x20-\x7e]/.test(text), false);
});

Deno.test("a letter of an alphabet takes one column, and of what may be wide none is taken for narrow", () => {
  for (const name of ["фото", "Ελλά", "مرحب", "שלום", "a…—€"]) {
    assertEquals(widthOf(name), 4, name);
  }
  for (const name of ["日本", "한국", "\u1100\u1112", "⌚⌛", "👍😀", "ＡＢ"]) {
    assertEquals(widthOf(name), 4, name);
  }
});
