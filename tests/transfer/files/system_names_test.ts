import { assertEquals, assertThrows } from "@std/assert";
import { checkSystemName } from "../../../lib/transfer/files/directory/system_names.ts";
import { Failure } from "../../../lib/base/failure.ts";

/** Names that Windows takes for something else, after its "Naming Files, Paths, and Namespaces". */
const NOT_ON_WINDOWS = [
  "..\\..\\Users\\victim\\AppData\\Roaming\\x.bat",
  "\\\\server\\share",
  "C:evil.exe",
  "notes.txt:hidden",
  ...Array.from('<>"|?*/\u0001\x7f', (character) => `a${character}b`),
  ...["x.", "x ", "x. .", " ", "CON .txt"],
  ..."NUL nul con.txt PRN aux.tar.gz COM1 com9.log COM¹ LPT³.x".split(" "),
  ..."COM0 CONIN$ conout$.txt x.FERRY-PART x.ferry-part".split(" "),
  ...["x.ferry-part.", "x.Ferry-Part "],
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
  ...["ünïcödé 🚢", "with spaces in it", "family 👨‍👩‍👧"],
  ..."a .hidden console com10 COM nul-l x.ferry-part.txt a.b.c".split(" "),
];

for (
  const [os, names] of [
    ["windows", NOT_ON_WINDOWS],
    ["darwin", NOT_ON_DARWIN],
  ] as const
) {
  for (const name of names) {
    Deno.test(`${os}: ${JSON.stringify(name)} is refused`, () => {
      assertThrows(() => checkSystemName(name, os), Failure);
    });
  }
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
