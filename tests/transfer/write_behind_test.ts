import { assertEquals, assertRejects } from "@std/assert";
import { BLOCK_SIZE } from "../../lib/transfer/wire/frame.ts";
import { WriteBehind } from "../../lib/transfer/receiving/write_behind.ts";

/** A writer that finishes a block when told to. */
class Writer {
  readonly sizes: number[] = [];
  #finish: (() => void)[] = [];

  write = (bytes: Uint8Array): Promise<void> => {
    this.sizes.push(bytes.length);
    return new Promise((resolve) => this.#finish.push(resolve));
  };

  finish(): void {
    this.#finish.shift()?.();
  }
}

Deno.test("one block is filled while the other is written, and then filling waits", async () => {
  const writer = new Writer();
  const behind = new WriteBehind(writer.write);
  assertEquals((await behind.space()).length, BLOCK_SIZE);
  behind.filled(BLOCK_SIZE);
  assertEquals((await behind.space()).length, BLOCK_SIZE);
  behind.filled(BLOCK_SIZE);
  assertEquals(writer.sizes, [BLOCK_SIZE]);

  let room = false;
  const space = behind.space().then(() => room = true);
  await Promise.resolve();
  assertEquals(room, false);
  writer.finish();
  await space;
  assertEquals(writer.sizes, [BLOCK_SIZE, BLOCK_SIZE]);
  writer.finish();
  await behind.flush();
});

Deno.test("what does not fill a block is written all the same", async () => {
  const written = Promise.withResolvers<number>();
  const behind = new WriteBehind((bytes) => {
    written.resolve(bytes.length);
    return Promise.resolve();
  });
  await behind.space();
  behind.filled(3);
  behind.filled(4);
  assertEquals(await written.promise, 7);
  await behind.flush();
});

Deno.test("room that was given out stays where it is when what came before is written", async () => {
  const written = Promise.withResolvers<void>();
  const bytes: number[] = [];
  const behind = new WriteBehind((block) => {
    bytes.push(...block);
    written.resolve();
    return Promise.resolve();
  });
  (await behind.space())[0] = 1;
  behind.filled(1);
  const room = await behind.space();
  await written.promise;
  room[0] = 2;
  behind.filled(1);
  await behind.flush();
  assertEquals(bytes, [1, 2]);
});

Deno.test("a flush waits for the block that is being written and for the rest", async () => {
  const writer = new Writer();
  const behind = new WriteBehind(writer.write);
  await behind.space();
  behind.filled(BLOCK_SIZE);
  await behind.space();
  behind.filled(5);
  const flushed = behind.flush();
  writer.finish();
  await Promise.resolve();
  await Promise.resolve();
  assertEquals(writer.sizes, [BLOCK_SIZE, 5]);
  writer.finish();
  await flushed;
});

Deno.test("once a write has failed everything is swallowed and a flush says so", async () => {
  const failure = new Error("full");
  const behind = new WriteBehind(() => Promise.reject(failure));
  await behind.space();
  behind.filled(BLOCK_SIZE);
  await assertRejects(() => behind.failed, Error, "full");
  for (let i = 0; i < 5; i++) {
    const space = await behind.space();
    behind.filled(space.length);
  }
  await assertRejects(() => behind.flush(), Error, "full");
});

Deno.test("whoever waits for room is let go when it fails", async () => {
  const writer = new Writer();
  const behind = new WriteBehind(writer.write);
  behind.filled((await behind.space()).length);
  behind.filled((await behind.space()).length);
  const space = behind.space();
  behind.fail(new Error("stopped"));
  assertEquals((await space).length, BLOCK_SIZE);
});
