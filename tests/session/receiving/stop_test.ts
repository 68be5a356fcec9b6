import { assertEquals } from "@std/assert";
import { serve } from "../../../lib/mod.ts";
import {
  type ResolvedDestination,
  resolveDestination,
} from "../../../lib/session/destination.ts";
import { namesIn, test } from "../../support/fs.ts";
import { receiving, sendTo } from "../application.ts";

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
    const options = { to, consent: "yes", signal: stop.signal } as const;
    const { port, ...receiver } = keeps
      ? await serve({ ...options, port: 0, bind: "127.0.0.1" })
      : await receiving(options);
    const content = new File(["content"], "note.txt");
    const sent = await sendTo(port, { content });
    assertEquals(sent.bytes, 7);
    await ("finished" in receiver ? receiver.finished : receiver.received);
    assertEquals(namesIn(directory), ["note.txt"]);
  });
}
