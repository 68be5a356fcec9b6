/** A UDP address of this machine. */
export function local(port: number, hostname = "127.0.0.1") {
  return { transport: "udp", hostname, port } as const;
}

/** A socket at any port of this machine. */
export function udpSocket(hostname?: string): Deno.DatagramConn {
  return Deno.listenDatagram(local(0, hostname));
}

/** The port of such a socket. */
export function portOf({ addr }: Deno.DatagramConn): number {
  return (addr as Deno.NetAddr).port;
}
