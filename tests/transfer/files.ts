import { cLibrary } from "../../lib/system/c_library.ts";

// A process opens it once and keeps it: that is no leak of the first test.
cLibrary();

/** Runs `body` in a directory of its own. */
export async function inDirectory(
  body: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "ferry-test-" });
  try {
    await body(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}
