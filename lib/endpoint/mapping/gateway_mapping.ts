import { within } from "../../base/async.ts";
import { Mapper } from "../../mapping/mapper.ts";
import type { Mapped, Unmapped } from "../../mapping/outcome.ts";
import { PCP_NONCE_SIZE } from "../../mapping/pcp.ts";
import type { OwnAddress } from "../near/own_addresses.ts";
import { SideSocket } from "../side_socket.ts";
import { Timer } from "../timer.ts";

/** The port of gateways for PCP and NAT-PMP. */
const GATEWAY_PORT = 5351;
/** Milliseconds for which what has arrived may wait to be read. */
const READING = 20;

/** What is mapped, and by which gateway. */
export interface GatewayMappingOptions {
  readonly gateway: string;
  /** This machine's address in the gateway's network. */
  readonly client: OwnAddress;
  /** The UDP port that others are to reach. */
  readonly port: number;
  /** Is called whenever the outcome has changed. */
  readonly onChange: (outcome: Mapped | Unmapped) => void;
}

/** A mapping by one gateway: a socket, and the time. */
export class GatewayMapping {
  readonly #mapper: Mapper;
  readonly #socket: SideSocket;
  readonly #options: GatewayMappingOptions;
  readonly #timer = new Timer(() => this.#wake());
  readonly #closed = Promise.withResolvers<void>();
  /** What is mapped, or else the state, as it was told last. */
  #told = "asking";

  /** @throws what Deno throws if the address cannot be bound */
  constructor(options: GatewayMappingOptions) {
    const { client, gateway, port } = options;
    this.#options = options;
    const address = { hostname: client.hostname, port: 0 };
    this.#socket = new SideSocket(address, (datagram, from) => {
      // Others may not answer (RFC 6887, section 8.3)
      if (from.hostname !== gateway || from.port !== GATEWAY_PORT) return;
      this.#mapper.receive(performance.now(), datagram);
      this.#flush();
    });
    const nonce = crypto.getRandomValues(new Uint8Array(PCP_NONCE_SIZE));
    const wanted = { client: client.bytes, port, nonce };
    this.#mapper = new Mapper(performance.now(), wanted);
    this.#flush();
  }

  /** An answer that came while this process was busy is read first. */
  async #wake(): Promise<void> {
    await within(READING, this.#closed.promise);
    this.#flush();
  }

  #flush(): void {
    const mapper = this.#mapper;
    const { gateway, onChange } = this.#options;
    for (;;) {
      const datagram = mapper.poll(performance.now());
      if (datagram === undefined) break;
      this.#socket.send(datagram, gateway, GATEWAY_PORT);
    }
    this.#timer.set(mapper.deadline, performance.now());
    const { state, mapping } = mapper;
    const news = mapping ? `${mapping.address} ${mapping.port}` : state;
    if (news !== this.#told) {
      this.#told = news;
      onChange(outcomeOf(mapper, gateway));
    }
    if (state === "closed") this.#closed.resolve();
  }

  /** Has the mapping deleted, and waits a little for that. */
  async close(): Promise<void> {
    this.#mapper.close(performance.now());
    this.#flush();
    await this.#closed.promise;
    this.#timer.clear();
    await this.#socket.close();
  }
}

function outcomeOf(
  { state, mapping, result }: Mapper,
  gateway: string,
): Mapped | Unmapped {
  if (mapping !== undefined) return { ...mapping, gateway };
  return state === "refused" || state === "expired"
    ? { why: state, gateway, result }
    : { why: "silent", gateway };
}
