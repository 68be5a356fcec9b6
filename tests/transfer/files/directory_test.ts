import { assert, assertEquals, assertThrows } from "@std/assert";
import { openDirectory } from "../../../lib/transfer/files/directory/open_directory.ts";
import {
  type Directory,
  openBeneath,
  removeTree,
} from "../../../lib/transfer/files/directory/directory.ts";
import { DescriptorDirectory } from "../../../lib/transfer/files/directory/descriptor_directory.ts";
import { PathDirectory } from "../../../lib/transfer/files/directory/path_directory.ts";
import { codeOf } from "../../../lib/transfer/files/system_error.ts";
import { inDirectory, makeFiles, test } from "../files.ts";

const KINDS: [string, (path: string) => Directory][] = [
  ["by descriptor", openDirectory],
  ["by path", (path) => new PathDirectory(path)],
];

/** The code of what `action` throws. */
function thrown(action: () => unknown): string {
  return codeOf(assertThrows(action));
}

const TEXT = new TextEncoder().encode("some text");

/** What is done in a directory. */
type Body = (directory: Directory, path: string) => Promise<void> | void;

/** Runs `body` in an open directory of its own. */
function opened(open: typeof openDirectory, body: Body): Promise<void> {
  return inDirectory(async (path) => {
    const directory = open(path);
    try {
      await body(directory, path);
    } finally {
      directory.close();
    }
  });
}

for (const [kind, open] of KINDS) {
  const within = (name: string, body: Body) =>
    Deno.test(`a directory ${kind}: ${name}`, () => opened(open, body));

  within(
    "a file is made for its owner alone, written, and read again",
    async (directory, path) => {
      const file = directory.createFile("ü");
      assertEquals(file.status().bits, 0o600);
      file.writeSync(TEXT);
      const large = new Uint8Array(1 << 17).fill(3);
      await file.write(large);
      await file.seek(5);
      const into = new Uint8Array(1 << 16);
      assertEquals(await file.read(into.subarray(0, 4)), 4);
      assertEquals(into.subarray(0, 4), TEXT.subarray(5));
      assertEquals(await file.read(into), 1 << 16);
      assertEquals(file.readSync(into), 1 << 16);
      assertEquals(await file.read(into), null);
      file.truncate(4);
      file.chmod(0o640);
      file.setTime(1_500_000_000_000_000_000n);
      await file.sync();
      file.close();
      file.close();
      const { size, bits, mtime, isFile, links } = directory.status("ü")!;
      assertEquals([size, bits, isFile, links], [4, 0o640, true, 1]);
      assertEquals(mtime, 1_500_000_000_000_000_000n);
      assertEquals(Deno.readTextFileSync(`${path}/ü`), "some");
      assertEquals(directory.status("none"), undefined);
    },
  );

  within(
    "nothing is made where something is, and nothing that is there is opened by being made",
    (directory, path) => {
      makeFiles(path, { file: "mine", "sub/": "" });
      Deno.symlinkSync("nowhere", `${path}/link`);
      for (const name of ["file", "link", "sub"]) {
        assertEquals(thrown(() => directory.createFile(name)), "EEXIST");
        assertEquals(
          thrown(() => directory.makeDirectory(name, 0o700)),
          "EEXIST",
        );
        assertEquals(thrown(() => directory.symlink("x", name)), "EEXIST");
      }
      assertEquals(Deno.readTextFileSync(`${path}/file`), "mine");
    },
  );

  within(
    "no link is followed, to a file, to a directory or on the way",
    async (directory, path) => {
      makeFiles(path, { "sub/file": "text" });
      Deno.symlinkSync("sub", `${path}/way`);
      Deno.symlinkSync("sub/file", `${path}/link`);
      Deno.symlinkSync(".", `${path}/sub/here`);
      const refused = ["ELOOP", "ENOTDIR", "EXDEV"];
      for (
        const action of [
          () => directory.openDirectory("way"),
          () => directory.openFile("link", "read"),
          () => directory.openFile("link", "both"),
          () => openBeneath(directory, "way/file"),
          () => openBeneath(directory, "link"),
          () => openBeneath(directory, "sub/here/file"),
          () => openBeneath(directory, "sub/../sub/file"),
          () => openBeneath(directory, "../x"),
          () => directory.chmodAt("way", 0o777),
        ]
      ) {
        const code = thrown(action);
        assert(refused.includes(code), `${action}: ${code}`);
      }
      const file = openBeneath(directory, "sub/file");
      const into = new Uint8Array(9);
      assertEquals(await file.read(into), 4);
      file.close();
    },
  );

  within("a named pipe does not block", async (directory, path) => {
    await new Deno.Command("mkfifo", { args: [`${path}/pipe`] }).output();
    for (const access of ["read", "both"] as const) {
      try {
        const file = directory.openFile("pipe", access);
        assertEquals(file.status().isFifo, true);
        file.close();
      } catch (error) {
        assert(codeOf(error) !== "", String(error));
      }
    }
  });

  within(
    "what is moved replaces nothing unless that is wanted",
    (directory, path) => {
      makeFiles(path, {
        a: "a",
        b: "b",
        c: "c",
        "sub/full/": "",
        "empty/": "",
      });
      Deno.symlinkSync("nowhere", `${path}/link`);
      const sub = directory.openDirectory("sub");
      const keep = { replace: false };
      for (const name of ["a", "sub", "link"]) {
        for (const to of ["b", "empty", "link"].filter((to) => to !== name)) {
          const move = () => directory.rename(name, directory, to, keep);
          assertEquals(thrown(move), "EEXIST");
        }
      }
      directory.rename("a", sub, "b", keep);
      directory.rename("link", sub, "link", keep);
      directory.rename("empty", sub, "none", keep);
      directory.rename("b", directory, "c", { replace: true });
      sub.close();
      assertEquals(Deno.readTextFileSync(`${path}/sub/b`), "a");
      assertEquals(Deno.readLinkSync(`${path}/sub/link`), "nowhere");
      assertEquals(Deno.readTextFileSync(`${path}/c`), "b");
      assertEquals(directory.entries().names.sort(), ["c", "sub"]);
    },
  );

  within(
    "a tree is removed, and what its links lead to stays",
    (directory, path) => {
      makeFiles(path, { "victim/x": "precious", "tree/a/b/c": "" });
      Deno.symlinkSync("../victim", `${path}/tree/link`);
      Deno.chmodSync(`${path}/tree/a`, 0o500);
      removeTree(directory, "tree");
      removeTree(directory, "tree");
      assertEquals(directory.entries().names, ["victim"]);
      assertEquals(Deno.readTextFileSync(`${path}/victim/x`), "precious");
    },
  );

  within(
    "a lock holds against another opening, until it is closed",
    async (directory) => {
      const first = directory.createFile("x");
      const second = directory.openFile("x", "both");
      assertEquals([await first.lock(), await second.lock()], [true, false]);
      first.close();
      const third = directory.openFile("x", "both");
      // One that is waited for, where it cannot be tried, may have it by now
      assert(await third.lock() || kind === "by path");
      second.close();
      third.close();
      // Nor can it be given up: it is over when the next one is
      const fourth = directory.openFile("x", "both");
      assert(await fourth.lock());
      fourth.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
  );

  within(
    "links, modes and times are set, of what is in it and of itself",
    (directory, path) => {
      directory.makeDirectory("sub", 0o755);
      directory.symlink("where\nit leads", "link");
      assertEquals(directory.readLink("link"), "where\nit leads");
      directory.setTimeAt("link", 1_000_000_000_000_000_000n);
      assertEquals(directory.status("link")?.mtime, 1_000_000_000_000_000_000n);
      directory.chmodAt("sub", 0o700);
      const sub = directory.openDirectory("sub");
      sub.chmod(0o500);
      sub.setTime(2_000_000_000_000_000_000n);
      const { mode, mtime, isDirectory, owner, inode } = sub.ownStatus();
      assertEquals([mode, isDirectory, owner], [0o500, true, Deno.uid()!]);
      assertEquals(mtime, 2_000_000_000_000_000_000n);
      assertEquals(directory.status("sub")?.inode, inode);
      sub.close();
      directory.removeDirectory("sub");
      assertThrows(() => Deno.lstatSync(`${path}/sub`));
    },
  );

  within("what no system takes as a name is an error", (directory) => {
    for (const name of ["a\0b", "x".repeat(256)]) {
      assertThrows(() => directory.createFile(name));
      assertThrows(() => directory.openDirectory(name));
    }
    assertThrows(() => open(`${directory.path}/none`));
    const file = directory.createFile("file");
    file.close();
    assertThrows(() => directory.openDirectory("file"));
    assertThrows(() => directory.unlink("none"));
    assertThrows(() => directory.removeDirectory("file"));
  });
}

test("with the C library a directory stays the one that was opened, whatever its path means by then", (path) => {
  makeFiles(path, { "dir/": "", "other/": "" });
  const directory = openDirectory(`${path}/dir`);
  assert(directory instanceof DescriptorDirectory);
  Deno.renameSync(`${path}/dir`, `${path}/moved`);
  Deno.symlinkSync("other", `${path}/dir`);
  directory.createFile("x").close();
  directory.chmod(0o711);
  directory.close();
  assertEquals([...Deno.readDirSync(`${path}/other`)], []);
  assertEquals(Deno.statSync(`${path}/moved`).mode! & 0o777, 0o711);
  assertEquals([...Deno.readDirSync(`${path}/moved`)].length, 1);
});

test("a file is closed when what is under way has ended, and not used after", async (path) => {
  const directory = openDirectory(path);
  const file = directory.createFile("x");
  const writing = file.write(new Uint8Array(1 << 20));
  file.close();
  await writing.catch(() => {});
  assertEquals(thrown(() => file.writeSync(TEXT)), "EBADF");
  directory.close();
});

async function shell(cwd: string, script: string): Promise<void> {
  await new Deno.Command("bash", { args: ["-c", script], cwd }).output();
}

Deno.test("all names in a directory are told, and those that are not UTF-8 apart", () =>
  opened(openDirectory, async (directory, path) => {
    await shell(path, `touch a é '.b' $'\\xff\\xfe' $'c\\xc3'; mkdir d`);
    const { names, others } = directory.entries();
    assertEquals(names.sort(), [".b", "a", "d", "é"]);
    assertEquals(others.sort(), ["c\ufffd", "\ufffd\ufffd"]);
    const empty = directory.openDirectory("d");
    assertEquals(empty.entries(), { names: [], others: [] });
    empty.close();
  }));

Deno.test("a directory of more names than one system call tells is told whole, and again", () =>
  opened(openDirectory, (directory, path) => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(200));
    makeFiles(path, Object.fromEntries(names.map((name) => [name, ""])));
    names.sort();
    assertEquals(directory.entries().names.sort(), names);
    assertEquals(directory.entries().names.sort(), names);
  }));

Deno.test("where a link leads is told if it is UTF-8, however long", () =>
  opened(openDirectory, async (directory, path) => {
    const long = "é/".repeat(1300);
    await Deno.symlink(long, `${path}/long`);
    await shell(path, `ln -s $'\\xff' odd`);
    assertEquals(directory.readLink("long"), long);
    assertEquals(directory.readLink("odd"), undefined);
    await Deno.writeTextFile(`${path}/file`, "");
    assertThrows(() => directory.readLink("file"), Error);
  }));
