import {
  uint16At,
  uint32At,
  writeUint16,
  writeUint32,
} from "../base/integers.ts";
import { mappedIp } from "../base/ip_address.ts";

/** RFC 6887, sections 7 and 11: the Port Control Protocol, of which only MAP is used. */
const VERSION = 2;
const MAP = 1;
const RESPONSE = 0x80;
const UDP = 17;
const HEADER_SIZE = 24;
const MESSAGE_SIZE = 60;
/** Bytes of a nonce. */
export const PCP_NONCE_SIZE = 12;
const NONCE_AT = HEADER_SIZE;
const PROTOCOL_AT = 36;
const INTERNAL_PORT_AT = 40;
const EXTERNAL_PORT_AT = 42;
const EXTERNAL_ADDRESS_AT = 44;

/** Result codes (section 7.4). */
export const PcpResult = { SUCCESS: 0, UNSUPPORTED_VERSION: 1 } as const;

export interface PcpRequest {
  /** The address of this machine, as the gateway sees it. */
  readonly client: Uint8Array;
  /** Random bytes, the same for all requests about a mapping. */
  readonly nonce: Uint8Array;
  readonly port: number;
  /** The port outside that is preferred, 0 for any. */
  readonly externalPort: number;
  /** Seconds; 0 deletes the mapping. */
  readonly lifetime: number;
}

/** What the gateway says. */
export interface PcpResponse {
  readonly result: number;
  /** Seconds: of the mapping, or for which an error will stay. */
  readonly lifetime: number;
  /** What the response is about; undefined where it does not say. */
  readonly map:
    | {
      readonly nonce: Uint8Array;
      readonly port: number;
      readonly externalPort: number;
      /** In IPv6's form. */
      readonly externalAddress: Uint8Array;
    }
    | undefined;
}

/** Makes a request to map a UDP port. */
export function encodePcp(request: PcpRequest): Uint8Array<ArrayBuffer> {
  const datagram = new Uint8Array(MESSAGE_SIZE);
  const { client, nonce, port, externalPort, lifetime } = request;
  datagram.set([VERSION, MAP]);
  writeUint32(datagram, 4, lifetime);
  datagram.set(mappedIp(client), 8);
  datagram.set(nonce, NONCE_AT);
  datagram[PROTOCOL_AT] = UDP;
  writeUint16(datagram, INTERNAL_PORT_AT, port);
  writeUint16(datagram, EXTERNAL_PORT_AT, externalPort);
  // All zeros of the client's family (section 11.1)
  const any = mappedIp(new Uint8Array(client.length));
  datagram.set(any, EXTERNAL_ADDRESS_AT);
  return datagram;
}

/** Reads a response; `undefined` if the datagram is none of PCP, or not to a MAP of UDP. */
export function decodePcp(datagram: Uint8Array): PcpResponse | undefined {
  if (datagram.length < HEADER_SIZE || datagram[0] !== VERSION) {
    return undefined;
  }
  if (datagram[1] !== (RESPONSE | MAP)) return undefined;
  const result = datagram[3]!;
  const lifetime = uint32At(datagram, 4);
  if (datagram.length < MESSAGE_SIZE) {
    const isError = result !== PcpResult.SUCCESS;
    return isError ? { result, lifetime, map: undefined } : undefined;
  }
  if (datagram[PROTOCOL_AT] !== UDP) return undefined;
  const map = {
    nonce: datagram.slice(NONCE_AT, NONCE_AT + PCP_NONCE_SIZE),
    port: uint16At(datagram, INTERNAL_PORT_AT),
    externalPort: uint16At(datagram, EXTERNAL_PORT_AT),
    externalAddress: datagram.slice(EXTERNAL_ADDRESS_AT, MESSAGE_SIZE),
  };
  return { result, lifetime, map };
}
