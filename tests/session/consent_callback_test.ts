import { assert, assertEquals, assertRejects } from "@std/assert";
import "../support/libraries.ts";
import { Failure } from "../../lib/base/failure.ts";
import { type OnEvent, receive, receiveAll, send } from "../../lib/mod.ts";
import { inDirectory } from "../support/fs.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

const CONTENT = () => new Blob(["content"]).stream();
const never = () => new Promise<boolean>(() => {});

/** The port of a receiver that is given `on`. */
function listening(): { port: Promise<number>; on: OnEvent } {
  const { promise, resolve } = Promise.withResolvers<number>();
  const on: OnEvent = (event) =>
    event.type === "listening" && resolve(event.port);
  return { port: promise, on };
}

Deno.test("what an application throws when it is asked ends the receiver that asked", () =>
  inDirectory(async (directory) => {
    const { port, on } = listening();
    const receiving = assertRejects(
      () =>
        receive({
          port: 0,
          bind: "127.0.0.1",
          to: { directory },
          consent: () => Promise.reject(new TypeError("a mistake")),
          on,
        }),
      TypeError,
      "a mistake",
    );
    const sending = assertRejects(
      async () => send("127.0.0.1", { port: await port, content: CONTENT() }),
      Failure,
    );
    await Promise.all([receiving, sending]);
  }));

Deno.test("an application that never answers does not keep receivers from ending, nor from waiting on", () =>
  inDirectory(async (directory) => {
    const { port, on } = listening();
    const left = Promise.withResolvers<void>();
    const receiving = assertRejects(
      () =>
        receive({
          port: 0,
          bind: "127.0.0.1",
          to: { directory },
          wait: 2_000,
          consent: () => {
            stop.abort(new Error("left"));
            return never();
          },
          on: (event) => {
            on(event);
            if (event.type === "still-waiting") left.resolve();
          },
        }),
      Failure,
      "nobody-came",
    );
    const stop = new AbortController();
    await assertRejects(
      async () =>
        send("127.0.0.1", {
          port: await port,
          content: CONTENT(),
          signal: stop.signal,
        }),
      Error,
      "left",
    );
    await left.promise;
    await receiving;
  }));

Deno.test("an application that never answers does not keep a receiver of several from being stopped", () =>
  inDirectory(async (directory) => {
    const { port, on } = listening();
    const stop = new AbortController();
    const receiving = assertRejects(
      () =>
        receiveAll({
          port: 0,
          bind: "127.0.0.1",
          to: { directory },
          signal: stop.signal,
          consent: () => {
            setTimeout(() => stop.abort(new Error("stopped")));
            return never();
          },
          on,
        }),
      Error,
      "stopped",
    );
    const failure = await assertRejects(
      async () => send("127.0.0.1", { port: await port, content: CONTENT() }),
      Failure,
    );
    assertEquals(failure.code, "peer-stopped");
    await receiving;
  }));

Deno.test("an application that never confirms a receiver hears that it has left", () =>
  inDirectory(async (directory) => {
    const { port, on } = listening();
    const stop = new AbortController();
    const receiving = assertRejects(
      () =>
        receive({
          port: 0,
          bind: "127.0.0.1",
          to: { directory },
          consent: "yes",
          signal: stop.signal,
          on,
        }),
      Error,
      "stopped",
    );
    let withdrawn: AbortSignal | undefined;
    await assertRejects(async () =>
      send("127.0.0.1", {
        port: await port,
        content: CONTENT(),
        confirm: (_, signal) => {
          withdrawn = signal;
          stop.abort(new Error("stopped"));
          return never();
        },
      }), Failure);
    assert(withdrawn?.aborted);
    await receiving;
  }));
