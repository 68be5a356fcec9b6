import { firstOf } from "../base/async.ts";
import { Failure } from "../base/failure.ts";
import { isControllerName } from "../protocol/congestion/controllers.ts";
import type { Checked, SessionOptions } from "./options.ts";
import { shown } from "./streams.ts";

/** The longest time that a timer can wait, in milliseconds. */
const MAX_WAIT = 2 ** 31 - 1;

/** What numbers an option may have. */
interface Range {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

const RANGES: Readonly<Record<string, Range>> = {
  port: { min: 0, max: 65_535, whole: true },
  timeout: { min: 1, max: MAX_WAIT },
  wait: { min: 0, max: Infinity },
  // From what every IPv6 link carries (RFC 8200, section 5) to the largest packet
  mtu: { min: 1280, max: 65_535, whole: true },
  maxRate: { min: 1, max: Infinity },
  progressInterval: { min: 1, max: Infinity },
  maxTransfers: { min: 1, max: 65_535, whole: true },
};

const TYPES: Readonly<Record<string, readonly string[]>> = {
  bind: ["string"],
  security: ["object"],
  signal: ["AbortSignal"],
  on: ["function"],
  trace: ["function"],
  askCode: ["function"],
  confirm: ["function"],
  consent: ["function", "string"],
  resume: ["boolean"],
};

/**
 * Runs a session whose options were checked, and ends it if a listener throws:
 * what it throws is then what the session rejects with.
 *
 * @throws {TypeError} if an option is of the wrong type
 * @throws {RangeError} if a number is out of its range
 * @throws {Failure} `no-udp` if the runtime has no UDP sockets
 */
export async function guarded<O extends SessionOptions, T>(
  options: O,
  run: (options: Checked<O>) => Promise<T>,
): Promise<T> {
  check(options);
  if (typeof Deno.listenDatagram !== "function") {
    throw new Failure({ code: "no-udp", atStart: true });
  }
  const ended = new AbortController();
  const { signal } = ended;
  const { security, on, trace } = options;
  const guard = <E>(listener: (event: E) => void) => (event: E) => {
    if (signal.aborted) return;
    try {
      listener(event);
    } catch (error) {
      ended.abort(error);
    }
  };
  try {
    const result = await run({
      ...options,
      security: security ?? { mode: "encrypted" },
      on: guard(on ?? (() => {})),
      ...trace && { trace: guard(trace) },
      signal: firstOf(options.signal ? [options.signal, signal] : [signal]),
    });
    signal.throwIfAborted();
    return result;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    // Leaves no listener at the application's signal
    ended.abort();
  }
}

function check(options: SessionOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Options are an object, not ${options}`);
  }
  const given = Object.entries(options).filter(([, value]) =>
    value !== undefined
  );
  for (const [name, value] of given) {
    if (Object.hasOwn(RANGES, name)) checkRange(name, value, RANGES[name]!);
    if (Object.hasOwn(TYPES, name)) checkType(name, value, TYPES[name]!);
  }
  const { security, congestion } = options;
  const mode: unknown = security?.mode ?? "encrypted";
  if (mode !== "plain" && mode !== "encrypted" && mode !== "code") {
    throw new TypeError(
      `security.mode is "plain", "encrypted" or "code", not ${mode}`,
    );
  }
  if (congestion !== undefined && !isControllerName(congestion)) {
    throw new TypeError(`congestion is "bbr" or "cubic", not ${congestion}`);
  }
}

function checkRange(
  name: string,
  value: unknown,
  { min, max, whole = false }: Range,
): void {
  if (typeof value !== "number") {
    throw new TypeError(`${name} is a number, not ${shown(value)}`);
  }
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) {
    return;
  }
  throw new RangeError(
    `${name} is ${
      whole ? "a whole number" : "a number"
    } from ${min} to ${max}, not ${value}`,
  );
}

function checkType(
  name: string,
  value: unknown,
  types: readonly string[],
): void {
  const type: string = value instanceof AbortSignal
    ? "AbortSignal"
    : typeof value;
  if (types.includes(type)) return;
  throw new TypeError(`${name} is ${types.join(" or ")}, not ${shown(value)}`);
}
