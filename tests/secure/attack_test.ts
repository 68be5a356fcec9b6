import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { Random } from "../../lib/base/random.ts";
import {
  agreeAsClient,
  agreeAsServer,
  prepare,
  type Security,
} from "../../lib/secure/secure_channel.ts";
import { HEADER_SIZE, RecordType } from "../../lib/secure/messages.ts";
import { ServerSecrets } from "../../lib/secure/server_secrets.ts";
import { memoryPair } from "../transfer/memory_stream.ts";
import { type Direction, type Meddling, Middle } from "./middle.ts";
import {
  ANSWER,
  ENCRYPTED,
  QUESTION,
  type Side,
  talk,
  withCode,
} from "./talk.ts";

/** What was still being opened when a stream broke is left to itself, and is no leak. */
function test(name: string, fn: () => void | Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

const CODE = withCode("17-walnut-copper");
/** Milliseconds after which a talk in which both wait for the other is cut off. */
const LIMIT = 100;

/** A side either heard all, or says that it did not. */
function assertNotFooled(side: Side, text: string): void {
  if (side.failure === undefined) assertEquals(side.got, text);
  assert(text.startsWith(side.got), "it heard what nobody had said");
}

/** Lets somebody meddle with a talk; at least one side notices, and none is fooled. */
async function assertNoticed(
  meddle: Meddling,
  security: Security = ENCRYPTED,
  limit?: number,
): Promise<{ client: Side; server: Side }> {
  const middle = new Middle(meddle);
  const sides = await talk({ client: security, middle, limit });
  assertNotFooled(sides.server, QUESTION);
  assertNotFooled(sides.client, ANSWER);
  assert(sides.client.failure !== undefined, "the client noticed nothing");
  return sides;
}

/** Does something to the records with content that go in one direction, counted from 0. */
function withContent(
  direction: Direction,
  meddle: (index: number, record: Uint8Array) => Uint8Array[] | null,
): Meddling {
  let count = 0;
  return (passing) => {
    const { record } = passing;
    const sealed = [RecordType.DATA, RecordType.END] as number[];
    const concerned = passing.direction === direction &&
      sealed.includes(record[0]);
    return concerned ? meddle(count++, record) : [record];
  };
}

test("a relay that swaps key shares is noticed", async () => {
  for (const direction of ["up", "down"] as const) {
    const foreign = await prepare(ENCRYPTED);
    assert(foreign.mode === "encrypted");
    const { publicKey } = foreign.keyShare;
    await assertNoticed(({ direction: way, index, record }) => {
      if (way !== direction || index > 0) return [record];
      record.set(publicKey, record.length - publicKey.length);
      return [record];
    });
  }
});

/** What was agreed on with somebody who talks with each side in the place of the other. */
async function inBetween(client: Security, server: Security, own: Security) {
  const [near, toClient] = memoryPair();
  const [toServer, far] = memoryPair();
  return await Promise.allSettled([
    agreeAsClient(near, await prepare(client)),
    agreeAsServer(toClient, new ServerSecrets(own)),
    agreeAsClient(toServer, await prepare(own)),
    agreeAsServer(far, new ServerSecrets(server)),
  ]);
}

test("a relay that talks with each side in the place of the other shows in the session words", async () => {
  const results = await inBetween(ENCRYPTED, ENCRYPTED, ENCRYPTED);
  const [client, , , server] = await Promise.all(
    results.map((result) =>
      result.status === "fulfilled" ? result.value.words : undefined
    ),
  );
  assertEquals([client?.length, server?.length], [3, 3]);
  assertNotEquals(client, server);
});

test("a relay that talks with each side without the code gets nowhere", async () => {
  const [client, own, foreign, server] = await inBetween(
    CODE,
    CODE,
    withCode("17-walnut-silver"),
  );
  assertEquals([own.status, server.status], ["rejected", "rejected"]);
  // They have said what nobody can open, and hear nothing
  for (const side of [client, foreign]) {
    assert(side.status === "fulfilled");
    await assertRejects(() => side.value.stream.read(new Uint8Array(1)));
  }
});

test("a relay cannot look for shares that give the same words: the client's nonce comes when all are fixed", async () => {
  const middle = new Middle();
  await talk({ client: ENCRYPTED, middle });
  const [hello, , finished] = middle.seen;
  const nonce = finished.record.slice(HEADER_SIZE, HEADER_SIZE + 32);
  const commitment = hello.record.slice(6, 38);
  const hash = await crypto.subtle.digest("SHA-256", nonce);
  assertEquals(new Uint8Array(hash), commitment);
  assertEquals(finished.record[0], RecordType.FINISHED);
  // Another nonce than the one that was promised is not taken.
  await assertNoticed(({ record }) => {
    if (record[0] === RecordType.FINISHED) record[HEADER_SIZE] ^= 1;
    return [record];
  });
});

for (const security of [ENCRYPTED, CODE]) {
  test(`a recorded session that is replayed in ${security.mode} mode gets nowhere`, async () => {
    const middle = new Middle();
    await talk({ client: security, middle });
    const recorded = middle.seen.filter(({ direction }) => direction === "up")
      .map(({ record }) => record);
    const [replayer, server] = memoryPair();
    const agreeing = agreeAsServer(server, new ServerSecrets(security));
    for (const record of recorded) await replayer.write(record);
    const failure = await agreeing.then(() => undefined, (error) => error);
    assert(["refused", "wrong-code"].includes(failure?.reason));
  });
}

test("a relay that flips any one bit is noticed, in encrypted mode", async () => {
  const untouched = new Middle();
  await talk({ client: ENCRYPTED, middle: untouched });
  const random = new Random(1);
  for (const { direction, index, record } of untouched.seen) {
    for (let at = 0; at < record.length; at++) {
      const bit = 1 << random.int(8);
      const sides = await talk({
        client: ENCRYPTED,
        limit: LIMIT,
        middle: new Middle((passing) => {
          const meant = passing.direction === direction &&
            passing.index === index;
          if (meant) passing.record[at] ^= bit;
          return [passing.record];
        }),
      });
      const where = `${direction} ${index}, byte ${at}, bit ${bit}`;
      assertNotFooled(sides.server, QUESTION);
      assertNotFooled(sides.client, ANSWER);
      const noticed = sides.client.failure ?? sides.server.failure;
      assert(noticed !== undefined, where);
    }
  }
});

test("a relay that flips a bit of a handshake with a code is noticed", async () => {
  const untouched = new Middle();
  await talk({ client: CODE, middle: untouched });
  const random = new Random(1);
  const handshake = untouched.seen.filter(({ record }) =>
    record[0] === RecordType.HELLO || record[0] === RecordType.FINISHED
  );
  assertEquals(handshake.length, 4);
  for (const { direction, index, record } of handshake) {
    for (let i = 0; i < 8; i++) {
      const at = random.int(record.length);
      const bit = 1 << random.int(8);
      await assertNoticed(
        (passing) => {
          const meant = passing.direction === direction &&
            passing.index === index;
          if (meant) passing.record[at] ^= bit;
          return [passing.record];
        },
        CODE,
        LIMIT,
      );
    }
  }
});

test("a relay that cuts the last record is noticed, in both directions", async () => {
  const cutsUp = withContent(
    "up",
    (index, record) => index < 2 ? [record] : null,
  );
  const up = await assertNoticed(cutsUp);
  assertEquals(up.server.got, QUESTION);
  assertEquals(up.server.failure?.reason, "corrupt");
  assert(/cut short/.test(up.server.failure!.message));
  const cutsDown = withContent(
    "down",
    (index, record) => index < 2 ? [record] : null,
  );
  const down = await assertNoticed(cutsDown);
  assertEquals(down.client.got, ANSWER);
  assertEquals(down.client.failure?.reason, "corrupt");
});

test("a relay that cuts a record in two and ends there is noticed", async () => {
  for (let length = 0; length < 30; length++) {
    let ended = false;
    const { server } = await assertNoticed(withContent("up", (_, record) => {
      if (ended) return null;
      ended = true;
      return [record.subarray(0, length)];
    }));
    assertEquals(server.failure?.reason, "corrupt");
  }
});

test("a relay that swaps two records is noticed", async () => {
  let held: Uint8Array;
  const { server } = await assertNoticed(withContent("up", (index, record) => {
    if (index === 0) held = record;
    if (index === 0) return [];
    return index === 1 ? [record, held] : [record];
  }));
  assertEquals([server.got, server.failure?.reason], ["", "corrupt"]);
});

test("a relay that sends a record twice is noticed", async () => {
  const { server } = await assertNoticed(
    withContent("up", (_, record) => [record, record.slice()]),
  );
  assertEquals(server.failure?.reason, "corrupt");
});

test("a relay that leaves a record out is noticed", async () => {
  for (const left of [0, 1]) {
    const { server } = await assertNoticed(
      withContent("up", (index, record) => index === left ? [] : [record]),
    );
    assertEquals(server.failure?.reason, "corrupt");
  }
});

test("a relay that sends a side's own records back to it is noticed", async () => {
  const sent: Uint8Array[] = [];
  const middle = new Middle((passing) => {
    const { direction, record } = passing;
    if (direction === "up") {
      if (record[0] >= RecordType.DATA) sent.push(record.slice());
      return [record];
    }
    return record[0] >= RecordType.DATA ? [sent.shift()!] : [record];
  });
  const { client } = await talk({ client: ENCRYPTED, middle });
  assertEquals([client.got, client.failure?.reason], ["", "corrupt"]);
});

test("a record made up by a relay is noticed", async () => {
  const random = new Random(3);
  const { server } = await assertNoticed(withContent("up", (index, record) => {
    if (index !== 1) return [record];
    const body = random.bytes(40);
    return [Uint8Array.of(RecordType.DATA, 0, 0, 40, ...body), record];
  }));
  assertEquals(server.failure?.reason, "corrupt");
});

test("a relay that makes the end out of another record is noticed", async () => {
  const { server } = await assertNoticed(withContent("up", (index, record) => {
    if (index !== 1) return [record];
    return [Uint8Array.of(RecordType.END, 0, 0, 16, ...record.slice(-16))];
  }));
  assertEquals(server.failure?.reason, "corrupt");
});

test("a refusal that a relay made up stops both, and makes nobody talk otherwise", async () => {
  for (let reason = 0; reason < 9; reason++) {
    const middle = new Middle(({ direction, record }) =>
      direction === "down"
        ? [Uint8Array.of(RecordType.REFUSE, 0, 0, 1, reason)]
        : [record]
    );
    const { client, server } = await talk({ client: ENCRYPTED, middle });
    assert(["refused", "wrong-code"].includes(`${client.failure?.reason}`));
    assertEquals([client.got, server.got], ["", ""]);
  }
});
