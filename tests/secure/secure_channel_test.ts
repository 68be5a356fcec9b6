import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { GuessLimiter } from "../../lib/secure/code/guess_limiter.ts";
import { RecordType } from "../../lib/secure/handshake/messages.ts";
import type { RefusalCode } from "../../lib/secure/handshake/handshake_failure.ts";
import {
  agreeAsClient,
  prepare,
  type Security,
} from "../../lib/secure/secure_channel.ts";
import { memoryPair } from "../support/memory_stream.ts";
import { ManInTheMiddle } from "./man_in_the_middle.ts";
import {
  agree,
  ANSWER,
  ENCRYPTED,
  PLAIN,
  QUESTION,
  serve,
  talk,
  withCode,
} from "./handshake/handshake_pair.ts";

for (const security of [ENCRYPTED, withCode("7-a-b")]) {
  Deno.test(`in ${security.mode} mode content crosses both ways and is not readable on the wire`, async () => {
    const middle = new ManInTheMiddle();
    const { client, server } = await talk({ client: security, middle });
    assertEquals([server.failure, client.failure], [undefined, undefined]);
    assertEquals([server.got, client.got], [QUESTION, ANSWER]);
    const all = middle.seen.map(({ record }) =>
      new TextDecoder().decode(record)
    );
    // They cross in two records each
    const parts = [QUESTION, ANSWER].flatMap((text) =>
      text.split(/(?<=^.{5})/)
    );
    for (const text of [...parts, "7-a-b"]) {
      assert(!all.join("").includes(text), text);
    }
  });
}

Deno.test("in plain mode content crosses both ways and is readable on the wire", async () => {
  const middle = new ManInTheMiddle();
  const { client, server } = await talk({ client: PLAIN, middle });
  assertEquals([server.got, client.got], [QUESTION, ANSWER]);
  const all = middle.seen.map(({ record }) => new TextDecoder().decode(record));
  assert(all.join("").includes(QUESTION));
});

Deno.test("without a code both sides have the same three words, other ones each time", async () => {
  const one = await talk({ client: ENCRYPTED });
  const other = await talk({ client: ENCRYPTED });
  assertEquals(one.client.words?.length, 3);
  assertEquals(one.client.words, one.server.words);
  assertEquals(other.client.words, other.server.words);
  assertNotEquals(one.client.words, other.client.words);
});

Deno.test("a client knows whether a person is asked at the server", async () => {
  for (const security of [PLAIN, ENCRYPTED, withCode("7-a-b")]) {
    for (const asks of [true, false, undefined]) {
      const options = asks === undefined ? {} : { asks };
      const { client } = await agree(security, options);
      assertEquals(client.peerAsks, asks ?? false);
    }
  }
});

Deno.test("both sides have the same binding, another one each time, and none in plain mode", async () => {
  const seen = new Set<string>();
  for (const security of [ENCRYPTED, ENCRYPTED, withCode("7-a-b"), PLAIN]) {
    const { client, server } = await agree(security);
    assertEquals(client.binding, server.binding);
    assertEquals(client.binding.length, 32);
    const plain = security.mode === "plain";
    assertEquals(client.binding.every((byte) => byte === 0), plain);
    seen.add(`${client.binding}`);
  }
  assertEquals(seen.size, 4);
});

Deno.test("with a code there are no words to compare", async () => {
  const { client, server } = await talk({ client: withCode("x") });
  assertEquals([client.words, server.words], [undefined, undefined]);
});

const MISMATCHES: [Security, Security, RefusalCode][] = [
  [PLAIN, ENCRYPTED, "encryption-required"],
  [PLAIN, withCode("a"), "code-required"],
  [ENCRYPTED, PLAIN, "encryption-refused"],
  [ENCRYPTED, withCode("a"), "code-required"],
  [withCode("a"), PLAIN, "encryption-refused"],
  [withCode("a"), ENCRYPTED, "code-refused"],
];
for (const [client, server, code] of MISMATCHES) {
  Deno.test(`a client in ${client.mode} mode is refused by a server in ${server.mode} mode, and both know why`, async () => {
    const middle = new ManInTheMiddle();
    const sides = await talk({ client, server, middle });
    assertEquals(sides.client.failure?.detail, {
      code: "peer-refused",
      reason: { code },
    });
    assertEquals(sides.server.failure?.code, code);
    assertEquals([sides.client.got, sides.server.got], ["", ""]);
    assertEquals(middle.seen.length, 2, "HELLO and REFUSE");
  });
}

Deno.test("a wrong code is told to both sides, and nothing is taken", async () => {
  const middle = new ManInTheMiddle();
  const { client, server } = await talk({
    client: withCode("7-a-b"),
    server: withCode("7-a-c"),
    middle,
  });
  assertEquals(client.failure?.detail, {
    code: "peer-refused",
    reason: { code: "wrong-code" },
    afterProof: true,
  });
  assertEquals(server.failure?.code, "wrong-code");
  assertEquals([server.got, client.got], ["", ""]);
  const answers = middle.seen.filter(({ direction }) => direction === "down");
  assertEquals(answers.map(({ record }) => record[0]), [
    RecordType.HELLO,
    RecordType.REFUSE,
  ]);
});

for (const security of [ENCRYPTED, withCode("7-a-b")]) {
  // S-3
  Deno.test(`in ${security.mode} mode content follows the client's proof, and nothing is read before the server's`, async () => {
    const middle = new ManInTheMiddle(({ direction, record }) => {
      const proof = direction === "down" && record[0] === RecordType.FINISHED;
      return proof ? [] : [record];
    });
    const { client, server } = await talk({ client: security, middle });
    assertEquals(server.got, QUESTION);
    assertEquals([client.got, client.failure?.code], ["", "malformed"]);
  });
}

Deno.test("after three wrong guesses not even the right code is looked at", async () => {
  const guesses = new GuessLimiter(3);
  const server = withCode("right");
  const attempt = async (code: string) => {
    const { client } = await talk({ client: withCode(code), server, guesses });
    return client.failure?.code;
  };
  assertEquals(await attempt("wrong"), "peer-refused");
  assertEquals(await attempt("wrong, too"), "peer-refused");
  assertEquals(await attempt("right"), undefined);
  assertEquals([guesses.wrong, guesses.left], [2, 1]);
  assertEquals(await attempt("wrong again"), "peer-refused");
  assertEquals(await attempt("right"), "peer-refused");
});

Deno.test("many guesses at once are no more than three", async () => {
  const guesses = new GuessLimiter(3);
  const codes = Array.from({ length: 20 }, (_, at) => withCode(`${at}`));
  const sides = await Promise.all(
    codes.map((client) => talk({ client, server: withCode("19"), guesses })),
  );
  assertEquals(guesses.wrong, 3);
  for (const { client } of sides) {
    assertEquals(client.failure?.code, "peer-refused");
  }
});

Deno.test("before the client's address is validated no guess at the code counts (S-5)", async () => {
  const [near, far] = memoryPair();
  const guesses = new GuessLimiter(3);
  const { promise: validated, reject } = Promise.withResolvers<void>();
  const serving = serve(far, withCode("7-a-b"), { guesses, validated });
  const secrets = await prepare(withCode("7-a-c"));
  const { confirmed } = await agreeAsClient(near, secrets);
  confirmed.catch(() => {});
  const gone = new Error("The address was never validated");
  reject(gone);
  assertEquals(await assertRejects(() => serving), gone);
  assertEquals(guesses.wrong, 0);
  far.abort(gone);
  assertEquals((await assertRejects(() => confirmed)) instanceof Error, true);
});
