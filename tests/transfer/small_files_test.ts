import { assertEquals, assertThrows } from "@std/assert";
import { StorageFailure } from "../../lib/transfer/content.ts";
import type { FileEntry } from "../../lib/transfer/entries.ts";
import { statusAt } from "../../lib/transfer/files/file_status.ts";
import {
  readSmallFile,
  writeSmallFile,
} from "../../lib/transfer/files/small_files.ts";
import { inDirectory } from "./files.ts";

const HELLO = new TextEncoder().encode("hello");
const ENTRY: FileEntry = {
  kind: "file",
  name: "x",
  mode: 0o640,
  mtime: 1_234_567_890_123_456_789n,
  size: HELLO.length,
};

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

for (const free of [true, false]) {
  Deno.test(`a small file is written with its mode and time, ${free ? "whatever is there" : "where nothing is"}`, () =>
    inDirectory((directory) => {
      const path = `${directory}/ü`;
      if (free) Deno.writeTextFileSync(path, "something longer");
      writeSmallFile(path, ENTRY, HELLO, { free });
      const { mode, mtime } = statusAt(path);
      assertEquals([mode, mtime], [ENTRY.mode, ENTRY.mtime]);
      assertEquals(Deno.readFileSync(path), HELLO);
      assertEquals(namesIn(directory), ["ü"]);
      return Promise.resolve();
    }));
}

Deno.test("an empty file is written, and a file is read as far as there is room", () =>
  inDirectory((directory) => {
    writeSmallFile(`${directory}/a`, ENTRY, HELLO, { free: true });
    writeSmallFile(`${directory}/b`, ENTRY, new Uint8Array(0), { free: true });
    const into = new Uint8Array(9);
    assertEquals(readSmallFile(`${directory}/a`, into), 5);
    assertEquals(into.subarray(0, 5), HELLO);
    assertEquals(readSmallFile(`${directory}/a`, into.subarray(0, 3)), 3);
    assertEquals(readSmallFile(`${directory}/b`, into), 0);
    return Promise.resolve();
  }));

Deno.test("a small file replaces nothing that is there, and leaves nothing behind", () =>
  inDirectory((directory) => {
    Deno.writeTextFileSync(`${directory}/x`, "mine");
    Deno.mkdirSync(`${directory}/d`);
    const write = (name: string, free: boolean) => () =>
      writeSmallFile(`${directory}/${name}`, ENTRY, HELLO, { free });
    assertThrows(write("x", false), StorageFailure, "it exists already");
    assertThrows(write("d", true), Error);
    assertEquals(namesIn(directory), ["d", "x"]);
    assertEquals(Deno.readTextFileSync(`${directory}/x`), "mine");
    return Promise.resolve();
  }));

Deno.test("what a crash left under the temporary name makes way, unless it is something else", () =>
  inDirectory((directory) => {
    const part = `${directory}/x.ferry-part`;
    Deno.writeTextFileSync(part, "left over and longer");
    writeSmallFile(`${directory}/x`, ENTRY, HELLO, { free: true });
    assertEquals(Deno.readFileSync(`${directory}/x`), HELLO);
    Deno.writeTextFileSync(`${directory}/victim`, "precious");
    Deno.symlinkSync("victim", part);
    assertThrows(() =>
      writeSmallFile(`${directory}/x`, ENTRY, HELLO, { free: true })
    );
    assertEquals(Deno.readTextFileSync(`${directory}/victim`), "precious");
    return Promise.resolve();
  }));

Deno.test("what cannot be read or written is said to be so", () =>
  inDirectory((directory) => {
    const into = new Uint8Array(9);
    assertThrows(
      () => readSmallFile(`${directory}/none`, into),
      Deno.errors.NotFound,
    );
    assertThrows(() => readSmallFile(directory, into), Error);
    assertThrows(
      () => writeSmallFile(`${directory}/none/x`, ENTRY, HELLO, { free: true }),
      Deno.errors.NotFound,
    );
    return Promise.resolve();
  }));
