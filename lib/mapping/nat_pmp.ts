import {
  uint16At,
  uint32At,
  writeUint16,
  writeUint32,
} from "../base/integers.ts";

/** RFC 6886, section 3: the NAT Port Mapping Protocol. */
const VERSION = 0;
const ADDRESS = 0;
const MAP_UDP = 1;
const RESPONSE = 128;
const ADDRESS_SIZE = 12;
const MAP_SIZE = 16;

/** A mapping that is asked for. */
export interface NatPmpRequest {
  readonly port: number;
  /** The port outside that is preferred. */
  readonly externalPort: number;
  /** Seconds; 0 deletes the mapping. */
  readonly lifetime: number;
}

/** What the gateway says. */
export type NatPmpResponse =
  | {
    readonly about: "address";
    readonly result: number;
    readonly address: Uint8Array;
  }
  | ({ readonly about: "map"; readonly result: number } & NatPmpRequest)
  /** Of something else, or of nothing that it knows. */
  | { readonly about: undefined; readonly result: number };

/** Makes a request for the gateway's address outside (section 3.2). */
export function encodeAddressRequest(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(VERSION, ADDRESS);
}

/** Makes a request to map a UDP port (section 3.3). */
export function encodeNatPmp(
  { port, externalPort, lifetime }: NatPmpRequest,
): Uint8Array<ArrayBuffer> {
  const datagram = new Uint8Array(12);
  datagram.set([VERSION, MAP_UDP]);
  writeUint16(datagram, 4, port);
  // For deletion it is 0 (section 3.4)
  if (lifetime > 0) writeUint16(datagram, 6, externalPort);
  writeUint32(datagram, 8, lifetime);
  return datagram;
}

/** Reads a response; `undefined` if the datagram is none of NAT-PMP. */
export function decodeNatPmp(datagram: Uint8Array): NatPmpResponse | undefined {
  const [version, opcode = 0] = datagram;
  if (version !== VERSION || opcode < RESPONSE || datagram.length < 8) {
    return undefined;
  }
  const result = uint16At(datagram, 2);
  if (opcode === RESPONSE + ADDRESS && datagram.length >= ADDRESS_SIZE) {
    return { about: "address", result, address: datagram.slice(8, 12) };
  }
  if (opcode === RESPONSE + MAP_UDP && datagram.length >= MAP_SIZE) {
    return {
      about: "map",
      result,
      port: uint16At(datagram, 8),
      externalPort: uint16At(datagram, 10),
      lifetime: uint32At(datagram, 12),
    };
  }
  return result === 0 ? undefined : { about: undefined, result };
}
