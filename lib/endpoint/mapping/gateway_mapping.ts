import { within } from "../../base/async.ts";
import {
  Mapper,
  type MapperState,
  type Mapping,
} from "../../mapping/mapper.ts";
import { PCP_NONCE_SIZE } from "../../mapping/pcp.ts";
import type { OwnAddress } from "../near/own_addresses.ts";
import { Timer } from "../timer.ts";

/** The port of gateways for PCP and NAT-PMP. */
const GATEWAY_PORT = 5351;
/** Milliseconds for which what has arrived may wait to be read. */
const READING = 20;
/** Bytes of the longest PCP datagram (RFC 6887, section 7). */
const BUFFER_SIZE = 1100;

/** What is mapped, and by which gateway. */
export interface GatewayMappingOptions {
  readonly gateway: string;
  /** This machine's address in the gateway's network. */
  readonly client: OwnAddress;
  /** The UDP port that others are to reach. */
  readonly port: number;
  /** Is called whenever the state or the mapping has changed. */
  readonly onChange: () => void;
}

/** A mapping by one gateway: a socket, and the time. */
export class GatewayMapping {
  readonly #mapper: Mapper;
  readonly #datagrams: Deno.DatagramConn;
  readonly #options: GatewayMappingOptions;
  readonly #timer = new Timer(() => this.#wake());
  readonly #closed = Promise.withResolvers<void>();
  #sending = Promise.resolve();
  #told: [MapperState, Mapping | undefined] = ["asking", undefined];

  /** @throws what Deno throws if the address cannot be bound */
  constructor(options: GatewayMappingOptions) {
    const { client, port } = options;
    this.#options = options;
    this.#datagrams = Deno.listenDatagram({
      transport: "udp",
      hostname: client.hostname,
      port: 0,
    });
    const nonce = crypto.getRandomValues(new Uint8Array(PCP_NONCE_SIZE));
    const wanted = { client: client.bytes, port, nonce };
    this.#mapper = new Mapper(performance.now(), wanted);
    this.#receive();
    this.#flush();
  }

  /** As {@linkcode Mapper.state}. */
  get state(): MapperState {
    return this.#mapper.state;
  }

  /** As {@linkcode Mapper.mapping}. */
  get mapping(): Mapping | undefined {
    return this.#mapper.mapping;
  }

  /** As {@linkcode Mapper.result}. */
  get result(): number | undefined {
    return this.#mapper.result;
  }

  /** The gateway's address. */
  get gateway(): string {
    return this.#options.gateway;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(BUFFER_SIZE);
    const { gateway } = this.#options;
    while (this.state !== "closed") {
      try {
        const [datagram, from] = await this.#datagrams.receive(buffer);
        const { hostname, port } = from as Deno.NetAddr;
        // Others may not answer (RFC 6887, section 8.3)
        if (hostname !== gateway || port !== GATEWAY_PORT) continue;
        this.#mapper.receive(performance.now(), datagram);
      } catch {
        // An ICMP message about a request, or the end
      }
      this.#flush();
    }
  }

  /** An answer that came while this process was busy is read first. */
  async #wake(): Promise<void> {
    await within(READING, this.#closed.promise);
    this.#flush();
  }

  #flush(): void {
    const mapper = this.#mapper;
    for (;;) {
      const datagram = mapper.poll(performance.now());
      if (datagram === undefined) break;
      this.#sending = this.#sending.then(() => this.#send(datagram));
    }
    this.#timer.set(mapper.deadline, performance.now());
    const [state, mapping] = this.#told;
    if (state !== mapper.state || !isSame(mapping, mapper.mapping)) {
      this.#told = [mapper.state, mapper.mapping];
      this.#options.onChange();
    }
    if (mapper.state === "closed") this.#closed.resolve();
  }

  async #send(datagram: Uint8Array): Promise<void> {
    const to = {
      transport: "udp",
      hostname: this.#options.gateway,
      port: GATEWAY_PORT,
    } as const;
    // It counts as lost
    await this.#datagrams.send(datagram, to).catch(() => {});
  }

  /** Has the mapping deleted, and waits a little for that. */
  async close(): Promise<void> {
    this.#mapper.close(performance.now());
    this.#flush();
    await this.#closed.promise;
    await this.#sending;
    this.#timer.clear();
    this.#datagrams.close();
  }
}

function isSame(one: Mapping | undefined, other: Mapping | undefined): boolean {
  return one?.address === other?.address && one?.port === other?.port;
}
