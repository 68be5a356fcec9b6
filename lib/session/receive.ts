import { makeCode, normalCode } from "../secure/code/code.ts";
import type { Security } from "../secure/security.ts";
import { reachableAddresses } from "./addresses.ts";
import { Admission } from "./admission.ts";
import { chooseSender, MAX_ASKED } from "./choose_sender.ts";
import { type Consent, needsConsent } from "./consent.ts";
import type { OnEvent, SessionEvent, Summary } from "./events.ts";
import {
  DEFAULT_PORT,
  endpointFor,
  securityOf,
  type SessionOptions,
  type WantedSecurity,
} from "./options.ts";
import { receiveOne } from "./receive_one.ts";
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
  /**
   * Who decides on what is offered, under a name of the sender's choice, by
   * somebody whom no code vouches for.
   * @default {nobody: it is refused}
   */
  readonly consent?: Consent | undefined;
}

/**
 * Waits for a sender and receives what it sends.
 *
 * @returns what was received, once it is stored and verified
 * @throws {Failure} unless everything was stored
 */
export async function receive(options: ReceiveOptions): Promise<Summary> {
  const { on = () => {} } = options;
  const target = await openTarget(options.to);
  try {
    const { port = DEFAULT_PORT, consent } = options;
    const asks = needsConsent(options, target) && consent !== "yes";
    const places = asks ? MAX_ASKED : 1;
    const endpoint = endpointFor(options, port, places);
    try {
      const security = settled(securityOf(options));
      tellWhereToSend(options, security, endpoint.port, on);
      if (security.mode === "encrypted") {
        const { takesNames } = target;
        on(admits(endpoint.port, takesNames, consent));
      }
      const admission = new Admission({
        security,
        asks,
        on,
      });
      const admitted = await chooseSender(endpoint, admission, {
        ...options,
        target,
        on,
      });
      return await receiveOne(admitted, target, options);
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

/** Says where this side can be reached. */
export function tellWhereToSend(
  options: SessionOptions,
  security: Security,
  port: number,
  on: OnEvent,
): void {
  const wanted = securityOf(options);
  const isNew = wanted.mode === "code" && wanted.code === undefined;
  const newCode = isNew && security.mode === "code" ? security.code : undefined;
  const addresses = reachableAddresses(options.bind);
  on({ type: "listening", port, addresses, newCode });
}

/** What is let in without a code. */
export function admits(
  port: number,
  takesNames: boolean,
  consent: Consent | undefined,
): SessionEvent<"admits"> {
  const what = !takesNames || consent === "yes"
    ? "all"
    : consent === undefined
    ? "unnamed"
    : "offers";
  return { type: "admits", port, what };
}
