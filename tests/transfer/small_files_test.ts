import { assertEquals, assertThrows } from "@std/assert";
import { readSmallFile } from "../../lib/transfer/files/small_files.ts";
import { inDirectory } from "./files.ts";

const HELLO = new TextEncoder().encode("hello");

Deno.test("a file is read as far as there is room, and an empty one", () =>
  inDirectory((directory) => {
    Deno.writeFileSync(`${directory}/a`, HELLO);
    Deno.writeFileSync(`${directory}/b`, new Uint8Array(0));
    const into = new Uint8Array(9);
    assertEquals(readSmallFile(`${directory}/a`, into), 5);
    assertEquals(into.subarray(0, 5), HELLO);
    assertEquals(readSmallFile(`${directory}/a`, into.subarray(0, 3)), 3);
    assertEquals(readSmallFile(`${directory}/b`, into), 0);
    return Promise.resolve();
  }));

Deno.test("what cannot be read is said to be so", () =>
  inDirectory((directory) => {
    const into = new Uint8Array(9);
    assertThrows(
      () => readSmallFile(`${directory}/none`, into),
      Deno.errors.NotFound,
    );
    assertThrows(() => readSmallFile(directory, into), Error);
    return Promise.resolve();
  }));
