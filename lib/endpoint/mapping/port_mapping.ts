import { parseIp } from "../../base/ip_address.ts";
import type { Mapped, Unmapped } from "../../mapping/outcome.ts";
import { isOnLink, ownAddresses } from "../near/own_addresses.ts";
import { GatewayMapping } from "./gateway_mapping.ts";
import { defaultGateways } from "./gateways.ts";

/** What is mapped, and who is told. */
export interface PortMappingOptions {
  /** The UDP port that others are to reach. */
  readonly port: number;
  /** The only address that the port is open at. */
  readonly bind: string | undefined;
  /** Is called with each change. */
  readonly onChange: (outcome: Mapped | Unmapped) => void;
}

/** Has a default gateway lead a port of its own to one of this machine. */
export class PortMapping {
  readonly #options: PortMappingOptions;
  /** Gateways that were asked: one that answers too late is told so. */
  readonly #asked: GatewayMapping[] = [];
  readonly #done: Promise<void>;
  #closed = false;

  constructor(options: PortMappingOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const { onChange } = this.#options;
    let outcome: Mapped | Unmapped = { why: "no-gateway" };
    for (const gateway of defaultGateways()) {
      const found = await this.#ask(gateway);
      if (this.#closed) return;
      if (found === undefined) continue;
      outcome = found;
      if (!("why" in found)) break;
    }
    onChange(outcome);
  }

  /** Asks one gateway; `undefined` where this machine has no address in its network. */
  async #ask(gateway: string): Promise<Mapped | Unmapped | undefined> {
    const { port, bind, onChange } = this.#options;
    const client = ownAddresses(bind).find((own) => isOnLink(gateway, [own]));
    if (client === undefined || parseIp(gateway)?.length !== 4) {
      return undefined;
    }
    const first = Promise.withResolvers<Mapped | Unmapped>();
    let isTold = false;
    try {
      const asked = new GatewayMapping({
        gateway,
        client,
        port,
        onChange: (outcome) => {
          first.resolve(outcome);
          if (isTold && !this.#closed) onChange(outcome);
        },
      });
      this.#asked.push(asked);
    } catch {
      // The address is gone again
      return undefined;
    }
    const outcome = await first.promise;
    isTold = !("why" in outcome);
    return outcome;
  }

  /** Has everything deleted that was mapped. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#asked.map((asked) => asked.close()));
    await this.#done;
  }
}
