import { assertEquals, assertRejects } from "@std/assert";
import "../../support/libraries.ts";
import { Failure } from "../../../lib/base/failure.ts";
import type { Channel } from "../../../lib/endpoint/channel.ts";
import type { Incoming } from "../../../lib/endpoint/incoming.ts";
import { agreeAsClient, prepare } from "../../../lib/secure/secure_channel.ts";
import { Admission } from "../../../lib/session/receiving/admission.ts";
import type { SessionEvent } from "../../../lib/session/events.ts";
import { ManInTheMiddle } from "../../secure/man_in_the_middle.ts";
import { pause } from "../../support/wait.ts";

/** A connection with this stream, from an address that is validated by `established`. */
function incomingOf(
  stream: ManInTheMiddle["server"],
  established: Promise<void>,
): Incoming {
  const closed = Promise.resolve();
  const channel = {
    peer: "192.0.2.7:4321",
    established,
    closed,
    read: (into: Uint8Array) => stream.read(into),
    write: (bytes: Uint8Array) => stream.write(bytes),
    closeWrite: () => stream.closeWrite(),
    abort: (failure: Error) => stream.abort(failure),
  } as unknown as Channel;
  const accept = () => Promise.resolve();
  return { channel, accept, refuse: () => {} } as unknown as Incoming;
}

Deno.test("session words are told only to a validated address, and a peer that leaves with them is reported", async () => {
  const notices: SessionEvent[] = [];
  using admission = new Admission({
    security: { mode: "encrypted" },
    asks: false,
    on: (event) => notices.push(event),
  });
  const middle = new ManInTheMiddle();
  const opening = Promise.withResolvers<void>();
  const judged = admission.admit(incomingOf(middle.server, opening.promise));
  judged.catch(() => {});
  const secrets = await prepare({ mode: "encrypted" });
  const agreed = await agreeAsClient(middle.client, secrets);
  let known = false;
  const words = agreed.words.then((words) => {
    known = true;
    return words;
  });
  for (let turn = 0; turn < 10; turn++) {
    await pause(0);
  }
  assertEquals(known, false);
  opening.resolve();
  assertEquals((await words)?.length, 3);
  middle.client.abort(new Failure({ code: "interrupted" }));
  await assertRejects(() => judged, Failure);
  assertEquals(notices.at(-1), {
    type: "words-tried",
    peer: "192.0.2.7:4321",
    count: 1,
  });
});

Deno.test("a wrong code from an address that is not validated is no guess, and any other is reported", async () => {
  const notices: SessionEvent[] = [];
  using admission = new Admission({
    security: { mode: "code", code: "17-walnut-copper-lagoon" },
    asks: false,
    on: (event) => notices.push(event),
  });
  const tryCode = async (code: string, established: Promise<void>) => {
    const middle = new ManInTheMiddle();
    const judged = admission.admit(incomingOf(middle.server, established));
    judged.catch(() => {});
    const secrets = await prepare({ mode: "code", code });
    const { confirmed } = await agreeAsClient(middle.client, secrets);
    confirmed.catch(() => {});
    return { confirmed, judged };
  };
  for (let count = 0; count < 4; count++) {
    const { promise, reject } = Promise.withResolvers<void>();
    const { judged } = await tryCode("1-wrong-code", promise);
    reject(new Failure({ code: "superseded" }));
    await assertRejects(() => judged, Failure, "superseded");
  }
  assertEquals([notices, admission.over.aborted], [[], false]);
  const wrong = await tryCode("1-wrong-code", Promise.resolve());
  await assertRejects(() => wrong.confirmed, Failure);
  assertEquals(notices.length, 1);
  const right = await tryCode("17-walnut-copper-lagoon", Promise.resolve());
  await right.confirmed;
});
