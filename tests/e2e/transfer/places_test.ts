import { assert, assertEquals } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import { sendFiles } from "../../support/ferry.ts";
import {
  inDirectory,
  makeFiles,
  namesIn,
  sameFiles,
  writeRandomFile,
} from "../../support/fs.ts";
import {
  FFI,
  LOOP_DEVICES,
  SHARED_MEMORY,
  testWith,
} from "../../support/needs.ts";

testWith(
  SHARED_MEMORY,
  "files and trees go from and to places below /dev, by links, too",
  (cwd) =>
    inDirectory(async (memory) => {
      makeFiles(memory, { "tree/sub/": "", "dir/": "" });
      await writeRandomFile(`${memory}/tree/sub/file`, 300_000);
      await Deno.symlink(`${memory}/tree/sub/file`, `${cwd}/link`);
      await Deno.symlink(`${memory}/dir`, `${cwd}/dir`);
      const SENT: [string[], string[], string][] = [
        [[`${memory}/tree/sub/file`], ["-d", `${memory}/dir`], "dir/file"],
        [["link"], ["-o", `${memory}/out`], "out"],
        [[`${memory}/tree`], ["-d", "dir"], "dir/tree/sub/file"],
        [["link"], ["-d", "dir"], "dir/link"],
      ];
      for (const [paths, args, name] of SENT) {
        assertDone(await sendFiles(cwd, paths, args));
        const file = `${memory}/tree/sub/file`;
        assert(await sameFiles(`${memory}/${name}`, file), name);
      }
      assertEquals(namesIn(memory), ["dir", "out", "tree"]);
      assertEquals(namesIn(`${memory}/dir`), ["file", "link", "tree"]);
    }, "/dev/shm"),
);

testWith(
  FFI,
  "a file of /proc is sent with what it holds",
  async (cwd) => {
    const path = "/proc/sys/kernel/ostype";
    assertDone(await sendFiles(cwd, [path], ["-o", "out"]));
    assertEquals(
      await Deno.readTextFile(`${cwd}/out`),
      await Deno.readTextFile(path),
    );
  },
);

testWith(
  LOOP_DEVICES,
  "a disk is sent from its first byte to its last",
  async (cwd) => {
    await writeRandomFile(`${cwd}/image`, 4 << 20);
    const losetup = async (...args: string[]) => {
      const { stdout } = await new Deno.Command("losetup", { args }).output();
      return new TextDecoder().decode(stdout).trim();
    };
    const find = ["--find", "--show", "--read-only"];
    const disk = await losetup(...find, `${cwd}/image`);
    try {
      assertDone(await sendFiles(cwd, [disk], ["-o", "out"]));
    } finally {
      await losetup("--detach", disk);
    }
    assert(await sameFiles(`${cwd}/out`, `${cwd}/image`));
  },
);
