/**
 * Waits until `promise` has settled, whichever way, but not for longer than
 * `limit` milliseconds.
 *
 * @returns whether it has settled
 */
export async function within(
  limit: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limit);
  });
  const settled = promise.then(() => true, () => true);
  try {
    return await Promise.race([settled, passed]);
  } finally {
    clearTimeout(timer);
  }
}
