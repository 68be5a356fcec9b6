import { Failure } from "../base/failure.ts";
import { firstOf } from "../endpoint/abortable.ts";
import type { Endpoint } from "../endpoint/endpoint.ts";
import { makeCode, normalCode } from "../secure/code.ts";
import type { Security } from "../secure/secure_channel.ts";
import { reachableAddresses } from "./addresses.ts";
import { Admission, type Admitted } from "./admission.ts";
import { formatSeconds } from "./format.ts";
import { type Listener, listenerOf, type Summary } from "./listener.ts";
import {
  DEFAULT_PORT,
  endpointFor,
  securityOf,
  type SessionOptions,
  signalOf,
  type WantedSecurity,
} from "./options.ts";
import { take } from "./take.ts";
import { type Destination, openTarget } from "./target.ts";

/** Settings of {@linkcode receive}. */
export interface ReceiveOptions extends SessionOptions {
  /** Where it goes: a directory, a file or a stream. */
  readonly to: Destination;
  /**
   * How long to wait for a sender, in milliseconds.
   * @default {as long as it takes}
   */
  readonly wait?: number;
  /** Hears of what happens. */
  readonly on?: Partial<Listener>;
}

/**
 * Waits for a sender and receives what it sends.
 *
 * @returns what was received, once it is stored and verified
 * @throws {Failure} unless everything was stored
 */
export async function receive(options: ReceiveOptions): Promise<Summary> {
  const listener = listenerOf(options.on);
  const target = await openTarget(options.to);
  try {
    const { port = DEFAULT_PORT } = options;
    const endpoint = endpointFor(options, port);
    try {
      const security = settled(securityOf(options));
      tellWhoMaySend(options, security, endpoint.port, listener);
      const admission = new Admission(
        security,
        listener.notice,
        () => listener,
      );
      const admitted = await admit(endpoint, admission, options);
      return await take(admitted, target, options);
    } finally {
      await endpoint.close();
    }
  } finally {
    target.discard();
  }
}

/** Makes up the code that is wanted and missing. */
export function settled(wanted: WantedSecurity): Security {
  if (wanted.mode !== "code") return wanted;
  const { code } = wanted;
  const settled = code === undefined ? makeCode() : normalCode(code);
  return { mode: "code", code: settled };
}

/** Says where this side can be reached, and by whom. */
export function tellWhoMaySend(
  options: SessionOptions,
  security: Security,
  port: number,
  listener: Pick<Listener, "listening" | "notice">,
): void {
  const wanted = securityOf(options);
  const isNew = wanted.mode === "code" && wanted.code === undefined;
  const newCode = isNew && security.mode === "code" ? security.code : undefined;
  const addresses = reachableAddresses(options.bind);
  listener.listening({ port, addresses, newCode });
  if (security.mode !== "encrypted") return;
  listener.notice(
    `Anyone who reaches port ${port} may send; --code lets in only who knows a code`,
  );
}

/** Waits for a sender who may send, for `wait` milliseconds at most. */
async function admit(
  endpoint: Endpoint,
  admission: Admission,
  options: ReceiveOptions,
): Promise<Admitted> {
  const { wait } = options;
  const late = new AbortController();
  const timer = wait === undefined ? undefined : setTimeout(() => {
    const seconds = formatSeconds(wait);
    late.abort(new Failure("no-answer", `Nobody sent anything in ${seconds}`));
  }, wait);
  const ends = [signalOf(options), late.signal, admission.over];
  try {
    return await endpoint.admit(
      (channel) => admission.judge(channel),
      firstOf(ends),
    );
  } finally {
    clearTimeout(timer);
  }
}
