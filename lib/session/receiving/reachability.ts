import type { Endpoint } from "../../endpoint/endpoint.ts";
import { PortMapping } from "../../endpoint/mapping/port_mapping.ts";
import { Answering } from "../../endpoint/near/answering.ts";
import { numberOf } from "../../secure/code/code.ts";
import type { Security } from "../../secure/security.ts";
import type { SessionOptions } from "../options.ts";

/** Settings of {@linkcode Reachability}. */
interface ReachabilityOptions
  extends Pick<SessionOptions, "security" | "bind" | "on"> {
  /** Whether the gateway is asked to map the receiver's port. */
  readonly map?: boolean | undefined;
}

/** What makes a receiver reachable for those who do not know its address, or have no way to it. */
export class Reachability implements AsyncDisposable {
  readonly #answering: Answering | undefined;
  readonly #mapping: PortMapping | undefined;

  constructor(
    endpoint: Endpoint,
    security: Security,
    { security: wanted, bind, map, on = () => {} }: ReachabilityOptions,
  ) {
    const { port } = endpoint;
    const isNew = wanted?.mode === "code" && wanted.code === undefined;
    const wantsCode = security.mode === "code";
    const newCode = isNew && wantsCode ? security.code : undefined;
    if (security.mode === "code") {
      const number = numberOf(security.code);
      this.#answering = new Answering(endpoint, { number, bind });
    }
    if (map) {
      this.#mapping = new PortMapping({
        port,
        bind,
        onChange: (outcome) =>
          "why" in outcome
            ? on({ type: "not-mapped", ...outcome })
            : on({ type: "mapped", ...outcome, newCode, wantsCode }),
      });
    }
  }

  /** To be done before the endpoint is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#answering?.close(), this.#mapping?.close()]);
  }
}
