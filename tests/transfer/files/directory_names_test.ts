import { assertEquals, assertThrows } from "@std/assert";
import { openDirectory } from "../../../lib/transfer/files/directory/open_directory.ts";
import type { Directory } from "../../../lib/transfer/files/directory/directory.ts";
import { inDirectory } from "../files.ts";

async function shell(cwd: string, script: string): Promise<void> {
  await new Deno.Command("bash", { args: ["-c", script], cwd }).output();
}

/** Runs `body` in an open directory of its own. */
function within(
  body: (directory: Directory, path: string) => Promise<void> | void,
): Promise<void> {
  return inDirectory(async (path) => {
    const directory = openDirectory(path);
    try {
      await body(directory, path);
    } finally {
      directory.close();
    }
  });
}

Deno.test("all names in a directory are told, and those that are not UTF-8 apart", () =>
  within(async (directory, path) => {
    await shell(path, `touch a é '.b' $'\\xff\\xfe' $'c\\xc3'; mkdir d`);
    const { names, others } = directory.entries();
    assertEquals(names.sort(), [".b", "a", "d", "é"]);
    assertEquals(others.sort(), ["c\ufffd", "\ufffd\ufffd"]);
    const empty = directory.openDirectory("d");
    assertEquals(empty.entries(), { names: [], others: [] });
    empty.close();
  }));

Deno.test("a directory of more names than one system call tells is told whole, and again", () =>
  within(async (directory, path) => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(200));
    for (const name of names) {
      await Deno.writeTextFile(`${path}/${name}`, "");
    }
    names.sort();
    assertEquals(directory.entries().names.sort(), names);
    assertEquals(directory.entries().names.sort(), names);
  }));

Deno.test("where a link leads is told if it is UTF-8, however long", () =>
  within(async (directory, path) => {
    const long = "é/".repeat(1300);
    await Deno.symlink(long, `${path}/long`);
    await shell(path, `ln -s $'\\xff' odd`);
    assertEquals(directory.readLink("long"), long);
    assertEquals(directory.readLink("odd"), undefined);
    await Deno.writeTextFile(`${path}/file`, "");
    assertThrows(() => directory.readLink("file"), Error);
  }));
