import { assert, assertEquals } from "@std/assert";
import { HELLO, inDirectory, LARGE, namesIn, stagingIn } from "../files.ts";
import { storeFile, storeTree } from "./killed.ts";

const SCRIPT = new URL("killed.ts", import.meta.url).pathname;
/** More moments than there are. */
const MANY = 100;

/** Whether it was killed at this moment. */
async function killedAt(
  directory: string,
  kind: string,
  moment: number,
): Promise<boolean> {
  const args = "run -A --no-check --quiet".split(" ");
  const { signal, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args, SCRIPT, directory, kind, `${moment}`],
  }).output();
  assert(signal === "SIGKILL" || success, new TextDecoder().decode(stderr));
  return signal === "SIGKILL";
}

/** What has its final name is whole. */
function assertWhole(directory: string): void {
  for (const name of namesIn(directory)) {
    if (name.endsWith(".ferry-part")) continue;
    const path = `${directory}/${name}`;
    if (name === "a") assertTree(path);
    else assertEquals(Deno.readFileSync(path), name === "b" ? HELLO : LARGE);
  }
}

function hasState(directory: string): boolean {
  return namesIn(stagingIn(directory)).includes("state");
}

function assertTree(path: string): void {
  assertEquals(namesIn(path), ["link", "sub", "y"]);
  assertEquals(namesIn(`${path}/sub`), ["x"]);
  assertEquals(Deno.readFileSync(`${path}/y`), LARGE);
  assertEquals(Deno.readFileSync(`${path}/sub/x`), HELLO);
  assertEquals(Deno.readLinkSync(`${path}/link`), "x");
}

for (const kind of ["tree", "tree by force", "file", "file by force"]) {
  Deno.test(`a ${kind} that is killed at whatever moment has no wrong file under its final name, and is gone on with`, async () => {
    const force = kind.endsWith("force");
    for (let moment = 1;; moment++) {
      assert(moment < MANY);
      let killed = false;
      await inDirectory(async (directory) => {
        killed = await killedAt(directory, kind, moment);
        assertWhole(directory);
        const finals = kind.startsWith("tree") ? ["a", "b"] : ["f"];
        const isLeft = (name: string) => name.endsWith(".ferry-part");
        const before = namesIn(directory);
        // Killed when all was done and the state removed: there is nothing to go on with
        const over = finals.every((name) => before.includes(name)) &&
          !before.some((name) => isLeft(name) && hasState(directory));
        if (killed && !over) {
          const store = kind.startsWith("tree") ? storeTree : storeFile;
          await store(directory, { force });
        }
        assertWhole(directory);
        const names = namesIn(directory).filter((name) => !isLeft(name));
        assertEquals(names, finals);
        Deno.chmodSync(`${directory}/${names[0]}`, 0o755);
      });
      if (!killed) break;
    }
  });
}
