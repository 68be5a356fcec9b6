import { FRAME_HEADER_SIZE } from "../../lib/base/frame.ts";
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { Prng } from "../../lib/base/prng.ts";
import { GuessLimiter } from "../../lib/secure/code/guess_limiter.ts";
import {
  answerHello,
  ClientHandshake,
} from "../../lib/secure/handshake/handshake.ts";
import { readMessage } from "../../lib/secure/handshake/message_reader.ts";
import { REFUSE_REASONS } from "../../lib/secure/handshake/handshake_failure.ts";
import { prepare, type Security } from "../../lib/secure/secure_channel.ts";
import { bodyOf, RecordType } from "../../lib/secure/handshake/messages.ts";
import type {
  Secrets,
  SecretsSource,
} from "../../lib/secure/handshake/secrets.ts";
import { ServerSecrets } from "../../lib/secure/handshake/server_secrets.ts";
import { memoryPair } from "../support/memory_stream.ts";
import {
  agreeAsClient,
  agreeAsServer,
  testWithCiphers as test,
} from "./ciphers.ts";
import {
  type Direction,
  type Intercepted,
  type Interceptor,
  ManInTheMiddle,
} from "./man_in_the_middle.ts";
import {
  ANSWER,
  ENCRYPTED,
  QUESTION,
  serve,
  type Side,
  talk,
  withCode,
} from "./handshake/handshake_pair.ts";

const CODE = withCode("17-walnut-copper-lagoon");
/** Milliseconds after which a connection is cut on which both sides wait. */
const TALK_TIMEOUT = 100;

/**
 * Asserts that a side received the whole text, or failed after a part of it.
 */
function assertNotFooled(side: Side, text: string): void {
  if (side.failure === undefined) assertEquals(side.got, text);
  assert(text.startsWith(side.got), "it heard what nobody had said");
}

/**
 * Runs an exchange with interference: the client fails, and neither side
 * accepts forged data.
 */
async function assertNoticed(
  intercept: Interceptor,
  security: Security = ENCRYPTED,
  limit?: number,
): Promise<{ client: Side; server: Side }> {
  const middle = new ManInTheMiddle(intercept);
  const sides = await talk({ client: security, middle, limit });
  assertNotFooled(sides.server, QUESTION);
  assertNotFooled(sides.client, ANSWER);
  assert(sides.client.failure !== undefined, "the client noticed nothing");
  return sides;
}

/** Intercepts the sealed records of one direction, numbered from 0. */
function withContent(
  direction: Direction,
  intercept: (index: number, record: Uint8Array) => Uint8Array[] | null,
): Interceptor {
  let count = 0;
  return (passing) => {
    const { record } = passing;
    const sealed = [RecordType.DATA, RecordType.END] as number[];
    const concerned = passing.direction === direction &&
      sealed.includes(record[0]!);
    return concerned ? intercept(count++, record) : [record];
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

/**
 * Runs a man in the middle that completes a handshake of its own with each
 * side.
 */
async function inBetween(client: Security, server: Security, own: Security) {
  const [near, toClient] = memoryPair();
  const [toServer, far] = memoryPair();
  return await Promise.allSettled([
    agreeAsClient(near, await prepare(client)),
    serve(toClient, own),
    agreeAsClient(toServer, await prepare(own)),
    serve(far, server),
  ]);
}

test("a relay that completes a handshake with each side has other session words with each", async () => {
  const results = await inBetween(ENCRYPTED, ENCRYPTED, ENCRYPTED);
  const [client, , , server] = await Promise.all(
    results.map((result) =>
      result.status === "fulfilled" ? result.value.words : undefined
    ),
  );
  assertEquals([client?.length, server?.length], [3, 3]);
  assertNotEquals(client, server);
});

test("a relay that completes a handshake with each side without the code is refused", async () => {
  const [client, own, foreign, server] = await inBetween(
    CODE,
    CODE,
    withCode("17-walnut-silver-lagoon"),
  );
  assertEquals([own.status, server.status], ["rejected", "rejected"]);
  // Their content cannot be opened, and they receive none
  for (const side of [client, foreign]) {
    assert(side.status === "fulfilled");
    await assertRejects(() => side.value.stream.read(new Uint8Array(1)));
  }
});

test("a relay cannot look for shares that give the same words: both sides' nonces come when all are fixed", async () => {
  const middle = new ManInTheMiddle();
  await talk({ client: ENCRYPTED, middle });
  for (const [direction, at] of [["up", 6], ["down", 7]] as const) {
    const [hello, finished] = middle.seen
      .filter((passing) => passing.direction === direction)
      .map(({ record }) => record) as [Uint8Array, Uint8Array];
    const commitment = hello.slice(at, at + 32);
    const nonce = finished.slice(FRAME_HEADER_SIZE, FRAME_HEADER_SIZE + 32);
    const hash = await crypto.subtle.digest("SHA-256", nonce);
    assertEquals(new Uint8Array(hash), commitment);
    assertEquals(finished[0], RecordType.FINISHED);
  }
  // A nonce that does not match the commitment is rejected.
  for (const direction of ["up", "down"]) {
    await assertNoticed((passing) => {
      const { record } = passing;
      const finished = record[0] === RecordType.FINISHED;
      if (finished && passing.direction === direction) {
        record[FRAME_HEADER_SIZE]! ^= 1;
      }
      return [record];
    });
  }
});

/** Always the same secrets. */
function sourceOf(secrets: Secrets): SecretsSource {
  const ready = Promise.resolve();
  return { mode: secrets.mode, ready, next: () => secrets };
}

/** The handshake of a client. */
async function clientOf(
  security: Security,
  nonce = new Uint8Array(32).fill(1),
): Promise<ClientHandshake> {
  return new ClientHandshake(await prepare(security), nonce);
}

/** The answer of a server to a HELLO. */
async function answerTo(
  hello: Uint8Array,
  security: Security,
  nonce = new Uint8Array(32).fill(2),
) {
  return answerHello(sourceOf(await prepare(security)), hello, { nonce });
}

test("a client does not know the session words before the receiver has counted its handshake", async () => {
  const attempts = 20;
  const seen = new Set<string>();
  let counted = 0;
  for (let i = 0; i < attempts; i++) {
    const [near, far] = memoryPair();
    const counting = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const serving = serve(far, ENCRYPTED, {
      beforeFinished: () => {
        counted++;
        counting.resolve();
        return release.promise;
      },
    });
    const agreed = await agreeAsClient(near, await prepare(ENCRYPTED));
    await counting.promise;
    assertEquals(counted, i + 1);
    // Meanwhile there are none, on either side
    const words = Promise.race([agreed.words, Promise.resolve("none")]);
    assertEquals(await words, "none");
    release.resolve();
    assertEquals(await agreed.words, await (await serving).words);
    seen.add(`${await agreed.words}`);
  }
  assertEquals([counted, seen.size], [attempts, attempts]);
});

test("a client that leaves before it has finished has learned nothing of the session words", async () => {
  const client = await prepare(ENCRYPTED);
  const server = await prepare(ENCRYPTED);
  const nonce = new Uint8Array(32);
  const results = [];
  // Only the server's last message differs.
  for (const fill of [1, 2]) {
    const here = new ClientHandshake(client, nonce);
    const theirs = { nonce: new Uint8Array(32).fill(fill) };
    const there = answerHello(sourceOf(server), here.hello, theirs);
    const { proof } = here.receiveHello(there.hello);
    assert(!`${there.hello}`.includes(`${theirs.nonce}`));
    const { finished } = there.receiveFinished!(proof!.finished);
    results.push(`${proof!.receiveFinished(finished)}`);
  }
  assertNotEquals(results[0], results[1]);
});

test("a client that never finishes is not counted, and never learns session words", async () => {
  let counted = 0;
  const options = {
    beforeFinished: () => {
      counted++;
      return Promise.resolve();
    },
  };
  for (let i = 0; i < 20; i++) {
    const [near, far] = memoryPair();
    const serving = serve(far, ENCRYPTED, options);
    serving.catch(() => {});
    const { hello } = await clientOf(ENCRYPTED);
    await near.write(hello);
    await readMessage(near, RecordType.HELLO);
    near.abort(new Failure({ code: "connection-closed" }));
    await assertRejects(() => serving);
  }
  assertEquals(counted, 0);
});

test("a receiver at its limit of tries ends a handshake before it reveals the session words", async () => {
  const [near, far] = memoryPair();
  const enough = new Failure({ code: "too-many-handshakes" });
  const serving = serve(far, ENCRYPTED, {
    beforeFinished: () => Promise.reject(enough),
  });
  const agreed = await agreeAsClient(near, await prepare(ENCRYPTED));
  assertEquals(await serving.catch((failure) => failure), enough);
  far.abort(enough);
  await assertRejects(() => agreed.words);
});

test("with a code no handshake is delayed before the receiver's proof", async () => {
  const beforeFinished = () => Promise.reject(new Error("It was asked"));
  const { client, server } = await talk({ client: CODE, beforeFinished });
  assertEquals([client.failure, server.failure], [undefined, undefined]);
});

test("a server cannot choose its nonce once it knows the client's", async () => {
  const client = await clientOf(ENCRYPTED);
  const nonce = new Uint8Array(32).fill(2);
  const server = await answerTo(client.hello, ENCRYPTED, nonce);
  const proof = client.receiveHello(server.hello).proof!;
  // It knows the words by now, and tries for others.
  nonce.fill(3);
  const { finished } = server.receiveFinished!(proof.finished);
  const error = assertThrows(() => proof.receiveFinished(finished), Failure);
  assertEquals(error.code, "handshake-damaged");
});

test("a client cannot choose its nonce once it knows the server's share", async () => {
  for (const security of [ENCRYPTED, CODE]) {
    const nonce = new Uint8Array(32).fill(1);
    const client = await clientOf(security, nonce);
    const server = await answerTo(client.hello, security);
    nonce.fill(3);
    const { finished } = client.receiveHello(server.hello).proof!;
    const finish = () => server.receiveFinished!(finished);
    // It is no guess at the code
    assertEquals(assertThrows(finish, Failure).code, "handshake-damaged");
  }
});

test("a relay that passes on both sides' commitments and nonces as its own shows in the session words", async () => {
  const [nonceOfRelay, alsoOfRelay] = [new Uint8Array(32), new Uint8Array(32)];
  const sender = await clientOf(ENCRYPTED);
  const toReceiver = await clientOf(ENCRYPTED, nonceOfRelay);
  toReceiver.hello.set(sender.hello.subarray(6, 38), 6);
  const receiver = await answerTo(toReceiver.hello, ENCRYPTED);
  const toSender = await answerTo(sender.hello, ENCRYPTED, alsoOfRelay);
  toSender.hello.set(receiver.hello.subarray(7, 39), 7);
  const ofSender = sender.receiveHello(toSender.hello).proof!;
  nonceOfRelay.set(bodyOf(ofSender.finished).subarray(0, 32));
  const { finished } = toReceiver.receiveHello(receiver.hello).proof!;
  const proof = receiver.receiveFinished!(finished);
  alsoOfRelay.set(bodyOf(proof.finished).subarray(0, 32));
  const passedOn = toSender.receiveFinished!(ofSender.finished);
  // Both sides accept it, so only a comparison of the words shows it.
  const words = ofSender.receiveFinished(passedOn.finished);
  assertEquals(words?.length, 3);
  assertNotEquals(words, proof.words);
  assertNotEquals(ofSender.session.binding, proof.session.binding);
});

test("a server that repeats a commitment gets other session words each time", async () => {
  const server = sourceOf(await prepare(ENCRYPTED));
  const nonce = new Uint8Array(32).fill(1);
  const words = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const [near, far] = memoryPair();
    const agreeing = agreeAsClient(near, await prepare(ENCRYPTED));
    const theirs = await readMessage(far, RecordType.HELLO);
    const { hello, receiveFinished } = answerHello(server, theirs, { nonce });
    await far.write(hello);
    const proof = await readMessage(far, RecordType.FINISHED);
    await far.write(receiveFinished!(proof).finished);
    words.add(`${await (await agreeing).words}`);
  }
  assertEquals(words.size, 20);
});

for (const security of [ENCRYPTED, CODE]) {
  test(`a relay that changes the flag ASKS is noticed, in ${security.mode} mode`, async () => {
    for (const asks of [true, false]) {
      const middle = new ManInTheMiddle(({ direction, index, record }) => {
        if (direction === "down" && index === 0) {
          record[FRAME_HEADER_SIZE + 2]! ^= 1;
        }
        return [record];
      });
      const { client, server } = await talk({ client: security, asks, middle });
      assertEquals(
        server.failure?.code,
        security.mode === "code" ? "wrong-code" : "handshake-damaged",
      );
      assert(client.failure !== undefined);
      assertEquals([client.got, server.got], ["", ""]);
    }
  });

  test(`a relay that changes a side's version to 1 stops both, in ${security.mode} mode`, async () => {
    for (const direction of ["up", "down"]) {
      const middle = new ManInTheMiddle((passing) => {
        const { record } = passing;
        if (passing.direction === direction && record[0] === RecordType.HELLO) {
          record[FRAME_HEADER_SIZE] = 1;
        }
        return [record];
      });
      const { client, server } = await talk({ client: security, middle });
      const code = "version-mismatch";
      if (direction === "up") {
        assertEquals(client.failure?.detail, {
          code: "peer-refused",
          reason: { code },
        });
        assertEquals(server.failure?.code, code);
      } else assertEquals(client.failure?.code, code);
      assert(server.failure !== undefined);
      assertEquals([client.got, server.got], ["", ""]);
      const finished = middle.seen
        .filter(({ record }) => record[0] === RecordType.FINISHED);
      assertEquals(finished, [], "nobody went on");
    }
  });
}

/** Secrets that count how often something was computed with a peer's share. */
async function watched(security: Security) {
  const secrets = await prepare(security);
  assert(secrets.mode !== "plain");
  const count = { computed: 0 };
  const { keyShare } = secrets;
  const agree = keyShare.agree.bind(keyShare);
  keyShare.agree = (peer) => (count.computed++, agree(peer));
  if (secrets.mode === "code") {
    const { cpace } = secrets;
    const sessionKey = cpace.sessionKey.bind(cpace);
    cpace.sessionKey = (...args) => (count.computed++, sessionKey(...args));
  }
  return { source: sourceOf(secrets), count };
}

for (const security of [ENCRYPTED, CODE]) {
  test(`nothing is computed with the share of a client that does not finish, in ${security.mode} mode`, async () => {
    const { source, count } = await watched(security);
    const client = await clientOf(security);
    const nonce = new Uint8Array(32);
    const server = answerHello(source, client.hello, { nonce });
    assertEquals(count.computed, 0);
    const { finished } = client.receiveHello(server.hello).proof!;
    const random = new Prng(1);
    for (const length of [0, 31, 63, 64, 65, 200]) {
      const message = random.bytes(FRAME_HEADER_SIZE + length);
      assertThrows(() => server.receiveFinished!(message));
    }
    assertEquals(count.computed, 0);
    server.receiveFinished!(finished);
    assertEquals(count.computed, security.mode === "code" ? 2 : 1);
  });

  test(`no secrets are taken for a client whose HELLO is refused, in ${security.mode} mode`, async () => {
    const secrets = await prepare(security);
    let taken = 0;
    const source: SecretsSource = {
      ...sourceOf(secrets),
      next: () => (taken++, secrets),
    };
    const nonce = new Uint8Array(32);
    const { hello } = new ClientHandshake(secrets, nonce);
    const plain = new ClientHandshake({ mode: "plain" }, nonce);
    const older = hello.slice();
    older[FRAME_HEADER_SIZE] = 1;
    const none = [hello.subarray(1), hello.subarray(0, -1), plain.hello, older];
    for (const message of none) {
      assertThrows(() => answerHello(source, message, { nonce }));
    }
    assertEquals(taken, 0);
  });
}

/** Puts another share into a hello, where shares end with it. */
function withShare(hello: Uint8Array, share: Uint8Array, fromEnd: number) {
  hello.set(share, hello.length - fromEnd);
}

test("invalid shares are refused without counting as a guess at the code", async () => {
  const highBytes = new Uint8Array(32).fill(0xff);
  const cases: [Security, Uint8Array, number][] = [
    [ENCRYPTED, new Uint8Array(32), 32],
    [CODE, new Uint8Array(32), 64],
    [CODE, new Uint8Array(32), 32],
    [CODE, highBytes, 32],
  ];
  for (const [security, share, fromEnd] of cases) {
    // Of a client
    const guesses = new GuessLimiter(3);
    const [near, far] = memoryPair();
    using secrets = new ServerSecrets(security);
    const serving = agreeAsServer(far, secrets, { guesses });
    const client = await clientOf(security);
    withShare(client.hello, share, fromEnd);
    await near.write(client.hello);
    const answer = await readMessage(near, RecordType.HELLO);
    await near.write(client.receiveHello(answer).proof!.finished);
    const failure = await serving.catch((error) => error);
    assertEquals(failure.code, "malformed");
    assertEquals(guesses.wrong, 0);
    // Of a server
    const other = await clientOf(security);
    const { hello } = await answerTo(other.hello, security);
    withShare(hello, share, fromEnd);
    const error = assertThrows(() => other.receiveHello(hello), Failure);
    assertEquals(error.code, "malformed");
  }
});

test("each wrong code is told apart from other failures of unauthenticated clients", async () => {
  const guesses = new GuessLimiter(3);
  const failures = [];
  for (let i = 0; i < 5; i++) {
    const client = withCode(`a guess ${i}`);
    const { server } = await talk({ client, server: CODE, guesses });
    failures.push(server.failure);
    await talk({ client: ENCRYPTED, server: CODE, guesses });
  }
  assertEquals(
    failures.map((one) =>
      one?.detail.code === "wrong-code" ? one.detail.tries : NaN
    ),
    [1, 2, 3, undefined, undefined],
  );
});

/** Ways in which a false receiver ends after its HELLO. */
type Instead = (
  record: Uint8Array,
  middle: ManInTheMiddle,
) => Uint8Array[] | null;
const FALSE_RECEIVERS: [string, string, Instead][] = [
  ["says nothing any more", "peer-silent", (_, middle) => {
    middle.cutOff();
    return [];
  }],
  ["ends", "handshake-truncated", () => null],
  ["says that the code is wrong", "peer-refused", (record) => [record]],
  ["says that it is another version", "peer-refused", () => [
    Uint8Array.of(
      RecordType.REFUSE,
      0,
      0,
      1,
      REFUSE_REASONS["version-mismatch"],
    ),
  ]],
  ["makes up a proof", "receiver-unproved", () => [
    Uint8Array.of(RecordType.FINISHED, 0, 0, 64, ...new Uint8Array(64)),
  ]],
  ["talks nonsense", "malformed", () => [Uint8Array.of(1, 0, 0, 1, 1)]],
];
for (const [what, code, instead] of FALSE_RECEIVERS) {
  test(`a false receiver that guesses at the sender's code and then ${what} is reported as a possible guess`, async () => {
    const middle: ManInTheMiddle = new ManInTheMiddle((
      { direction, index, record },
    ) =>
      direction === "down" && index > 0 ? instead(record, middle) : [record]
    );
    const server = withCode("its guess");
    const sides = await talk({ client: CODE, server, middle });
    const { client } = sides;
    assert(client.failure !== undefined);
    assertEquals([client.got, sides.server.got], ["", ""]);
    const failure = await client.confirmed?.catch((error) => error);
    assert(failure instanceof Failure && failure.detail.afterProof);
    assertEquals(failure.code, code);
  });
}

test("a failure before the sender's proof, or without a code, is no guess", async () => {
  const silent = (from: number) => {
    const middle: ManInTheMiddle = new ManInTheMiddle(
      ({ direction, index, record }) => {
        if (direction === "down" && index === from) middle.cutOff();
        return [record];
      },
    );
    return middle;
  };
  const before = await talk({ client: CODE, middle: silent(0) });
  const without = await talk({ client: ENCRYPTED, middle: silent(1) });
  assertEquals(before.client.failure?.code, "peer-silent");
  assertEquals(before.client.confirmed, undefined);
  const failure = await without.client.confirmed?.catch((error) => error);
  assert(failure instanceof Failure && !failure.detail.afterProof);
  assertEquals(failure.code, "peer-silent");
});

for (const security of [ENCRYPTED, CODE]) {
  test(`a recorded session that is replayed in ${security.mode} mode is refused`, async () => {
    const middle = new ManInTheMiddle();
    await talk({ client: security, middle });
    const recorded = middle.seen.filter(({ direction }) => direction === "up")
      .map(({ record }) => record);
    const [replayer, server] = memoryPair();
    const agreeing = serve(server, security);
    for (const record of recorded) await replayer.write(record);
    const failure = await agreeing.then(() => undefined, (error) => error);
    assert(["handshake-damaged", "wrong-code"].includes(failure?.code));
  });
}

/** Flips a bit of one record. */
function flipping(where: Intercepted, at: number, bit: number): Interceptor {
  return ({ direction, index, record }) => {
    const meant = direction === where.direction && index === where.index;
    if (meant) record[at]! ^= bit;
    return [record];
  };
}

test("a relay that flips any one bit is noticed, in encrypted mode", async () => {
  const untouched = new ManInTheMiddle();
  await talk({ client: ENCRYPTED, middle: untouched });
  const random = new Prng(1);
  for (const passing of untouched.seen) {
    for (let at = 0; at < passing.record.length; at++) {
      const bit = 1 << random.int(8);
      const middle = new ManInTheMiddle(flipping(passing, at, bit));
      const limit = TALK_TIMEOUT;
      const sides = await talk({ client: ENCRYPTED, limit, middle });
      const { direction, index } = passing;
      assertNotFooled(sides.server, QUESTION);
      assertNotFooled(sides.client, ANSWER);
      const noticed = sides.client.failure ?? sides.server.failure;
      assert(noticed, `${direction} ${index}, byte ${at}, bit ${bit}`);
    }
  }
});

test("a relay that flips a bit of a handshake with a code is noticed", async () => {
  const untouched = new ManInTheMiddle();
  await talk({ client: CODE, middle: untouched });
  const random = new Prng(1);
  const handshake = untouched.seen.filter(({ record }) =>
    record[0] === RecordType.HELLO || record[0] === RecordType.FINISHED
  );
  assertEquals(handshake.length, 4);
  for (const passing of handshake) {
    for (let i = 0; i < 8; i++) {
      const at = random.int(passing.record.length);
      const interceptor = flipping(passing, at, 1 << random.int(8));
      await assertNoticed(interceptor, CODE, TALK_TIMEOUT);
    }
  }
});

// S-9
test("a relay that cuts the last record is noticed, in both directions", async () => {
  const cutting = (direction: Direction) =>
    withContent(direction, (index, record) => index < 2 ? [record] : null);
  const { server } = await assertNoticed(cutting("up"));
  assertEquals([server.got, server.failure?.code], [
    QUESTION,
    "record-truncated",
  ]);
  const { client } = await assertNoticed(cutting("down"));
  assertEquals([client.got, client.failure?.code], [
    ANSWER,
    "record-truncated",
  ]);
});

test("a relay that cuts a record in two and ends there is noticed", async () => {
  for (let length = 0; length < 30; length++) {
    let ended = false;
    const { server } = await assertNoticed(withContent("up", (_, record) => {
      if (ended) return null;
      ended = true;
      return [record.subarray(0, length)];
    }));
    assertEquals(server.failure?.code, "record-truncated");
  }
});

/** What a relay makes of the records of content that go up, numbered from 0. */
type Tampering = (index: number, record: Uint8Array) => Uint8Array[];
const leavesOut = (left: number): Tampering => (index, record) =>
  index === left ? [] : [record];
let held: Uint8Array;
// S-8
const TAMPERINGS: Record<string, Tampering> = {
  "swaps two records": (index, record) => {
    if (index === 0) held = record;
    if (index === 0) return [];
    return index === 1 ? [record, held] : [record];
  },
  "sends a record twice": (_, record) => [record, record.slice()],
  "leaves the first record out": leavesOut(0),
  "leaves the second record out": leavesOut(1),
  "adds a forged record": (index, record) => {
    const body = new Prng(3).bytes(40);
    const forged = Uint8Array.of(RecordType.DATA, 0, 0, 40, ...body);
    return index === 1 ? [forged, record] : [record];
  },
  "makes the end out of another record": (index, record) =>
    index === 1
      ? [Uint8Array.of(RecordType.END, 0, 0, 16, ...record.slice(-16))]
      : [record],
};
for (const [what, tampering] of Object.entries(TAMPERINGS)) {
  test(`a relay that ${what} is noticed`, async () => {
    const { server } = await assertNoticed(withContent("up", tampering));
    assertEquals(server.failure?.code, "record-damaged");
    assert(!what.startsWith("swaps") || server.got === "");
  });
}

test("a relay that sends a side's own records back to it is noticed", async () => {
  const sent: Uint8Array[] = [];
  const middle = new ManInTheMiddle((passing) => {
    const { direction, record } = passing;
    if (direction === "up") {
      if (record[0]! >= RecordType.DATA) sent.push(record.slice());
      return [record];
    }
    return record[0]! >= RecordType.DATA ? [sent.shift()!] : [record];
  });
  const { client } = await talk({ client: ENCRYPTED, middle });
  assertEquals([client.got, client.failure?.code], ["", "record-damaged"]);
});

test("a forged refusal stops both, and neither changes its mode", async () => {
  for (let reason = 0; reason < 9; reason++) {
    const middle = new ManInTheMiddle(({ direction, record }) =>
      direction === "down"
        ? [Uint8Array.of(RecordType.REFUSE, 0, 0, 1, reason)]
        : [record]
    );
    const { client, server } = await talk({ client: ENCRYPTED, middle });
    assert(client.failure?.code === "peer-refused");
    assertEquals([client.got, server.got], ["", ""]);
  }
});
