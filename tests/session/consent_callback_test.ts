import { assert, assertEquals, assertRejects } from "@std/assert";
import "../support/libraries.ts";
import { Failure } from "../../lib/base/failure.ts";
import {
  type OnEvent,
  receive,
  send,
  type SendOptions,
  serve,
} from "../../lib/mod.ts";
import { inDirectory } from "../support/fs.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

const never = () => new Promise<boolean>(() => {});

/** A receiver that is about to be started, and a sender to it. */
interface Application {
  /** What a receiver is told beside the rest. */
  readonly common: {
    port: 0;
    bind: string;
    to: { directory: string };
    on: OnEvent;
  };
  /** Sends something to it, once it listens. */
  send(options?: Partial<SendOptions>): Promise<unknown>;
}

/** A test of a receiver and a sender that are one application. */
function test(name: string, body: (application: Application) => Promise<void>) {
  Deno.test(name, () =>
    inDirectory(async (directory) => {
      const { promise: port, resolve } = Promise.withResolvers<number>();
      const on: OnEvent = (event) =>
        event.type === "listening" && resolve(event.port);
      await body({
        common: { port: 0, bind: "127.0.0.1", to: { directory }, on },
        send: async (options = {}) => {
          const content = new Blob(["content"]).stream();
          await send("127.0.0.1", { port: await port, content, ...options });
        },
      });
    }));
}

test("what an application throws when it is asked ends the receiver that asked", async ({ common, send }) => {
  const consent = () => Promise.reject(new TypeError("a mistake"));
  const receiving = receive({ ...common, consent });
  await Promise.all([
    assertRejects(() => receiving, TypeError, "a mistake"),
    assertRejects(send, Failure),
  ]);
});

test("an application that never answers does not keep receivers from ending, nor from waiting on", async ({ common, send }) => {
  const left = Promise.withResolvers<void>();
  const stop = new AbortController();
  const receiving = receive({
    ...common,
    wait: 2_000,
    consent: () => {
      stop.abort(new Error("left"));
      return never();
    },
    on: (event) => {
      common.on(event);
      if (event.type === "still-waiting") left.resolve();
    },
  });
  const ended = assertRejects(() => receiving, Failure, "nobody-came");
  const sending = send({ signal: stop.signal });
  await assertRejects(() => sending, Error, "left");
  await left.promise;
  await ended;
});

test("an application that never answers does not keep a receiver of several from being stopped", async ({ common, send }) => {
  const stop = new AbortController();
  const server = await serve({
    ...common,
    signal: stop.signal,
    consent: () => {
      setTimeout(() => stop.abort(new Error("stopped")));
      return never();
    },
  });
  const failure = await assertRejects(send, Failure);
  assertEquals(failure.code, "peer-stopped");
  await server.finished;
});

test("an application is shown what comes with a code and may decline it, and is asked about the next", async ({ common, send }) => {
  const security = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
  const asked: (string | undefined)[] = [];
  const receiving = receive({
    ...common,
    security,
    consent: ({ names: [name], words, peer }) => {
      assertEquals(words, undefined);
      assert(peer.startsWith("127.0.0.1:"));
      asked.push(name);
      return name === "wanted.txt";
    },
  });
  const offer = (name: string) =>
    send({ security, content: new File(["content"], name) });
  const failure = await assertRejects(() => offer("other.txt"), Failure);
  assertEquals(failure.detail.code, "peer-refused");
  await offer("wanted.txt");
  assertEquals((await receiving).bytes, 7);
  assertEquals(asked, ["other.txt", "wanted.txt"]);
});

test("an application may decline what would go into its stream", async ({ common, send }) => {
  let written = 0;
  const write = (chunk: Uint8Array) => void (written += chunk.length);
  const receiving = receive({
    ...common,
    to: new WritableStream({ write }),
    consent: ({ size, target }) => {
      assertEquals(target, undefined);
      return size !== undefined;
    },
  });
  await assertRejects(send, Failure, "declined");
  assertEquals(written, 0);
  await send({ content: new Uint8Array(10) });
  await receiving;
  assertEquals(written, 10);
});

test("an application that never confirms a receiver hears that it has left", async ({ common, send }) => {
  const stop = new AbortController();
  const receiving = receive({ ...common, consent: "yes", signal: stop.signal });
  const ended = assertRejects(() => receiving, Error, "stopped");
  let withdrawn: AbortSignal | undefined;
  const sending = send({
    confirm: (_, signal) => {
      withdrawn = signal;
      stop.abort(new Error("stopped"));
      return never();
    },
  });
  await assertRejects(() => sending, Failure);
  assert(withdrawn?.aborted);
  await ended;
});
