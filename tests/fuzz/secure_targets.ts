import { assert } from "@std/assert";
import type { ByteStream } from "../../lib/base/byte_stream.ts";
import type { SecretsSource } from "../../lib/secure/handshake/secrets.ts";
import {
  agreeAsClient,
  agreeAsServer,
  prepare,
  type Security,
} from "../../lib/secure/secure_channel.ts";
import { SecureStream } from "../../lib/secure/secure_stream.ts";
import { recordedPair, streamOf } from "./recorder.ts";
import type { Target } from "./target.ts";

const TEXT = new TextEncoder().encode("What was said, in several records. ");
const MODES: Security[] = [
  { mode: "plain" },
  { mode: "encrypted" },
  { mode: "code", code: "17-walnut-copper-lagoon" },
];

/** The channel, from its first byte on, against both sides and in each mode. */
export async function secureTargets(): Promise<Target[]> {
  const targets = [];
  for (const security of MODES) {
    // The same keys each time, so that what is not changed is understood.
    const secrets = await prepare(security);
    const source = {
      mode: security.mode,
      ready: Promise.resolve(),
      next: () => secrets,
    };
    const { up, down } = await conversation(security, source);
    const share = security.mode === "code" ? 1 : 3;
    targets.push(
      {
        name: `server in ${security.mode} mode`,
        share,
        samples: [up],
        run: async (bytes: Uint8Array) => {
          const stream = await streamOf(bytes);
          const agreed = await agreeAsServer(stream, source);
          await hear(agreed.stream, security);
        },
      },
      {
        name: `client in ${security.mode} mode`,
        share,
        samples: [down],
        run: async (bytes: Uint8Array) => {
          const stream = await streamOf(bytes);
          const agreed = await agreeAsClient(stream, secrets);
          await hear(agreed.stream, security);
        },
      },
    );
  }
  return [...targets, await recordTarget()];
}

/** What both sides say. */
async function conversation(security: Security, source: SecretsSource) {
  const [client, server] = recordedPair();
  const [asked, answered] = await Promise.all([
    agreeAsClient(client, await prepare(security)),
    agreeAsServer(server, source),
  ]);
  for (const { stream } of [asked, answered]) {
    for (let i = 0; i < 3; i++) await stream.write(TEXT);
    await stream.closeWrite();
  }
  return { up: await client.said(), down: await server.said() };
}

/** Sealed records, of which a mutant may pass as far as it is a beginning. */
async function recordTarget(): Promise<Target> {
  const secret = new Uint8Array(32).fill(1);
  const keys = { sending: secret, receiving: secret, recordsPerKey: 4 };
  const [writer] = recordedPair();
  const sealing = new SecureStream(writer, keys);
  for (let i = 0; i < 10; i++) await sealing.write(TEXT);
  await sealing.closeWrite();
  return {
    name: "sealed records",
    share: 6,
    samples: [await writer.said()],
    run: async (bytes) => {
      const stream = new SecureStream(await streamOf(bytes), keys);
      await hear(stream, { mode: "encrypted" });
    },
  };
}

/** Reads to the end: of what is sealed nothing else comes than what was said. */
async function hear(stream: ByteStream, { mode }: Security): Promise<void> {
  const into = new Uint8Array(50);
  for (let at = 0;;) {
    const count = await stream.read(into);
    if (count === null) return;
    for (let i = 0; i < count && mode !== "plain"; i++, at++) {
      assert(into[i] === TEXT[at % TEXT.length], `byte ${at} is made up`);
    }
  }
}
