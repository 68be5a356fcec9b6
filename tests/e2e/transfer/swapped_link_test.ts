import { assert } from "@std/assert";
import { sendFiles } from "../../support/ferry.ts";
import { makeTrap, SECRET, whileFlipping } from "./flip.ts";

import { LINUX, ROOT, testWith } from "../../support/needs.ts";

/** How often the tree is sent. */
const SENDS = Number(Deno.env.get("FERRY_SENDS") ?? 6);

/** The files below a directory that have the secret in them. */
function* secretsIn(path: string): Generator<string> {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(path)) {
    const at = `${path}/${name}`;
    if (isDirectory) yield* secretsIn(at);
    if (isFile && Deno.readTextFileSync(at).startsWith(SECRET)) yield at;
  }
}

testWith(
  [LINUX, ROOT],
  "while another user exchanges files and directories with links, root sends nothing that they lead to (rsync CVE-2024-12747)",
  async (cwd) => {
    const names = makeTrap(cwd);
    await whileFlipping(`${cwd}/tree`, names, async () => {
      for (let i = 0; i < SENDS; i++) {
        const code = "--code=7-a-b";
        const into = [code, "-d", `${i}`];
        const [received, sent] = await sendFiles(cwd, [code, "tree"], into);
        // What was replaced is named, and left out
        assert(sent.code <= 1 && received.code <= 1, sent.stderr);
        const found = [...secretsIn(`${cwd}/${i}`)];
        assert(found.length === 0, `${found.length}, ${found[0]}`);
      }
    });
  },
);
