import { assert, assertEquals } from "@std/assert";
import { DirectorySink } from "../../lib/transfer/files/writing/directory_sink.ts";
import { TreeSource } from "../../lib/transfer/files/reading/tree_source.ts";
import { receiveOver } from "./exchange.ts";
import { sendOver } from "../../lib/transfer/sending/sender.ts";
import { compareNames } from "../../lib/transfer/wire/names.ts";
import { memoryPair } from "../support/memory_stream.ts";
import { makeFiles } from "./files.ts";
import { program, testWith } from "../support/needs.ts";

const SPECIFICATION = new URL(
  "../../lib/transfer/README.md",
  import.meta.url,
);
/** What the script of the specification prints. */
async function scriptDigest(cwd: string, ...paths: string[]): Promise<string> {
  const text = Deno.readTextFileSync(SPECIFICATION);
  const script = /```python\n(.*?)```/s.exec(text)?.[1];
  assert(script !== undefined);
  const args = ["-c", script, ...paths];
  const { stdout } = await new Deno.Command("python3", { args, cwd }).output();
  return new TextDecoder().decode(stdout).trim();
}

testWith(
  await program("python3"),
  "the digest of a tree is what the specification's script prints, at both sides",
  async (path) => {
    makeFiles(path, { "from/tree/sub/": "", "to/": "" });
    const names = ["a", "a-b", "\uffee", "😀", "sub/x", "large"];
    for (const name of names) {
      const size = name === "large" ? 300_000 : name.length;
      Deno.writeFileSync(`${path}/from/tree/${name}`, new Uint8Array(size));
    }
    Deno.symlinkSync("../a", `${path}/from/tree/sub/link`);
    Deno.writeTextFileSync(`${path}/from/z`, "z");
    const roots = ["tree", "z"];
    const source = await TreeSource.open(
      roots.map((root) => `${path}/from/${root}`),
    );
    const [near, far] = memoryPair();
    const [sent] = await Promise.all([
      sendOver(near, source),
      receiveOver(
        far,
        (offer) => DirectorySink.create(`${path}/to`, offer, { force: false }),
      ),
    ]);
    for (const side of ["from", "to"]) {
      const digest = await scriptDigest(`${path}/${side}`, ...roots);
      assertEquals(sent.sha256, digest, side);
    }
  },
);

Deno.test("names are compared by their UTF-8 bytes", () => {
  const names = ["😀", "\uffee", "a/", "a", "é", "ab", "\ud7ff", "Z"];
  const encoder = new TextEncoder();
  const byBytes = (one: string, other: string) => {
    const [a, b] = [encoder.encode(one), encoder.encode(other)];
    const at = a.findIndex((byte, at) => byte !== b[at]);
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
  };
  assertEquals(names.toSorted(compareNames), names.toSorted(byBytes));
});
