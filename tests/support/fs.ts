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
