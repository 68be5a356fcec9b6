/**
 * Waits for `promise` until `signal` is aborted. The operation itself goes on;
 * its result is ignored.
 *
 * @throws the signal's reason, or the rejection of `promise`
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal?.reason);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/**
 * A signal that is aborted with the first of `signals`, for the same reason. It
 * replaces `AbortSignal.any`, whose signals Deno 2.5 collects while they have
 * listeners.
 */
export function firstOf(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) {
    const follow = () => controller.abort(signal.reason);
    if (signal.aborted) follow();
    else {
      signal.addEventListener("abort", follow, { signal: controller.signal });
    }
  }
  return controller.signal;
}

/**
 * Waits until `promise` has settled, for at most `limit` milliseconds.
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
