import type { Endpoint } from "../../endpoint/endpoint.ts";
import { Answering } from "../../endpoint/near/answering.ts";
import { numberOf } from "../../secure/code/code.ts";
import type { Security } from "../../secure/security.ts";
import type { SessionOptions } from "../options.ts";

/** What makes a receiver reachable for those who do not know its address. */
export class Reachability implements AsyncDisposable {
  readonly #answering: Answering | undefined;

  /** A receiver with a code answers who asks for its number on the same network. */
  constructor(
    endpoint: Endpoint,
    security: Security,
    { bind }: Pick<SessionOptions, "bind">,
  ) {
    if (security.mode === "code") {
      const number = numberOf(security.code);
      this.#answering = new Answering(endpoint, { number, bind });
    }
  }

  /** Before the endpoint is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#answering?.close();
  }
}
