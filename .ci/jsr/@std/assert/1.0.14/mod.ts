/** A stand-in for the part of `@std/assert` that ferry's tests use. */
import { equal } from "./equal.ts";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Fails unless `condition` is truthy. */
export function assert(condition: unknown, message = ""): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Fails unless both have the same structure and the same values. */
export function assertEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  if (!equal(actual, expected)) {
    complain("Values are not equal", actual, expected, message);
  }
}

/** Fails if both have the same structure and the same values. */
export function assertNotEquals<T>(
  actual: T,
  expected: T,
  message?: string,
): void {
  if (equal(actual, expected)) {
    complain("Values are equal, and should not be", actual, expected, message);
  }
}

/** Fails unless the numbers are within `tolerance` of each other. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance: number = (Number.isFinite(expected) ? Math.abs(expected) : 1) *
    1e-7,
  message?: string,
): void {
  if (Object.is(actual, expected)) return;
  if (Math.abs(expected - actual) <= tolerance) return;
  complain("Values are not almost equal", actual, expected, message);
}

/** Fails unless `actual` matches `expected`. */
export function assertMatch(
  actual: string,
  expected: RegExp,
  message?: string,
): void {
  if (!expected.test(actual)) {
    complain("The text does not match", actual, expected, message);
  }
}

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Fails unless `run` throws. Returns what it threw. */
export function assertThrows(run: () => unknown, message?: string): unknown;
/** Fails unless `run` throws an `expected` whose message includes `part`. */
export function assertThrows<E extends Error = Error>(
  run: () => unknown,
  expected: ErrorClass<E>,
  part?: string,
  message?: string,
): E;
export function assertThrows(
  run: () => unknown,
  expected?: ErrorClass<Error> | string,
  part?: string,
  message?: string,
): unknown {
  try {
    run();
  } catch (thrown) {
    return checkThrown(thrown, expected, part, message);
  }
  throw new AssertionError(
    `Expected function to throw${suffix(expected, message)}`,
  );
}

/** Fails unless what `run` returns rejects. Resolves to the reason. */
export function assertRejects(
  run: () => PromiseLike<unknown>,
  message?: string,
): Promise<unknown>;
/** Fails unless it rejects with an `expected` whose message includes `part`. */
export function assertRejects<E extends Error = Error>(
  run: () => PromiseLike<unknown>,
  expected: ErrorClass<E>,
  part?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(
  run: () => PromiseLike<unknown>,
  expected?: ErrorClass<Error> | string,
  part?: string,
  message?: string,
): Promise<unknown> {
  let promise;
  try {
    promise = run();
  } catch {
    throw new AssertionError(
      `Function throws when expected to reject${suffix(expected, message)}`,
    );
  }
  try {
    await promise;
  } catch (thrown) {
    return checkThrown(thrown, expected, part, message);
  }
  throw new AssertionError(
    `Expected function to reject${suffix(expected, message)}`,
  );
}

function checkThrown(
  thrown: unknown,
  expected: ErrorClass<Error> | string | undefined,
  part: string | undefined,
  message: string | undefined,
): unknown {
  if (typeof expected !== "function") return thrown;
  if (!(thrown instanceof expected)) {
    complain("Not an instance", thrown, expected, message);
  }
  if (part !== undefined && !thrown.message.includes(part)) {
    complain("The message does not contain it", thrown.message, part, message);
  }
  return thrown;
}

function suffix(expected: unknown, message: string | undefined): string {
  const text = typeof expected === "string" ? expected : message;
  return text ? `: ${text}` : ".";
}

function complain(
  what: string,
  actual: unknown,
  expected: unknown,
  message: string | undefined,
): never {
  throw new AssertionError(
    `${what}${message ? `: ${message}` : "."}\n` +
      `    actual:   ${Deno.inspect(actual)}\n` +
      `    expected: ${Deno.inspect(expected)}`,
  );
}
