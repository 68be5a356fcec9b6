import { Socket } from "../../lib/endpoint/socket/socket.ts";

/** A socket at any port, of which the kernel does what it can. */
export function tunedSocket(hostname: string | undefined): Socket {
  const socket = Socket.bind(hostname, 0);
  socket.tune();
  return socket;
}
