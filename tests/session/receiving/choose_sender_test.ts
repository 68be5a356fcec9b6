import { assertEquals } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import type { Endpoint } from "../../../lib/endpoint/endpoint.ts";
import type { Admitted } from "../../../lib/session/receiving/admission.ts";
import { chooseSender } from "../../../lib/session/receiving/choose_sender.ts";
import { resolveDestination } from "../../../lib/session/destination.ts";

Deno.test("wrong codes of others do not end the transfer of the sender that was chosen", async () => {
  const aborted: Error[] = [];
  const admitted = {
    channel: {
      closed: new Promise(() => {}),
      abort: (failure: Error) => aborted.push(failure),
    },
    offer: { kind: "file", names: ["x"], count: 1 },
    decided: () => {},
  } as unknown as Admitted;
  const endpoint = {
    incoming: async function* () {
      yield await Promise.resolve();
    },
  } as unknown as Endpoint;
  const over = new AbortController();
  const admission = {
    over: over.signal,
    admit: () => Promise.resolve(admitted),
  };
  const destination = await resolveDestination(new WritableStream());
  await chooseSender(endpoint, admission, destination, {
    security: { mode: "code", code: "17-walnut-copper-lagoon" },
    signal: new AbortController().signal,
    on: () => {},
  });
  over.abort(new Failure({ code: "too-many-wrong-codes", max: 3 }));
  assertEquals(aborted, []);
});
