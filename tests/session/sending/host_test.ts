import { assertEquals, assertRejects } from "@std/assert";
import { send, type SendOptions } from "../../../lib/mod.ts";

const CODE = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
const REASON = new Error("enough");

/** What a sender is told that is stopped before it begins. */
async function outcomeOf(
  host: string | undefined,
  options: Partial<SendOptions>,
): Promise<unknown> {
  const signal = AbortSignal.abort(REASON);
  const content = new Blob(["text"]).stream();
  return await send(host, { content, security: CODE, signal, ...options })
    .catch((error) => error);
}

Deno.test("a host may be missing only where the receiver is found without one", async () => {
  const meet = { host: "192.0.2.9" };
  assertEquals(await outcomeOf("192.0.2.7", {}), REASON);
  assertEquals(await outcomeOf(undefined, { near: true }), REASON);
  assertEquals(await outcomeOf(undefined, { meet }), REASON);
  await assertRejects(
    () => send(undefined, { content: "file" }),
    TypeError,
    "A host is missing",
  );
});
