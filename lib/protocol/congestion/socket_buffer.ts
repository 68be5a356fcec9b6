/** Bytes of memory that Linux gives a socket's receive buffer by default (net.core.rmem_default). */
export const DEFAULT_SOCKET_MEMORY = 212_992;
/** Bytes that a datagram takes in the kernel beside its own: headers, and what describes it. */
const OVERHEAD = 448;
const DESCRIPTOR = 256;
/** The share of it that is counted on: Linux gives memory back late, up to a quarter of it. */
const SHARE = 0.7;

/** The largest datagram of which a fair number fits into the buffer, in bytes: beyond it, each takes twice the memory. */
export const LARGEST_USEFUL_DATAGRAM = 2 ** 14 - OVERHEAD;

/**
 * How many datagrams of `size` bytes may wait for a process that is busy, if
 * its socket has so many bytes of memory. The kernel charges each datagram for
 * a power of two of memory, and drops in silence what comes when there is none
 * left.
 */
export function socketBuffer(
  size: number,
  socketMemory = DEFAULT_SOCKET_MEMORY,
): number {
  const memory = 2 ** Math.ceil(Math.log2(size + OVERHEAD)) + DESCRIPTOR;
  return Math.max(2, Math.floor(SHARE * socketMemory / memory));
}
