import { assertEquals } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import { runPair } from "../../support/ferry.ts";
import { inDirectory, namesIn, writeRandomFile } from "../../support/fs.ts";
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
      await Deno.mkdir(`${memory}/tree/sub`, { recursive: true });
      await writeRandomFile(`${memory}/tree/sub/file`, 300_000);
      await Deno.mkdir(`${memory}/dir`);
      await Deno.symlink(`${memory}/tree/sub/file`, `${cwd}/link`);
      await Deno.symlink(`${memory}/dir`, `${cwd}/dir`);
      const SENT: [string[], string[], string][] = [
        [[`${memory}/tree/sub/file`], ["-d", `${memory}/dir`], "dir/file"],
        [["link"], ["-o", `${memory}/out`], "out"],
        [[`${memory}/tree`], ["-d", "dir"], "dir/tree/sub/file"],
        [["link"], ["-d", "dir"], "dir/link"],
      ];
      const content = await Deno.readFile(`${memory}/tree/sub/file`);
      for (const [paths, args, name] of SENT) {
        const send = { args: paths };
        assertDone(await runPair({ cwd, send, receive: { args } }));
        assertEquals(await Deno.readFile(`${memory}/${name}`), content);
      }
      const names = ["dir", "out", "tree"];
      assertEquals(namesIn(memory), names);
      assertEquals(namesIn(`${memory}/dir`), ["file", "link", "tree"]);
    }, "/dev/shm"),
);

testWith(
  FFI,
  "a file of /proc is sent with what it holds",
  async (cwd) => {
    const path = "/proc/sys/kernel/ostype";
    const send = { args: [path] };
    const receive = { args: ["-o", "out"] };
    assertDone(await runPair({ cwd, send, receive }));
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
    const disk = await losetup(
      "--find",
      "--show",
      "--read-only",
      `${cwd}/image`,
    );
    try {
      const send = { args: [disk] };
      const receive = { args: ["-o", "out"] };
      const ended = await runPair({ cwd, send, receive });
      assertDone(ended);
    } finally {
      await losetup("--detach", disk);
    }
    assertEquals(
      await Deno.readFile(`${cwd}/out`),
      await Deno.readFile(`${cwd}/image`),
    );
  },
);
