import "../support/libraries.ts";
import {
  receive,
  type ReceiveOptions,
  send,
  type SendOptions,
  type SessionEvent,
  type Summary,
} from "../../lib/mod.ts";

// Where senders keep what they are known by: not where the user of this machine does
const STATE = await Deno.makeTempDir();
Deno.env.set("XDG_STATE_HOME", STATE);
globalThis.addEventListener("unload", () => {
  Deno.removeSync(STATE, { recursive: true });
});

/** Starts a receiver of a stream on this machine, and waits until it listens. */
export async function receiving(options: Partial<ReceiveOptions> = {}) {
  const { promise: port, resolve } = Promise.withResolvers<number>();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const events: SessionEvent[] = [];
  const received = receive({
    port: 0,
    bind: "127.0.0.1",
    to: writable,
    ...options,
    on: (event) => {
      events.push(event);
      if (event.type === "listening") resolve(event.port);
      options.on?.(event);
    },
  });
  received.catch(() => {});
  const bytes = new Response(readable).bytes();
  bytes.catch(() => {});
  return { port: await port, received, bytes, events };
}

/** Sends a stream of a few bytes, unless told otherwise, to a receiver on this machine. */
export function sendTo(
  port: number,
  options: Partial<SendOptions> = {},
): Promise<Summary> {
  const content = new Blob(["content"]).stream();
  return send("127.0.0.1", { port, content, ...options });
}
