import { assertEquals } from "@std/assert";
import { type OnEvent, receive, send, serve } from "../../../lib/mod.ts";
import {
  type ResolvedDestination,
  resolveDestination,
} from "../../../lib/session/destination.ts";
import { namesIn, test } from "../../support/fs.ts";
import "../../support/libraries.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

/** A destination in a directory that calls `stored` when all is stored, before the sender hears of it. */
async function destinationIn(
  directory: string,
  stored: () => void,
): Promise<ResolvedDestination & { directory: string }> {
  const destination = await resolveDestination({ directory });
  return {
    ...destination,
    directory,
    open: async (...args) => {
      const sink = await destination.open(...args);
      const commit = sink.commit.bind(sink);
      sink.commit = async () => {
        await commit();
        stored();
      };
      return sink;
    },
  };
}

for (const keeps of [false, true]) {
  const what = keeps ? "of several" : "of one";
  test(`a receiver ${what} that is stopped when all is stored tells its sender so, and leaves nothing else`, async (directory) => {
    const stop = new AbortController();
    const to = await destinationIn(
      directory,
      () => stop.abort(new Error("stopped")),
    );
    const { promise: port, resolve } = Promise.withResolvers<number>();
    const on: OnEvent = (event) => {
      if (event.type === "listening") resolve(event.port);
    };
    const options = {
      port: 0,
      bind: "127.0.0.1",
      to,
      on,
      consent: "yes",
      signal: stop.signal,
    } as const;
    const received = keeps
      ? serve(options).then(({ finished }) => finished)
      : receive(options);
    const content = new File(["content"], "note.txt");
    const sent = await send("127.0.0.1", { port: await port, content });
    assertEquals(sent.bytes, 7);
    await received;
    assertEquals(namesIn(directory), ["note.txt"]);
  });
}
