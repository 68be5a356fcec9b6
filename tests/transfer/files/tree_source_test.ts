import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { omissionReason, type Step } from "../../../lib/transfer/source.ts";
import { fileCalls } from "../../../lib/system/c_library.ts";
import { TreeSource } from "../../../lib/transfer/files/reading/tree_source.ts";
import { SECRET } from "../../e2e/transfer/flip.ts";
import { inDirectory, makeFiles, test } from "../files.ts";
import { pause } from "../../support/wait.ts";

type FileStep = Step & { readonly type: "file" };

const REPLACED = "replaced";
const isLinux = Deno.build.os === "linux";
/** Whether directories are walked by descriptors. */
const withLibrary = fileCalls() !== undefined;

/** Runs `body` with a source of the tree of these files, in a directory of its own. */
function withTree(
  files: Record<string, string>,
  body: (source: TreeSource, path: string) => Promise<void> | void,
): Promise<void> {
  return inDirectory(async (path) => {
    makeFiles(path, { "vault/x": SECRET });
    makeFiles(`${path}/tree`, files);
    const source = await TreeSource.open([`${path}/tree`]);
    try {
      await body(source, path);
    } finally {
      source.close();
    }
  });
}

/** What a person would be told of a step, shortly. */
function told(step: Step): string {
  switch (step.type) {
    case "enter":
      return `${step.entry.name}/`;
    case "leave":
      return "..";
    case "omit":
      return `${step.path.replace(/.*\//, "")}: ${step.reason}`;
    default:
      return step.entry.name;
  }
}

function textOf({ file, entry }: FileStep): string {
  const into = new Uint8Array(entry.size ?? 0);
  return new TextDecoder().decode(into.subarray(0, file.readAll(into)));
}

/** Has `name` in `path/tree` be a link to the vault, until what it gives is called. */
function swapDirectory(path: string, name: string): () => void {
  const [from, aside] = [`${path}/tree/${name}`, `${path}/aside`];
  Deno.renameSync(from, aside);
  Deno.symlinkSync("../vault", from);
  return () => {
    Deno.removeSync(from);
    Deno.renameSync(aside, from);
  };
}

/** Walks on to the step of the file of that name. */
function fileIn(steps: Iterator<Step>, name: string): FileStep {
  for (;;) {
    const { value, done } = steps.next();
    assert(!done, `There is no ${name}`);
    if (value.type === "file" && value.entry.name === name) return value;
  }
}

async function assertReplaced(step: FileStep): Promise<void> {
  const error = assertThrows(() => textOf(step));
  assertEquals(omissionReason(error), REPLACED);
  const later = await assertRejects(() => step.file.open());
  assertEquals(omissionReason(later), REPLACED);
}

Deno.test("a tree is walked in order, with all that is in it", () =>
  withTree(
    { "b/y": "1", "b/x": "22", "a": "333", "c/d/e": "" },
    (source, path) => {
      Deno.symlinkSync("nowhere", `${path}/tree/z`);
      Deno.linkSync(`${path}/tree/a`, `${path}/tree/b/a`);
      const steps = [...source.entries()];
      assertEquals(
        steps.map(told).join(" "),
        "tree/ a b/ a x y .. c/ d/ e .. .. z ..",
      );
      const files = steps.filter((step) => step.type === "file");
      // All directories have been left by now
      assertEquals(files.map(textOf), ["333", "333", "22", "1", ""]);
      assertEquals([...source.entries()].map(told), steps.map(told));
    },
  ));

/** What is put in the place of `tree/x`, which has been removed. */
const SWAPS: Record<string, (path: string, x: string) => unknown> = {
  "a link to another file": (_, x) => Deno.symlinkSync("../vault/x", x),
  "another file": (path, x) => Deno.renameSync(`${path}/other`, x),
  "a hard link to another file": (path, x) =>
    Deno.linkSync(`${path}/vault/x`, x),
  "a directory": (_, x) => Deno.mkdirSync(x),
  "a named pipe, for which nobody waits": (_, x) =>
    new Deno.Command("mkfifo", { args: [x] }).outputSync(),
  "a socket": (path, x) => {
    const socket = `${path}/socket`;
    const listener = Deno.listen({ transport: "unix", path: socket });
    // By its first name it would be removed when it is closed
    Deno.renameSync(socket, x);
    listener.close();
  },
};

for (const [what, swap] of Object.entries(SWAPS)) {
  for (const when of ["right after the look", "after the directory was left"]) {
    Deno.test({
      name: `a file that was replaced by ${what} ${when} is not read`,
      ignore: !isLinux,
      fn: () =>
        withTree({ x: "harmless" }, async (source, path) => {
          const steps = source.entries()[Symbol.iterator]();
          const step = fileIn(steps, "x");
          if (when === "after the directory was left") {
            while (!steps.next().done);
          }
          makeFiles(path, { other: SECRET });
          Deno.removeSync(`${path}/tree/x`);
          swap(path, `${path}/tree/x`);
          await assertReplaced(step);
        }),
    });
  }
}

Deno.test("a file that is gone, or may not be read, is said to be so", () =>
  withTree({ x: "harmless" }, (source, path) => {
    const step = fileIn(source.entries()[Symbol.iterator](), "x");
    Deno.removeSync(`${path}/tree/x`);
    const error = assertThrows(() => textOf(step));
    assertEquals(omissionReason(error), { errno: "ENOENT", text: "ENOENT" });
  }));

Deno.test("a directory in whose place a link is put before it is listed is not listed", () =>
  withTree({ "d/x": "harmless", "e/x": "too" }, (source, path) => {
    const steps: string[] = [];
    for (const step of source.entries()) {
      steps.push(told(step));
      if (step.type === "enter" && step.entry.name === "d") {
        swapDirectory(path, "d");
      }
    }
    assertEquals(steps.join(" "), `tree/ d/ d: ${REPLACED} .. e/ x .. ..`);
  }));

Deno.test("what is in a directory is not looked for behind a link that is put in its place", () =>
  withTree({ "d/a": "1", "d/x": "harmless" }, async (source, path) => {
    const steps = source.entries()[Symbol.iterator]();
    const before = fileIn(steps, "a");
    const putBack = swapDirectory(path, "d");
    const step = fileIn(steps, "x");
    if (withLibrary) {
      // The directory that is open is the one that was there
      assertEquals([textOf(before), textOf(step)], ["1", "harmless"]);
    } else {
      await assertReplaced(step);
    }
    while (!steps.next().done);
    await assertReplaced(step);
    putBack();
    assertEquals(textOf(before), "1");
  }));

Deno.test("a directory further above in whose place a link is put is not followed either", () =>
  withTree({ "a/b/c/x": "harmless" }, async (source, path) => {
    makeFiles(path, { "vault/b/c/x": SECRET });
    const steps = [...source.entries()];
    const step = steps.find((step) => step.type === "file")!;
    assertEquals(textOf(step), "harmless");
    const putBack = swapDirectory(path, "a");
    if (!withLibrary) await assertReplaced(step);
    // By another source nothing is open
    putBack();
    const other = await TreeSource.open([`${path}/tree`]);
    const late = [...other.entries()].find((step) => step.type === "file")!;
    swapDirectory(path, "a");
    await assertReplaced(late);
    other.close();
  }));

Deno.test("a path that a person names may be a link, to a file and to a directory; what it leads to stays the same", () =>
  withTree({ "d/x": "harmless", y: "named" }, async (_, path) => {
    Deno.symlinkSync("tree/d", `${path}/directory`);
    Deno.symlinkSync("tree/y", `${path}/file`);
    const open = () => TreeSource.open([`${path}/directory`, `${path}/file`]);
    const source = await open();
    const texts = (one: TreeSource) =>
      [...one.entries()].filter((step) => step.type === "file").map(textOf);
    assertEquals(texts(source), ["harmless", "named"]);
    source.close();
    const other = await open();
    for (const [name, to] of [["directory", "vault"], ["file", "vault/x"]]) {
      Deno.removeSync(`${path}/${name}`);
      Deno.symlinkSync(to!, `${path}/${name}`);
    }
    const steps = [...other.entries()];
    assertEquals(
      steps.map(told).join(" "),
      `directory/ directory: ${REPLACED} .. file`,
    );
    const named = steps.find((step) => step.type === "file")!;
    // Where the link led when it was named
    assertEquals(textOf(named), "named");
    Deno.removeSync(`${path}/tree/y`);
    Deno.symlinkSync("../vault/x", `${path}/tree/y`);
    await assertReplaced(named);
    other.close();
  }));

Deno.test("nothing is opened any more once the source is closed", () =>
  withTree({ "d/x": "harmless" }, (source) => {
    const step = fileIn(source.entries()[Symbol.iterator](), "x");
    source.close();
    assertThrows(() => textOf(step));
  }));

Deno.test("a tree is measured as it is walked", () =>
  withTree({ "d/x": "12345", "d/e/y": "1", z: "" }, async (source, path) => {
    Deno.symlinkSync("nowhere", `${path}/tree/link`);
    Deno.linkSync(`${path}/tree/d/x`, `${path}/tree/d/x2`);
    const whole = { files: 4, bytes: 11, entries: 8, more: false };
    assertEquals(await source.measure(), whole);
    assertEquals([...source.entries()].length, 11);
    assertEquals(await source.measure(), whole);
  }));

test("measuring a large tree lets others have their turn, ends in time and can be stopped", async (path) => {
  for (let i = 0; i < 3600; i++) {
    makeFiles(path, { [`tree/${Math.floor(i / 60)}/${i}`]: "x" });
  }
  const source = await TreeSource.open([`${path}/tree`]);
  let turns = 0;
  let measuring = true;
  const others = (async () => {
    while (measuring) {
      turns++;
      await pause(0);
    }
  })();
  const whole = await source.measure();
  measuring = false;
  await others;
  const counts = { files: 3600, bytes: 3600, entries: 3661 };
  assertEquals(whole, { ...counts, more: false });
  assert(turns > 1);
  const part = await source.measure({ limit: 0 });
  assert(part.more && part.files < 3600);
  const reason = new Error("stopped");
  const signal = AbortSignal.abort(reason);
  const error = await assertRejects(() => source.measure({ signal }));
  assertEquals(error, reason);
  source.close();
});

const SOURCE = new URL(
  "../../../lib/transfer/files/reading/tree_source.ts",
  import.meta.url,
);

Deno.test({
  name:
    "a tree of 1,000 levels is walked and read with few descriptors, and none is left open",
  ignore: !isLinux || !withLibrary,
  fn: () =>
    inDirectory(async (path) => {
      const DEPTH = 1000;
      let at = path;
      for (let i = 0; i < DEPTH; i++) {
        at += "/d";
        Deno.mkdirSync(at);
        // One on the way down, and one on the way up
        makeFiles(at, { a: "a", z: "z" });
      }
      const code = `
        import { TreeSource } from ${JSON.stringify(SOURCE.href)};
        const source = await TreeSource.open([${JSON.stringify(`${path}/d`)}]);
        const into = new Uint8Array(1);
        const before = [...Deno.readDirSync("/proc/self/fd")].length;
        let most = 0;
        const files = [];
        for (const step of source.entries()) {
          if (step.type === "omit") throw new Error(step.path + step.reason);
          if (step.type !== "file") continue;
          if (step.file.readAll(into) !== 1) throw new Error("short");
          files.push(step);
          if (files.length % 50 > 0) continue;
          const open = [...Deno.readDirSync("/proc/self/fd")].length - before;
          most = Math.max(most, open);
        }
        // As when resuming, where directories have been left
        for (const step of files.slice(-300)) step.file.readAll(into);
        source.close();
        const left = [...Deno.readDirSync("/proc/self/fd")].length - before;
        console.log(files.length, most < 40, left);`;
      const { stdout, stderr } = await new Deno.Command("bash", {
        args: [
          "-c",
          'ulimit -n 80; exec "$@"',
          "bash",
          Deno.execPath(),
          ..."run -A --quiet --no-check --no-lock --ext=ts".split(" "),
          `data:application/typescript,${encodeURIComponent(code)}`,
        ],
      }).output();
      const words = new TextDecoder();
      assertEquals(words.decode(stderr), "");
      assertEquals(words.decode(stdout), `${2 * DEPTH} true 0\n`);
    }),
});

Deno.test({
  name:
    "without FFI what was replaced is not read either, but for a moment that remains",
  ignore: !isLinux || !withLibrary,
  fn: async () => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ..."test --quiet --no-check --no-prompt".split(" "),
        ..."--allow-read --allow-write --allow-sys=uid".split(" "),
        ..."--allow-run=mkfifo --allow-env --allow-net".split(" "),
        new URL(import.meta.url).pathname,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    const words = new TextDecoder();
    const said = words.decode(stdout) + words.decode(stderr);
    assertEquals(code, 0, said);
    assert(/ok \| \d\d passed/.test(said), said);
  },
});

Deno.test({
  name: "a tree as deep as a path may be long is walked to its end",
  // By paths each level takes as long as all above it
  ignore: !withLibrary,
  fn: () =>
    inDirectory(async (path) => {
      const depth = Math.floor((4000 - path.length) / 2);
      Deno.mkdirSync(`${path}/t${"/d".repeat(depth)}`, { recursive: true });
      const source = await TreeSource.open([`${path}/t`]);
      const steps = Array.from(source.entries(), ({ type }) => type);
      source.close();
      const count = (what: string) =>
        steps.filter((does) => does === what).length;
      assertEquals([count("enter"), count("leave")], [depth + 1, depth + 1]);
    }),
});
