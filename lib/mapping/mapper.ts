import { formatIp } from "../base/ip_address.ts";
import {
  decodeNatPmp,
  encodeAddressRequest,
  encodeNatPmp,
  type NatPmpResponse,
} from "./nat_pmp.ts";
import { decodePcp, encodePcp, type PcpResponse, PcpResult } from "./pcp.ts";

/** Milliseconds for a gateway to answer; one at home does in a few. */
const PATIENCE = 250;
/** When a request is sent in that time. */
const REQUESTS_AT = [0, 80, 160];
/** Milliseconds for which PCP is waited for once NAT-PMP has answered. */
const PCP_HEAD_START = 100;
/** Seconds of a mapping: not many, should it never be deleted. */
const LIFETIME = 600;
/** Seconds that a gateway may grant, as far as it counts here. */
const MIN_LIFETIME = 10;
const MAX_LIFETIME = 86_400;
/** Share of the lifetime after which a mapping is renewed. */
const RENEWAL = 0.45;
/** Milliseconds between two requests to renew a mapping, first and at most. */
const RENEWAL_INTERVAL = 250;
const MAX_RENEWAL_INTERVAL = 30_000;

/** The port that is to be mapped, and for whom. */
export interface MapperOptions {
  /** This machine's address, as the gateway sees it. */
  readonly client: Uint8Array;
  readonly port: number;
  /** Random bytes. */
  readonly nonce: Uint8Array;
}

/** A port of the gateway that leads to this machine. */
export interface Mapping {
  /** What the gateway speaks. */
  readonly protocol: "PCP" | "NAT-PMP";
  /** The gateway's address outside. */
  readonly address: string;
  /** Its UDP port. */
  readonly port: number;
  /** Seconds. */
  readonly lifetime: number;
}

/** Requests that are sent until there is an answer, or no time is left. */
interface Exchange {
  readonly requests: readonly Uint8Array<ArrayBuffer>[];
  /** When the requests are to be sent next. */
  next: number;
  /** When they are to be sent after that, and so on. */
  interval: (count: number) => number;
  /** How often they were sent. */
  count: number;
  /** When an answer comes too late. */
  readonly until: number;
}

export type MapperState =
  /** The gateway has not answered yet. */
  | "asking"
  | "mapped"
  /** It does not answer. */
  | "silent"
  /** It answers that it does not do it: {@linkcode Mapper.result}. */
  | "refused"
  /** It could not be renewed in time. */
  | "expired"
  | "deleting"
  | "closed";

/**
 * Has a gateway map a UDP port for as long as it is wanted: by PCP, or where the
 * gateway does not know that, by NAT-PMP. Makes datagrams for the gateway and
 * takes its answers.
 */
export class Mapper {
  readonly #options: MapperOptions;
  readonly #pending: Uint8Array<ArrayBuffer>[] = [];
  #state: MapperState = "asking";
  #mapping: Mapping | undefined;
  #result: number | undefined;
  #exchange: Exchange | undefined;
  #protocol: Mapping["protocol"] | undefined;
  /** The gateway's address outside, by NAT-PMP. */
  #address: Uint8Array | undefined;
  #knowsPcp = true;
  #knowsNatPmp = true;
  #askedNatPmp = false;
  /** When NAT-PMP is used in place of PCP. */
  #fallbackAt = Infinity;
  #renewAt = Infinity;
  #expiresAt = Infinity;

  constructor(now: number, options: MapperOptions) {
    this.#options = options;
    this.#begin(now, [this.#pcp(LIFETIME), encodeAddressRequest()]);
  }

  get state(): MapperState {
    return this.#state;
  }

  /** What was granted. */
  get mapping(): Mapping | undefined {
    return this.#mapping;
  }

  /** The result code of a refusal, of the protocol that the gateway speaks. */
  get result(): number | undefined {
    return this.#result;
  }

  /** When {@linkcode poll} is to be called, in milliseconds; `-Infinity` for now. */
  get deadline(): number {
    if (this.#pending.length > 0) return -Infinity;
    const { next = Infinity, until = Infinity } = this.#exchange ?? {};
    return Math.min(next, until, this.#fallbackAt, this.#renewAt);
  }

  /** The next datagram for the gateway, once there is nothing that is due. */
  poll(now: number): Uint8Array<ArrayBuffer> | undefined {
    if (this.#pending.length === 0) this.#wake(now);
    return this.#pending.shift();
  }

  #wake(now: number): void {
    if (now >= this.#renewAt) this.#renew(now);
    if (now >= this.#fallbackAt) this.#fallBack(now);
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (now >= exchange.until) this.#giveUp();
    else if (now >= exchange.next) {
      exchange.next = now + exchange.interval(++exchange.count);
      this.#pending.push(...exchange.requests);
    }
  }

  #begin(now: number, requests: readonly Uint8Array<ArrayBuffer>[]): void {
    const interval = (count: number) =>
      (REQUESTS_AT[count] ?? Infinity) - REQUESTS_AT[count - 1]!;
    const until = now + PATIENCE;
    this.#exchange = { requests, next: now, interval, count: 0, until };
  }

  #renew(now: number): void {
    this.#renewAt = Infinity;
    this.#exchange = {
      requests: [this.#request(LIFETIME)],
      next: now,
      interval: (count) =>
        Math.min(RENEWAL_INTERVAL * 2 ** (count - 1), MAX_RENEWAL_INTERVAL),
      count: 0,
      until: this.#expiresAt,
    };
  }

  /** PCP was not answered, or is not known. */
  #fallBack(now: number): void {
    this.#fallbackAt = Infinity;
    this.#protocol = "NAT-PMP";
    this.#askedNatPmp = true;
    this.#begin(now, [this.#request(LIFETIME)]);
  }

  #giveUp(): void {
    this.#exchange = undefined;
    this.#fallbackAt = Infinity;
    if (this.#state === "deleting") this.#state = "closed";
    else if (this.#state === "asking") {
      this.#state = this.#result === undefined ? "silent" : "refused";
    } else {
      this.#state = "expired";
      this.#mapping = undefined;
    }
  }

  #refuse(result: number): void {
    this.#giveUp();
    if (this.#state !== "closed") this.#state = "refused";
    this.#result = result;
  }

  #pcp(lifetime: number): Uint8Array<ArrayBuffer> {
    const externalPort = this.#mapping?.port ?? this.#options.port;
    return encodePcp({ ...this.#options, externalPort, lifetime });
  }

  #request(lifetime: number): Uint8Array<ArrayBuffer> {
    if (this.#protocol !== "NAT-PMP") return this.#pcp(lifetime);
    const { port } = this.#options;
    const externalPort = this.#mapping?.port ?? port;
    return encodeNatPmp({ port, externalPort, lifetime });
  }

  /** An answer came: to the deletion, unless it grants what was asked for before. */
  #onDeleting(result: number, lifetime: number): void {
    if (result !== 0 || lifetime === 0) this.#giveUp();
  }

  /** Takes a datagram of the gateway. */
  receive(now: number, datagram: Uint8Array): void {
    if (this.#state === "closed") return;
    const pcp = decodePcp(datagram);
    if (pcp !== undefined) return this.#receivePcp(now, pcp);
    const natPmp = decodeNatPmp(datagram);
    if (natPmp !== undefined) this.#receiveNatPmp(now, natPmp);
  }

  #receivePcp(now: number, { result, lifetime, map }: PcpResponse): void {
    if (this.#protocol === "NAT-PMP" || !this.#knowsPcp) return;
    if (result === PcpResult.UNSUPPORTED_VERSION) {
      this.#knowsPcp = false;
      return this.#tryNatPmp(now);
    }
    const { nonce, port } = this.#options;
    if (map === undefined || map.port !== port) return;
    if (!nonce.every((byte, at) => byte === map.nonce[at])) return;
    if (this.#state === "deleting") return this.#onDeleting(result, lifetime);
    if (result !== PcpResult.SUCCESS) return this.#refuse(result);
    this.#protocol = "PCP";
    const address = formatIp(map.externalAddress);
    this.#take(now, { address, port: map.externalPort, lifetime });
  }

  #receiveNatPmp(now: number, response: NatPmpResponse): void {
    if (this.#protocol === "PCP") return;
    switch (response.about) {
      case "address":
        if (this.#state !== "asking") return;
        if (response.result !== 0) {
          this.#knowsNatPmp = false;
          this.#result = response.result;
          if (!this.#knowsPcp) this.#refuse(response.result);
          return;
        }
        this.#address = response.address;
        return this.#tryNatPmp(now);
      case "map": {
        if (!this.#askedNatPmp || response.port !== this.#options.port) return;
        if (this.#state === "deleting") {
          return this.#onDeleting(response.result, response.lifetime);
        }
        if (response.result !== 0) return this.#refuse(response.result);
        const address = formatIp(this.#address!);
        const { externalPort: port, lifetime } = response;
        return this.#take(now, { address, port, lifetime });
      }
      default:
        // It does not know the version of PCP (RFC 6886, section 3.5)
        if (this.#askedNatPmp && this.#state === "asking") {
          return this.#refuse(response.result);
        }
        this.#knowsPcp = false;
        this.#tryNatPmp(now);
    }
  }

  /** Once the gateway is known to speak it, and PCP has had its time. */
  #tryNatPmp(now: number): void {
    if (this.#state !== "asking" || this.#askedNatPmp) return;
    if (this.#address === undefined) {
      if (!this.#knowsNatPmp) this.#refuse(this.#result!);
    } else if (this.#knowsPcp) {
      const { until } = this.#exchange!;
      const start = until - PATIENCE;
      this.#fallbackAt = Math.max(now, start + PCP_HEAD_START);
    } else this.#fallBack(now);
  }

  #take(
    now: number,
    { address, port, lifetime }: Pick<Mapping, "address" | "port" | "lifetime">,
  ): void {
    const isWanted = this.#state === "asking" || this.#state === "mapped";
    // What comes too late nobody was told of
    if (!isWanted) return this.close(now);
    if (port === 0 || lifetime === 0 || /^(0\.0\.0\.0|::)$/.test(address)) {
      return this.#refuse(0);
    }
    const granted = Math.min(Math.max(lifetime, MIN_LIFETIME), MAX_LIFETIME);
    this.#exchange = undefined;
    this.#fallbackAt = Infinity;
    this.#state = "mapped";
    this.#renewAt = now + RENEWAL * 1000 * granted;
    this.#expiresAt = now + 1000 * granted;
    const protocol = this.#protocol!;
    this.#mapping = { protocol, address, port, lifetime: granted };
  }

  /**
   * Deletes the mapping, also one that may have been made without an answer.
   * {@linkcode poll} is to be called until the state is closed.
   */
  close(now: number): void {
    const before = this.#state;
    if (before === "closed" || before === "deleting") return;
    this.#state = "deleting";
    this.#fallbackAt = Infinity;
    this.#renewAt = Infinity;
    const requests = before === "refused" ? [] : this.#deletions();
    // A gateway that is silent is not waited for
    if (requests.length > 0 && before !== "silent") {
      return this.#begin(now, requests);
    }
    this.#pending.push(...requests);
    this.#giveUp();
  }

  /** For each request that may have had an effect. */
  #deletions(): Uint8Array<ArrayBuffer>[] {
    const pcp = this.#protocol === "PCP" || this.#knowsPcp;
    const natPmp = this.#protocol === "NAT-PMP";
    return [
      ...natPmp ? [this.#request(0)] : [],
      ...pcp ? [this.#pcp(0)] : [],
    ];
  }
}
