import { assertEquals, assertThrows } from "@std/assert";
import { statusAt } from "../../../lib/transfer/files/file_status.ts";
import { test } from "../files.ts";

/** Sets when what is at `path`, a link itself, was last changed: nanoseconds since 1970. */
async function setTime(path: string, mtime: bigint): Promise<void> {
  const size = mtime < 0n ? -mtime : mtime;
  const nanos = `${size % 10n ** 9n}`.padStart(9, "0");
  const date = `@${mtime < 0n ? "-" : ""}${size / 10n ** 9n}.${nanos}`;
  const args = ["--no-dereference", "--date", date, "--", path];
  const { success } = await new Deno.Command("touch", { args }).output();
  assertEquals(success, true, `touch ${args}`);
}

/** What find(1) says of a time: seconds and nanoseconds since 1970. */
async function timeSeen(path: string): Promise<string> {
  const args = [path, "-prune", "-printf", "%T@"];
  const { stdout } = await new Deno.Command("find", { args }).output();
  return new TextDecoder().decode(stdout);
}

test("a time is seen to the nanosecond: of a file, a directory and a link itself", async (directory) => {
  await Deno.writeTextFile(`${directory}/file`, "x");
  await Deno.symlink("file", `${directory}/link`);
  await Deno.symlink("nowhere", `${directory}/dangling`);
  const CASES: [bigint, string][] = [
    [1_234_567_890_123_456_789n, "1234567890.1234567890"],
    [0n, "0.0000000000"],
    [1n, "0.0000000010"],
    [-500_000_000n, "-1.5000000000"],
    [9_999_999_999_999_999_999n, "9999999999.9999999990"],
  ];
  for (const name of ["file", "link", "dangling", "."]) {
    const path = `${directory}/${name}`;
    for (const [mtime, words] of CASES) {
      await setTime(path, mtime);
      assertEquals(statusAt(path).mtime, mtime);
      if (mtime >= 0n) assertEquals(await timeSeen(path), words);
    }
  }
  assertEquals(
    statusAt(`${directory}/link`, { follow: true }).mtime,
    statusAt(`${directory}/file`).mtime,
  );
});

test("what is at a path is seen as Deno sees it", async (directory) => {
  await Deno.writeTextFile(`${directory}/file`, "four", { mode: 0o640 });
  await Deno.link(`${directory}/file`, `${directory}/other name`);
  await Deno.symlink("file", `${directory}/link`);
  await new Deno.Command("mkfifo", { args: [`${directory}/ü`] }).output();
  for (const path of ["file", "link", "ü", "."]) {
    for (const follow of [false, true]) {
      const status = statusAt(`${directory}/${path}`, { follow });
      const info = await (follow ? Deno.stat : Deno.lstat)(
        `${directory}/${path}`,
      );
      assertEquals([
        status.isFile,
        status.isDirectory,
        status.isSymlink,
        status.isFifo,
        status.isSocket,
        status.size,
        status.mode,
        status.links,
        Number(status.inode),
        status.device,
      ], [
        info.isFile,
        info.isDirectory,
        info.isSymlink,
        info.isFifo,
        info.isSocket,
        info.size,
        info.mode! & 0o777,
        info.nlink,
        info.ino,
        info.dev,
      ]);
    }
  }
});

test("what is not there, and a path that no system takes, are said to be wrong", (directory) => {
  const missing = `${directory}/none`;
  assertThrows(() => statusAt(missing), Deno.errors.NotFound);
  assertThrows(() => statusAt(`${directory}\0/none`), Error);
});
