import { assertEquals } from "@std/assert";

const BELOW_SESSION = [
  "base",
  "protocol",
  "near",
  "meet",
  "mapping",
  "endpoint",
  "secure",
  "transfer",
];
/** What the files of each folder of lib/, and main.ts, may import from. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: ["base"],
  system: ["system"],
  protocol: ["base", "protocol", "node:buffer", "node:crypto", "node:zlib"],
  near: ["base", "protocol", "near"],
  meet: ["base", "protocol", "meet", "node:crypto"],
  mapping: ["base", "mapping"],
  endpoint: [
    "base",
    "system",
    "protocol",
    "near",
    "mapping",
    "endpoint",
    "node:",
  ],
  secure: ["base", "secure", "node:", "npm:@noble/"],
  // What the C library knows of files, only files/ asks; see below
  transfer: ["base", "system", "transfer", "node:", "npm:ignore@7.0.16"],
  session: [...BELOW_SESSION, "system", "session", "node:"],
  // Types that its own name
  "mod.ts": ["base", "protocol", "mapping", "transfer", "session"],
  cli: [
    ...BELOW_SESSION,
    "system",
    "session",
    "mod.ts",
    "cli",
    "node:",
    "deno.json",
  ],
  "main.ts": ["cli"],
};
const MAY_USE_SYSTEM = ["system", "endpoint", "session", "cli", "main.ts"];
const PURE = ["base", "protocol", "near", "meet", "mapping"];
const TOP_LEVEL = [
  "deno.json",
  "main.ts",
  "lib",
  "tests",
  "README.md",
  "LICENSE",
];

/** Files that a folder may have beside its folders. */
const MAX_FILES = 12;

/** A source file of the product. */
interface Source {
  path: string;
  /** The folder of lib/ it is in, or `main.ts`. */
  folder: string;
  text: string;
  /** The text without its comments. */
  code: string;
}

const root = new URL("../", import.meta.url);
const sources = [...readSources("lib/"), readSource("main.ts")];

function* readSources(directory: string): Generator<Source> {
  for (const { name, isDirectory } of listing(directory)) {
    if (isDirectory) yield* readSources(`${directory}${name}/`);
    else if (name.endsWith(".ts")) yield readSource(`${directory}${name}`);
  }
}

function readSource(path: string): Source {
  const text = Deno.readTextFileSync(new URL(path, root));
  const code = text.replace(/\/\*.*?\*\//gs, "").replace(/(^|\s)\/\/.*/g, "$1");
  return { path, folder: folderOf(path), text, code };
}

function folderOf(path: string): string {
  return path.replace(/^lib\//, "").split("/")[0]!;
}

function listing(directory: string): Deno.DirEntry[] {
  return [...Deno.readDirSync(new URL(directory, root))];
}

/** What a source imports: paths of the product's own files, names of others. */
function filesImportedBy({ path, code }: Pick<Source, "path" | "code">) {
  const found = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g);
  return [...found].map(([, name = ""]) =>
    name.startsWith(".")
      ? new URL(name, `file:///${path}`).pathname.slice(1)
      : name
  );
}

/** What a source imports: folders for the product's own files, names for others. */
function importsOf(source: Source): string[] {
  return filesImportedBy(source).map((name) =>
    /^(lib\/|main\.ts$|deno\.json$)/.test(name) ? folderOf(name) : name
  );
}

/** Imports that close a circle, types included: pairs of paths, in order. */
function circularImports(): string[] {
  const importsOfPath = new Map(
    [...sources, ...readSources("tests/")].map((source) => [
      source.path,
      filesImportedBy(source),
    ]),
  );
  const found = new Set<string>();
  const finished = new Set<string>();
  const visit = (path: string, ancestors: readonly string[]) => {
    const start = ancestors.indexOf(path);
    if (start >= 0) found.add(ancestors.slice(start).toSorted().join(" "));
    if (start >= 0 || finished.has(path)) return;
    for (const imported of importsOfPath.get(path) ?? []) {
      visit(imported, [...ancestors, path]);
    }
    finished.add(path);
  };
  for (const path of importsOfPath.keys()) visit(path, []);
  return [...found].toSorted();
}

/** Files other than data and documents that a folder holds, for each folder below. */
function* folderSizes(folder: string): Generator<[string, number]> {
  const entries = listing(`${folder}/`);
  yield [folder, entries.filter(({ name }) => name.endsWith(".ts")).length];
  for (const { name, isDirectory } of entries) {
    if (isDirectory) yield* folderSizes(`${folder}/${name}`);
  }
}

/** The sources, of those that `include` chooses, whose code matches. */
function using(
  pattern: RegExp,
  include: (source: Source) => boolean,
): string[] {
  return sources.filter(include).filter(({ code }) => pattern.test(code))
    .map(({ path }) => path);
}

Deno.test("lib/ holds the layers and nothing else", () => {
  const names = listing("lib/").map(({ name }) => name)
    .filter((name) => name !== "README.md");
  assertEquals(names.filter((name) => !(name in MAY_IMPORT)), []);
});

Deno.test("a folder of lib/ imports only from folders above it", () => {
  const allows = (allowed: string, name: string) =>
    /[:/]$/.test(allowed) ? name.startsWith(allowed) : name === allowed;
  const wrong = sources.flatMap((source) =>
    importsOf(source)
      .filter((name) =>
        !MAY_IMPORT[source.folder]?.some((allowed) => allows(allowed, name))
      )
      .map((name) => `${source.path} imports ${name}`)
  );
  assertEquals(wrong, []);
});

Deno.test("no files of lib/ and tests/ import each other in a circle, not even types", () => {
  assertEquals(circularImports(), []);
});

Deno.test("a folder has no more than twelve files of its own", () => {
  const wrong = ["lib", "tests"].flatMap((folder) => [...folderSizes(folder)])
    .filter(([, count]) => count > MAX_FILES);
  assertEquals(wrong, []);
});

Deno.test("what comes from elsewhere is named in full, in the version of deno.json, for whoever installs from a URL", () => {
  const config = Deno.readTextFileSync(new URL("deno.json", root));
  const { imports } = JSON.parse(config) as { imports: Record<string, string> };
  const wrong = sources.flatMap((source) =>
    importsOf(source)
      .filter((name) => !/^node:|^deno\.json$/.test(name))
      .filter((name) => !(name.split("/")[0]! in MAY_IMPORT))
      .filter((name) =>
        !Object.values(imports).some((exact) =>
          name === exact || name.startsWith(`${exact}/`)
        )
      )
      .map((name) => `${source.path} imports ${name}`)
  );
  assertEquals(wrong, []);
});

Deno.test("the system is used by system/, endpoint/, session/, cli/, main.ts and transfer/files/", () => {
  const outside = using(
    /\bDeno\b|\bnode:(fs|net|dgram|dns|os|process|child_process)\b|\/system\//,
    ({ folder }) => !MAY_USE_SYSTEM.includes(folder),
  );
  assertEquals(
    outside.filter((path) => !path.startsWith("lib/transfer/files/")),
    [],
  );
});

Deno.test("the core knows no clock, no chance, no timer and no promise", () => {
  const impure = new RegExp(
    [
      /\b(Date|performance)\b/,
      /\b(Math\.random|getRandomValues|randomUUID|randomBytes|randomInt)\b/,
      /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/,
      /\b(async|await)\b|\bPromise\.|\bnew Promise\b/,
    ].map(({ source }) => source).join("|"),
  );
  const core = ({ folder, path }: Source) =>
    PURE.includes(folder) && path !== "lib/base/async.ts";
  assertEquals(using(impure, core), []);
  // What a byte stream promises is declared in base/, and only declared.
  const promises = using(/\bPromise\b/, core);
  assertEquals(
    promises.filter((path) => path !== "lib/base/byte_stream.ts"),
    [],
  );
});

Deno.test("files are named in snake_case", () => {
  const wrong = sources.map(({ path }) => path)
    .filter((path) => !/^[a-z0-9_/]+\.ts$/.test(path));
  assertEquals(wrong, []);
});

Deno.test("the top level holds only what it should", () => {
  const strays = listing("").map(({ name }) => name)
    .filter((name) => !name.startsWith(".") && name !== "dist")
    .filter((name) => !TOP_LEVEL.includes(name));
  assertEquals(strays, []);
});
