import { assertEquals } from "@std/assert";
import { resolveDestination } from "../../lib/session/destination.ts";
import { openFileSource } from "../../lib/transfer/files/reading/file_source.ts";
import { TreeSource } from "../../lib/transfer/files/reading/tree_source.ts";
import { receiveOver } from "../transfer/exchange.ts";
import type { Source } from "../../lib/transfer/source.ts";
import { sendOver } from "../../lib/transfer/sending/sender.ts";
import { MemorySource } from "../transfer/memory_content.ts";
import { recordedPair, streamOf } from "./recorder.ts";
import type { Target } from "./target.ts";

/** Milliseconds that a side waits for a peer that says nothing any more. */
const LINGER = 50;

/** The transfer's messages, against a receiver that stores files and against a sender. */
export async function transferTargets(): Promise<Target[]> {
  const directory = await Deno.makeTempDir({ prefix: "ferry-fuzz-" });
  const origin = `${directory}/origin`;
  await plant(origin);
  const sources: (() => Promise<Source>)[] = [
    () => Promise.resolve(new MemorySource(new Uint8Array(3_000).fill(7))),
    () => openFileSource(`${origin}/one`),
    () => TreeSource.open([origin]),
  ];
  const forth: Uint8Array[] = [];
  const back: Uint8Array[] = [];
  for (const source of sources) {
    const [up, down] = await transfer(directory, await source());
    forth.push(up);
    back.push(down);
  }
  return [
    {
      name: "receiver",
      share: 6,
      samples: forth,
      run: (bytes) => receiveInto(directory, bytes),
      close: () => Deno.remove(directory, { recursive: true }),
    },
    ...sources.map((source, at) => ({
      name: `sender of ${["a stream", "a file", "a tree"][at]}`,
      share: 2,
      samples: [back[at]!],
      run: async (bytes: Uint8Array) => {
        const stream = await streamOf(bytes);
        const opened = await source();
        try {
          await sendOver(stream, opened, { linger: LINGER });
        } finally {
          opened.close();
        }
      },
    })),
  ];
}

/** Files, directories and links of all kinds. */
async function plant(origin: string): Promise<void> {
  await Deno.mkdir(`${origin}/deep/er`, { recursive: true });
  await Deno.writeTextFile(`${origin}/one`, "one\n".repeat(20));
  await Deno.writeFile(`${origin}/deep/large`, new Uint8Array(90_000));
  await Deno.writeTextFile(`${origin}/deep/er/small`, "small");
  await Deno.symlink("../one", `${origin}/deep/link`);
}

/** What a sender and a receiver say when all goes well. */
async function transfer(
  directory: string,
  source: Source,
): Promise<[Uint8Array, Uint8Array]> {
  const [near, far] = recordedPair();
  const target = await targetIn(directory);
  await Promise.all([
    sendOver(near, source),
    receiveOver(far, (offer) => target.open(offer, {})),
  ]);
  source.close();
  return [await near.said(), await far.said()];
}

/** An empty directory to receive in. */
async function targetIn(directory: string) {
  const inside = `${directory}/inside`;
  await Deno.remove(inside, { recursive: true }).catch(() => {});
  await Deno.mkdir(inside);
  return await resolveDestination({ directory: inside });
}

/** Whatever comes, nothing is touched outside of the directory. */
async function receiveInto(
  directory: string,
  bytes: Uint8Array,
): Promise<void> {
  const target = await targetIn(directory);
  const before = await outside(directory);
  try {
    const stream = await streamOf(bytes);
    await receiveOver(stream, (offer) => target.open(offer, {}), {
      linger: LINGER,
    });
  } finally {
    assertEquals(await outside(directory), before);
  }
}

/** What there is beside the directory that is received in. */
async function outside(directory: string): Promise<string[]> {
  const found = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  const { size, mtime, mode } = await Deno.stat(`${directory}/origin/one`);
  return [...found, `${size} ${mtime?.getTime()} ${mode}`];
}
