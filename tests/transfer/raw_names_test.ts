import { assertEquals, assertThrows } from "@std/assert";
import { namesIn, targetOf } from "../../lib/transfer/files/raw_names.ts";
import { inDirectory } from "./files.ts";

async function shell(cwd: string, script: string): Promise<void> {
  await new Deno.Command("bash", { args: ["-c", script], cwd }).output();
}

Deno.test("all names in a directory are told, and those that are not UTF-8 apart", () =>
  inDirectory(async (directory) => {
    await shell(directory, `touch a é '.b' $'\\xff\\xfe' $'c\\xc3'; mkdir d`);
    const { names, others } = namesIn(directory);
    assertEquals(names.sort(), [".b", "a", "d", "é"]);
    assertEquals(others.sort(), ["c\ufffd", "\ufffd\ufffd"]);
    assertEquals(namesIn(`${directory}/d`), { names: [], others: [] });
  }));

Deno.test("a directory of more names than one system call tells is told whole", () =>
  inDirectory(async (directory) => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(200));
    for (const name of names) {
      await Deno.writeTextFile(`${directory}/${name}`, "");
    }
    assertEquals(namesIn(directory).names.sort(), names.sort());
  }));

Deno.test("where a link leads is told if it is UTF-8, however long", () =>
  inDirectory(async (directory) => {
    const long = "é/".repeat(1300);
    await Deno.symlink(long, `${directory}/long`);
    await shell(directory, `ln -s $'\\xff' odd`);
    assertEquals(targetOf(`${directory}/long`), long);
    assertEquals(targetOf(`${directory}/odd`), undefined);
  }));

Deno.test("what cannot be listed is said to be so", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    assertThrows(() => namesIn(`${directory}/none`), Deno.errors.NotFound);
    assertThrows(() => namesIn(`${directory}/file`), Error);
    assertThrows(() => targetOf(`${directory}/file`), Error);
  }));
