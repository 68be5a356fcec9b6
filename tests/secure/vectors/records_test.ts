import { assertEquals } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { SecureStream } from "../../../lib/secure/secure_stream.ts";
import { bytesOf, hexOf } from "../../support/bytes.ts";
import { memoryPair } from "../../support/memory_stream.ts";
import vectors from "./records.json" with { type: "json" };

for (const { name, secret, recordsPerKey, records } of vectors) {
  Deno.test(`vector: ${name}`, async () => {
    const [near, far] = memoryPair();
    const receiving = bytesOf(secret);
    const options = { sending: receiving, receiving, recordsPerKey };
    const stream = new SecureStream(far, options);
    const into = new Uint8Array(1000);
    for (const { record } of records) {
      await near.write(bytesOf(record));
    }
    await near.closeWrite();
    for (const { content } of records) {
      const read = await stream.read(into).catch((error) => {
        if (error instanceof Failure) return undefined;
        throw error;
      });
      // With no content, END is told apart from a record that does not open
      const actual = read === null ? "" : read && hexOf(into.slice(0, read));
      assertEquals(actual, content ?? undefined);
    }
  });
}
