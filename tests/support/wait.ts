/** Milliseconds after which what is waited for will not come any more. */
export const LIMIT = Deno.env.has("FERRY_FULL") ? 1_200_000 : 120_000;

/** What can bring about what is waited for, until it has ended. */
export interface Running {
  readonly ended: Promise<unknown>;
}

/** Resolves after `milliseconds`. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Waits until `condition` holds.
 *
 * @param running once it has ended, there is no hope
 * @param interval milliseconds from one look to the next
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  running?: Running,
  interval = 10,
): Promise<void> {
  const deadline = performance.now() + LIMIT;
  let ended: { how: unknown } | undefined;
  running?.ended.then((how) => ended = { how });
  while (!await condition()) {
    if (ended !== undefined || performance.now() > deadline) {
      const how = ended === undefined ? "" : Deno.inspect(ended.how);
      throw new Error(`It never came to ${condition}\n${how}`);
    }
    await pause(interval);
  }
}

/** Waits until a file, which `running` writes, has at least `size` bytes. */
export function grown(
  path: string | (() => string),
  size: number,
  running: Running,
): Promise<void> {
  return until(async () => {
    const at = typeof path === "string" ? path : path();
    const info = await Deno.stat(at).catch(() => undefined);
    return info !== undefined && info.size >= size;
  }, running);
}
