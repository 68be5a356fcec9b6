import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ByteStream } from "../../../lib/base/byte_stream.ts";
import { Failure } from "../../../lib/base/failure.ts";
import { Prng } from "../../../lib/base/prng.ts";
import { RecordType } from "../../../lib/secure/handshake/messages.ts";
import { Records } from "../../../lib/secure/record/record.ts";
import { nextTrafficSecret } from "../../../lib/secure/handshake/key_schedule.ts";
import { ciphers, testWithCiphers as test } from "../ciphers.ts";
import { SecureStream } from "../../../lib/secure/secure_stream.ts";
import { memoryPair } from "../../support/memory_stream.ts";
import { ManInTheMiddle } from "../man_in_the_middle.ts";
import { readAll } from "../../support/streams.ts";

const SECRETS = [
  new Uint8Array(32).fill(1),
  new Uint8Array(32).fill(2),
] as const;

interface Keys {
  recordsPerKey?: number;
  /** If it is another one. */
  serversRecordsPerKey?: number;
}

/** Both ends of a secure stream over `client` and `server`. */
function secure(
  client: ByteStream,
  server: ByteStream,
  { recordsPerKey, serversRecordsPerKey = recordsPerKey }: Keys = {},
): [SecureStream, SecureStream] {
  const [up, down] = SECRETS;
  const { client: clients, server: servers } = ciphers;
  return [
    new SecureStream(client, {
      sending: up,
      receiving: down,
      aead: clients,
      recordsPerKey,
    }),
    new SecureStream(server, {
      sending: down,
      receiving: up,
      aead: servers,
      recordsPerKey: serversRecordsPerKey,
    }),
  ];
}

test("bytes cross in both directions, whatever the sizes of writes, reads and pieces", async () => {
  const random = new Prng(1);
  const piece = () => 1 + random.int(random.int(4) === 0 ? 5 : 50_000);
  const [client, server] = secure(...memoryPair({ piece }, { piece }));
  const sizes = [0, 1, 15, 16, 4095, 65_536, 163_840, 163_841, 600_000, 3];
  const content = sizes.map((size) => random.bytes(size));
  const say = async (stream: ByteStream) => {
    for (const bytes of content) await stream.write(bytes);
    await stream.closeWrite();
  };
  const [there, back] = await Promise.all([
    readAll(server, 77_777),
    readAll(client, 1_000),
    say(client),
    say(server),
  ]);
  const whole = new Uint8Array(await new Blob(content).arrayBuffer());
  assertEquals(there, whole);
  assertEquals(back, whole);
  assertEquals(await client.read(new Uint8Array(1)), null);
});

test("what is written may be reused as soon as the promise resolves", async () => {
  const [client, server] = secure(...memoryPair());
  const reading = readAll(server);
  const bytes = new Uint8Array(20_000);
  for (let i = 0; i < 20; i++) await client.write(bytes.fill(i));
  await client.write(bytes.fill(99));
  bytes.fill(0);
  await client.closeWrite();
  const got = await reading;
  assertEquals(got.length, 21 * bytes.length);
  for (let i = 0; i < 20; i++) assertEquals(got[i * bytes.length], i);
  assertEquals(got.at(-1), 99);
});

test("a byte arrives without waiting for more", async () => {
  const [client, server] = secure(...memoryPair());
  const into = new Uint8Array(10);
  for (let value = 0; value < 5; value++) {
    const reading = server.read(into);
    await client.write(Uint8Array.of(value));
    assertEquals(await reading, 1);
    assertEquals(into[0], value);
  }
});

test("a write waits while nobody reads, and little is held until then", async () => {
  const capacity = 100_000;
  const [near, far] = memoryPair({ capacity });
  const [client, server] = secure(near, far);
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 100; i++) {
      await client.write(new Uint8Array(100_000));
      written += 100_000;
    }
    await client.closeWrite();
  })();
  const into = new Uint8Array(1000);
  assertEquals(await server.read(into), 1000);
  // Whatever can go on goes on meanwhile.
  for (let i = 0; i < 200; i++) await new Promise((go) => setTimeout(go));
  assert(written <= 1_500_000, `${written}`);
  let read = 1000;
  for (;;) {
    const count = await server.read(into);
    if (count === null) break;
    read += count;
  }
  await writing;
  assertEquals(read, 10_000_000);
});

for (const size of [1, 262_144, 262_145, 1_000_001]) {
  test(`a write of ${size} bytes leaves in records of about one size, none too large`, async () => {
    const middle = new ManInTheMiddle();
    const [client, server] = secure(middle.client, middle.server);
    const reading = readAll(server);
    await client.write(new Uint8Array(size));
    await client.closeWrite();
    assertEquals((await reading).length, size);
    // A header has 4 bytes, a tag 16
    const sizes = middle.seen.map(({ record }) => record.length - 20);
    assertEquals(sizes.pop(), 0, "END holds nothing");
    assertEquals(sizes.reduce((sum, size) => sum + size), size);
    assert(Math.max(...sizes) <= 262_144);
    assert(Math.max(...sizes) - Math.min(...sizes) <= sizes.length);
  });
}

test("keys are renewed on both sides after the same number of records", async () => {
  const middle = new ManInTheMiddle();
  const ends = secure(middle.client, middle.server, { recordsPerKey: 3 });
  const [client, server] = ends;
  const reading = readAll(server);
  for (let i = 0; i < 20; i++) await client.write(Uint8Array.of(7));
  await client.closeWrite();
  assertEquals(await reading, new Uint8Array(20).fill(7));
  // Under one key equal counters would make equal records.
  const records = middle.seen.map(({ record }) => record.join());
  assertEquals(new Set(records).size, 21);
});

test("who does not renew keys is not understood any more", async () => {
  const [near, far] = memoryPair();
  const keys = { recordsPerKey: 3, serversRecordsPerKey: 4 };
  const [client, server] = secure(near, far, keys);
  for (let i = 0; i < 4; i++) await client.write(Uint8Array.of(i));
  const into = new Uint8Array(1);
  for (let i = 0; i < 3; i++) assertEquals(await server.read(into), 1);
  const failure = await assertRejects(() => server.read(into), Failure);
  assertEquals(failure.code, "record-damaged");
});

// S-10
test("the key of a direction is renewed after 65,536 records", async () => {
  const secret = new Uint8Array(32).fill(1);
  const writing = new Records(secret, { aead: ciphers.client });
  const next = new Records(nextTrafficSecret(secret), { aead: ciphers.server });
  const sealNext = async () => {
    await writing.ready();
    const record = new Uint8Array(4 + 17);
    await writing.seal(RecordType.DATA, Uint8Array.of(7), record);
    return record;
  };
  for (let sealed = 0; sealed < 65_535; sealed += 15) {
    await Promise.all(Array.from({ length: 15 }, sealNext));
  }
  await sealNext();
  const renewed = await sealNext();
  await next.ready();
  assertEquals(await next.open(renewed), Uint8Array.of(7));
});

const REFUSED: [string, number[]][] = [
  ["of another type", [0x17, 0, 0, 20, ...Array(20).fill(0)]],
  ["without content", [RecordType.DATA, 0, 0, 16, ...Array(16).fill(0)]],
  ["shorter than its tag", [RecordType.DATA, 0, 0, 3, 0, 0, 0]],
  ["that is an end with content", [
    RecordType.END,
    0,
    0,
    17,
    ...Array(17).fill(0),
  ]],
  ["longer than may be", [RecordType.DATA, 4, 0, 17]],
  ["of the handshake", [RecordType.HELLO, 0, 0, 2, 1, 1]],
];
for (const [what, bytes] of REFUSED) {
  test(`a record ${what} is refused`, async () => {
    const [near, far] = memoryPair();
    const [, server] = secure(near, far);
    await near.write(Uint8Array.from(bytes));
    const reading = server.read(new Uint8Array(1));
    const failure = await assertRejects(() => reading, Failure);
    assertEquals(failure.code, "record-damaged");
  });
}

test("what breaks the stream below is told to reader and writer", async () => {
  const [near, far] = memoryPair();
  const [client, server] = secure(near, far);
  const broken = new Failure({ code: "superseded" });
  server.abort(broken);
  assertEquals(
    await assertRejects(() => client.read(new Uint8Array(1)), Failure),
    broken,
  );
  const failure = await assertRejects(async () => {
    for (let i = 0; i < 10; i++) await client.write(Uint8Array.of(1));
  }, Failure);
  assertEquals(failure, broken);
  assertEquals(await assertRejects(() => client.closeWrite(), Failure), broken);
});
