import { assert, assertEquals } from "@std/assert";
import { Cpace } from "../../../lib/secure/code/cpace.ts";
import {
  answerHello,
  ClientHandshake,
} from "../../../lib/secure/handshake/handshake.ts";
import { KeyShare } from "../../../lib/secure/handshake/key_share.ts";
import type { Secrets } from "../../../lib/secure/handshake/secrets.ts";
import { cpaceInputs } from "../../../lib/secure/security.ts";
import { SecureStream } from "../../../lib/secure/secure_stream.ts";
import { memoryPair } from "../../support/memory_stream.ts";
import vectors from "./handshakes.json" with { type: "json" };
import { utf8 } from "../../../lib/base/utf8.ts";
import { bytesOf, hexOf } from "../../support/bytes.ts";
import { readRecord } from "../man_in_the_middle.ts";

type Vector = typeof vectors[number];

/** The secrets of one side of a vector. */
function secretsOf(
  { mode, code }: Vector,
  { privateKey, scalar }: Vector["client"],
): Secrets {
  const keyShare = KeyShare.of(bytesOf(privateKey));
  if (mode === "encrypted") return { mode, keyShare };
  assert(code && scalar);
  const cpace = new Cpace(cpaceInputs(code), { scalar: bytesOf(scalar) });
  return { mode: "code", keyShare, cpace };
}

for (const vector of vectors) {
  Deno.test(`a handshake in ${vector.mode} mode is that of the vector, byte by byte`, async () => {
    const client = new ClientHandshake(
      secretsOf(vector, vector.client),
      bytesOf(vector.client.nonce),
    );
    const secrets = secretsOf(vector, vector.server);
    const ready = Promise.resolve();
    const { hello, receiveFinished } = answerHello(
      { mode: secrets.mode, ready, next: () => secrets },
      client.hello,
      { nonce: bytesOf(vector.server.nonce), asks: vector.asks },
    );
    const proof = client.receiveHello(hello).proof!;
    const answer = receiveFinished!(proof.finished);
    const words = proof.receiveFinished(answer.finished);
    assertEquals(answer.words, words);
    const { session } = proof;
    assertEquals(answer.session, session);
    const [near, far] = memoryPair();
    const { client: sending, server: receiving } = session;
    await new SecureStream(near, { sending, receiving })
      .write(utf8(vector.text));
    const data = await readRecord(far);
    assert(data !== null);
    assertEquals({
      clientHello: hexOf(client.hello),
      serverHello: hexOf(hello),
      clientFinished: hexOf(proof.finished),
      serverFinished: hexOf(answer.finished),
      words,
      clientApplication: hexOf(sending),
      serverApplication: hexOf(receiving),
      exporter: hexOf(session.exporter),
      binding: hexOf(session.binding),
      data: hexOf(data),
    }, {
      clientHello: vector.clientHello,
      serverHello: vector.serverHello,
      clientFinished: vector.clientFinished,
      serverFinished: vector.serverFinished,
      words: vector.words ?? undefined,
      clientApplication: vector.secrets.clientApplication,
      serverApplication: vector.secrets.serverApplication,
      exporter: vector.secrets.exporter,
      binding: vector.binding,
      data: vector.data,
    });
  });
}
