import { assertEquals, assertThrows } from "@std/assert";
import { checkSystemName } from "../../../lib/transfer/files/directory/system_names.ts";
import { Failure } from "../../../lib/base/failure.ts";

/** Names that Windows takes for something else, after its "Naming Files, Paths, and Namespaces". */
const NOT_ON_WINDOWS = [
  "..\\..\\Users\\victim\\AppData\\Roaming\\x.bat",
  "\\\\server\\share",
  "C:evil.exe",
  "notes.txt:hidden",
  "a<b",
  "a>b",
  'a"b',
  "a|b",
  "a?b",
  "a*b",
  "a/b",
  "a\u0001b",
  "a\x7fb",
  "x.",
  "x ",
  "x. .",
  " ",
  "NUL",
  "nul",
  "con.txt",
  "CON .txt",
  "PRN",
  "aux.tar.gz",
  "COM1",
  "com9.log",
  "COM¹",
  "LPT³.x",
  "COM0",
  "CONIN$",
  "conout$.txt",
  "x.FERRY-PART",
  "x.ferry-part",
  "x.ferry-part.",
  "x.Ferry-Part ",
];

const NOT_ON_DARWIN = [
  "x.FERRY-PART",
  "x.ferry-part",
  "x.ferry\u200d-part",
  "\u200c.bashrc",
  "\ufeff.ssh",
  "\u200d",
];

const EVERYWHERE = [
  "a",
  "ünïcödé 🚢",
  ".hidden",
  "with spaces in it",
  "console",
  "com10",
  "COM",
  "nul-l",
  "x.ferry-part.txt",
  "a.b.c",
  "family 👨‍👩‍👧",
];

for (const name of NOT_ON_WINDOWS) {
  Deno.test(`Windows: ${JSON.stringify(name)} is refused`, () => {
    assertThrows(() => checkSystemName(name, "windows"), Failure);
  });
}

for (const name of NOT_ON_DARWIN) {
  Deno.test(`macOS: ${JSON.stringify(name)} is refused`, () => {
    assertThrows(() => checkSystemName(name, "darwin"), Failure);
  });
}

Deno.test("names that every system takes as they are, are taken", () => {
  for (const name of EVERYWHERE) {
    for (const os of ["windows", "darwin", "linux"]) checkSystemName(name, os);
  }
});

Deno.test("macOS takes a colon, and Linux all that is no path", () => {
  checkSystemName("10:30", "darwin");
  for (const name of [...NOT_ON_WINDOWS, ...NOT_ON_DARWIN]) {
    checkSystemName(name, "linux");
  }
  assertEquals(checkSystemName("NUL", "freebsd"), undefined);
});
