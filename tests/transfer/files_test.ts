import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { StorageFailure } from "../../lib/transfer/content.ts";
import { FileSink } from "../../lib/transfer/files/file_sink.ts";
import { FileSource } from "../../lib/transfer/files/file_source.ts";
import { statusAt } from "../../lib/transfer/files/file_status.ts";
import { inDirectory } from "./files.ts";

function names(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map((entry) => entry.name).sort();
}

const HELLO = new TextEncoder().encode("hello");

Deno.test("a file is read with its name, size, permission bits and time", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/some file`;
    await Deno.writeFile(path, HELLO, { mode: 0o640 });
    await Deno.utime(path, 1e9, 1.5e9);
    const source = await FileSource.open(path);
    const into = new Uint8Array(10);
    assertEquals(source.offer, {
      name: "some file",
      size: 5,
      mode: 0o640,
      mtime: 1_500_000_000_000_000_000n,
      resumable: true,
    });
    assertEquals(await source.read(into), 5);
    assertEquals(into.subarray(0, 5), HELLO);
    assertEquals(await source.read(into), null);
    source.close();
  }));

Deno.test("what is called like a part file is offered under another name, and every other name as it is", () =>
  inDirectory(async (directory) => {
    const CASES = [["a\\b\x1bc\nd", "a\\b\x1bc\nd"], [
      "x.ferry-part",
      "x.ferry_part",
    ]];
    for (const [name, offered] of CASES) {
      await Deno.writeFile(`${directory}/${name}`, HELLO);
      const source = await FileSource.open(`${directory}/${name}`);
      source.close();
      assertEquals(source.offer.name, offered);
    }
  }));

Deno.test("what is missing or a directory cannot be sent, and the reason is said", () =>
  inDirectory(async (directory) => {
    await assertRejects(
      () => FileSource.open(`${directory}/none`),
      Failure,
      `Cannot read ${directory}/none: no such file or directory`,
    );
    await assertRejects(
      () => FileSource.open(directory),
      Failure,
      `Cannot read ${directory}: it is a directory`,
    );
  }));

Deno.test("a file has its final name only when it is complete, and its mode and time", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.adopt({ mode: 0o440, mtime: 1_500_000_000_123_456_789n });
    await sink.write(HELLO);
    assertEquals(names(directory), ["x.ferry-part"]);
    assertEquals(
      Deno.statSync(`${directory}/x.ferry-part`).mode! & 0o777,
      0o640,
    );
    await sink.commit();
    sink.discard();
    assertEquals(names(directory), ["x"]);
    const { mode, mtime } = statusAt(`${directory}/x`);
    assertEquals([mode, mtime], [0o440, 1_500_000_000_123_456_789n]);
    assertEquals(await Deno.readFile(`${directory}/x`), HELLO);
  }));

Deno.test("a file that is discarded leaves nothing", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.write(HELLO);
    sink.discard();
    sink.discard();
    assertEquals(names(directory), []);
  }));

Deno.test("a commit that is overtaken by a discard leaves nothing", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.write(HELLO);
    const committing = sink.commit();
    sink.discard();
    await assertRejects(() => committing, StorageFailure);
    assertEquals(names(directory), []);
  }));

Deno.test("a file that exists is not replaced", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/x`, "old");
    const failure = await assertRejects(
      () => FileSink.create(`${directory}/x`, { force: false }),
      StorageFailure,
      "it exists already; use --force to replace it, or -o for another name",
    );
    assertEquals(failure.problem, "exists");
    assertEquals(names(directory), ["x"]);
  }));

Deno.test("a file that comes into being during the transfer is not replaced either", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.write(HELLO);
    await Deno.writeTextFile(`${directory}/x`, "other");
    const failure = await assertRejects(() => sink.commit(), StorageFailure);
    assertEquals(failure.problem, "exists");
    sink.discard();
    assertEquals(names(directory), ["x"]);
    assertEquals(await Deno.readTextFile(`${directory}/x`), "other");
  }));

Deno.test("a file that exists is replaced by force, at the end", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/x`, "old");
    const sink = await FileSink.create(`${directory}/x`, { force: true });
    await sink.write(HELLO);
    assertEquals(await Deno.readTextFile(`${directory}/x`), "old");
    await sink.commit();
    assertEquals(names(directory), ["x"]);
    assertEquals(await Deno.readFile(`${directory}/x`), HELLO);
  }));

Deno.test("what is discarded to be kept stays under its temporary name, and is said to", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.write(HELLO);
    sink.discard(true);
    assertEquals(sink.remains, `${directory}/x.ferry-part`);
    assertEquals(names(directory), ["x.ferry-part"]);
    const empty = await FileSink.create(`${directory}/y`, { force: false });
    empty.discard(true);
    assertEquals(names(directory), ["x.ferry-part"]);
  }));

Deno.test("what an earlier attempt left can be read, and gone on with anywhere", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/x.ferry-part`, "help!!");
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    assertEquals(sink.kept?.length, 6);
    const into = new Uint8Array(10);
    assertEquals(await sink.kept?.read(into), 6);
    assertEquals(await sink.kept?.read(into), null);
    await sink.kept?.resume(3);
    await sink.write(HELLO.subarray(3));
    await sink.commit();
    assertEquals(await Deno.readTextFile(`${directory}/x`), "hello");
  }));

Deno.test("what an earlier attempt left stays unless it was written to", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/x.ferry-part`, "old");
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    sink.discard();
    assertEquals(names(directory), ["x.ferry-part"]);
  }));

Deno.test("a part file that has another name as well is not written to", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/victim`, "precious");
    await Deno.link(`${directory}/victim`, `${directory}/x.ferry-part`);
    await assertRejects(
      () => FileSink.create(`${directory}/x`, { force: true }),
      StorageFailure,
      "is in the way; remove it",
    );
    assertEquals(await Deno.readTextFile(`${directory}/victim`), "precious");
  }));

Deno.test("a disk without room for a file is said to be full, with both figures", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    sink.checkRoom(1);
    const failure = assertThrows(
      () => sink.checkRoom(2 ** 52),
      StorageFailure,
      "the disk is full, with room for",
    );
    assertEquals(failure.problem, "full");
    sink.discard();
  }));

Deno.test("a second transfer to the same name is turned away while the first goes on", () =>
  inDirectory(async (directory) => {
    const first = await FileSink.create(`${directory}/x`, { force: false });
    await first.write(HELLO);
    await assertRejects(
      () => FileSink.create(`${directory}/x`, { force: true }),
      StorageFailure,
      "another transfer does so right now",
    );
    await first.commit();
    assertEquals(await Deno.readFile(`${directory}/x`), HELLO);
  }));

Deno.test("a temporary file that was put in another's place is neither kept nor removed", () =>
  inDirectory(async (directory) => {
    const sink = await FileSink.create(`${directory}/x`, { force: false });
    await sink.write(HELLO);
    await Deno.remove(`${directory}/x.ferry-part`);
    await Deno.writeTextFile(`${directory}/x.ferry-part`, "planted");
    await assertRejects(
      () => sink.commit(),
      StorageFailure,
      "was removed meanwhile",
    );
    sink.discard();
    assertEquals(names(directory), ["x.ferry-part"]);
  }));

Deno.test("a link that was planted under the temporary name is not followed", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/victim`, "precious");
    await Deno.symlink(`${directory}/victim`, `${directory}/x.ferry-part`);
    await assertRejects(
      () => FileSink.create(`${directory}/x`, { force: true }),
      StorageFailure,
      "is in the way; remove it",
    );
    assertEquals(await Deno.readTextFile(`${directory}/victim`), "precious");
  }));

Deno.test("a link under the final name is replaced by force, and what it points to is left", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/victim`, "precious");
    await Deno.symlink(`${directory}/victim`, `${directory}/x`);
    await assertRejects(
      () => FileSink.create(`${directory}/x`, { force: false }),
      StorageFailure,
      "exists already",
    );
    const sink = await FileSink.create(`${directory}/x`, { force: true });
    await sink.commit();
    assert(Deno.lstatSync(`${directory}/x`).isFile);
    assertEquals(await Deno.readTextFile(`${directory}/victim`), "precious");
  }));

Deno.test("a place that cannot take a file is named with the reason", () =>
  inDirectory(async (directory) => {
    await Deno.mkdir(`${directory}/sub`);
    await Deno.writeTextFile(`${directory}/file`, "");
    const CASES = [
      [`${directory}/none/x`, "no such file or directory"],
      [`${directory}/file/x`, "is not a directory"],
      [`${directory}/sub`, "it names a directory; use -d"],
      [`${directory}/${"x".repeat(300)}`, "the name is too long"],
    ];
    for (const [path, words] of CASES) {
      for (const force of [false, true]) {
        await assertRejects(
          () => FileSink.create(path, { force }),
          StorageFailure,
          words,
        );
      }
    }
  }));

Deno.test("a name of 255 bytes has a shorter temporary name", () =>
  inDirectory(async (directory) => {
    const name = "é".repeat(127) + "x";
    const sink = await FileSink.create(`${directory}/${name}`, {
      force: false,
    });
    assertEquals(names(directory), ["é".repeat(122) + ".ferry-part"]);
    await sink.commit();
    assertEquals(names(directory), [name]);
  }));
