import { assertEquals } from "@std/assert";

const root = new URL("../", import.meta.url);
/** Specifications, and the letter of their requirements. */
const SPECIFICATIONS = [
  ["lib/protocol/README.md", "P"],
  ["lib/near/README.md", "N"],
  ["lib/meet/README.md", "M"],
  ["lib/secure/README.md", "S"],
  ["lib/transfer/README.md", "T"],
] as const;

/** Paragraphs and list items of a specification, without what says which words are key words. */
function blocksOf(path: string): string[] {
  return Deno.readTextFileSync(new URL(path, root))
    .split(/\n\s*\n|\n(?=\s*(?:-|\d+\.) )/)
    .filter((block) => !block.includes("BCP 14"));
}

function* textsBelow(directory: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* textsBelow(new URL(`${name}/`, directory));
    else if (name.endsWith(".ts") && !import.meta.url.endsWith(`/${name}`)) {
      yield Deno.readTextFileSync(new URL(name, directory));
    }
  }
}

for (const [path, letter] of SPECIFICATIONS) {
  const id = new RegExp(`\\b${letter}-\\d+\\b`, "g");
  const blocks = blocksOf(path);

  Deno.test(`each MUST of ${path} has a number of its own`, () => {
    const wrong = blocks.filter((block) =>
      (block.match(/\bMUST\b/g) ?? []).length !==
        (block.match(id) ?? []).length
    );
    assertEquals(wrong, []);
    const ids = blocks.flatMap((block) => block.match(id) ?? []);
    assertEquals(new Set(ids).size, ids.length);
  });

  Deno.test(`each MUST of ${path} is quoted by a test`, () => {
    const quoted = new Set(
      [...textsBelow(new URL("tests/", root))]
        .flatMap((text) => text.match(id) ?? []),
    );
    const ids = blocks.flatMap((block) => block.match(id) ?? []);
    assertEquals(ids.filter((id) => !quoted.has(id)), []);
  });
}
