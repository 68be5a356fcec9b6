/**
 * Waits until `promise` has settled, whichever way, but not for longer than
 * `limit` milliseconds.
 */
export async function within(
  limit: number,
  promise: Promise<unknown>,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limit);
  });
  await Promise.race([promise.then(() => {}, () => {}), passed]);
  clearTimeout(timer);
}
