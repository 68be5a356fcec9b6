/** Bytes of memory that Linux gives a socket's receive buffer by default (net.core.rmem_default). */
const DEFAULT_BUFFER = 212_992;
/** Bytes that a datagram takes in the kernel beside its own: headers, and what describes it. */
const OVERHEAD = 448;
const DESCRIPTOR = 256;
/** The share of the buffer that is counted on: others may send to the socket, too. */
const SHARE = 0.87;

/** The largest datagram of which a fair number fits into the buffer, in bytes: beyond it, each takes twice the memory. */
export const LARGEST_USEFUL_DATAGRAM = 2 ** 14 - OVERHEAD;

/**
 * How many datagrams of `size` bytes may wait for a process that is busy. The
 * kernel charges each for a power of two of memory, and drops in silence what
 * comes when the buffer is full.
 */
export function kernelBuffer(size: number): number {
  const memory = 2 ** Math.ceil(Math.log2(size + OVERHEAD)) + DESCRIPTOR;
  return Math.max(2, Math.floor(SHARE * DEFAULT_BUFFER / memory));
}
