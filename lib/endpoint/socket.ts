import { isIPv4 } from "node:net";
import { Failure } from "../base/failure.ts";

/** A bound UDP socket. */
export interface Socket {
  readonly datagrams: Deno.DatagramConn;
  readonly port: number;
  /** Whether it is an IPv6 socket, which reaches IPv4 by mapped addresses. */
  readonly ipv6: boolean;
}

/**
 * Binds a UDP socket; without a hostname to every address of both families
 * where the machine has them.
 *
 * @param port 0 for any
 * @throws {Failure} `input` if the port or the address cannot be used
 */
export function bind(hostname: string | undefined, port: number): Socket {
  if (hostname !== undefined) return open(hostname, port);
  try {
    return open("::", port);
  } catch (error) {
    if (error instanceof Failure) throw error;
    return open("0.0.0.0", port);
  }
}

function open(hostname: string, port: number): Socket {
  try {
    const options = { transport: "udp", hostname, port } as const;
    const datagrams = Deno.listenDatagram(options);
    const bound = datagrams.addr as Deno.NetAddr;
    return { datagrams, port: bound.port, ipv6: !isIPv4(bound.hostname) };
  } catch (cause) {
    throw failureOf(cause, hostname, port);
  }
}

function failureOf(cause: unknown, hostname: string, port: number): unknown {
  if (cause instanceof Deno.errors.AddrInUse) {
    return new Failure(
      "input",
      `Port ${port} is in use: is another ferry receive running? Choose another port`,
      { cause },
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Failure(
      "input",
      `Port ${port} may not be used: choose one from 1024 on`,
      { cause },
    );
  }
  if (hostname === "::") return cause;
  return new Failure(
    "input",
    `Cannot bind to ${hostname}: is it an address of this machine?`,
    { cause },
  );
}
