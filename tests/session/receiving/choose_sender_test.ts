import { assertEquals, assertRejects } from "@std/assert";
import "../../support/libraries.ts";
import { receive, type ReceiveOptions, send } from "../../../lib/mod.ts";
import { freePort } from "../../support/process.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

/** Sends a few bytes to a receiver with these options. @returns what both came to */
async function transfer(options: Omit<ReceiveOptions, "to">) {
  const directory = await Deno.makeTempDir();
  try {
    const port = freePort();
    const to = { directory };
    const receiving = receive({ ...options, port, to });
    const sending = send("127.0.0.1", {
      port,
      content: new Blob(["some bytes"]).stream(),
    });
    return await Promise.allSettled([receiving, sending]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a sender that is accepted after the time to wait has run out is served", async () => {
  const wait = 2000;
  const [received, sent] = await transfer({
    wait,
    consent: () =>
      new Promise((resolve) => setTimeout(() => resolve(true), wait + 100)),
  });
  assertEquals([received.status, sent.status], ["fulfilled", "fulfilled"]);
});

Deno.test("what goes wrong with asking ends the receiver, and is told", async () => {
  const broken = new TypeError("There is nobody to ask");
  const [received, sent] = await transfer({
    consent: () => Promise.reject(broken),
    signal: AbortSignal.timeout(10_000),
  });
  assertEquals(sent.status, "rejected");
  await assertRejects(
    () =>
      received.status === "rejected"
        ? Promise.reject(received.reason)
        : Promise.resolve(),
    TypeError,
    broken.message,
  );
});
