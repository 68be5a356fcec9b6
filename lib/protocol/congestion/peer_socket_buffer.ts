/** Bytes of memory that Linux gives a socket's receive buffer by default (net.core.rmem_default). */
export const DEFAULT_SOCKET_MEMORY = 212_992;
/** Bytes of headers and alignment that the kernel stores with each datagram. */
const HEADROOM = 448;
/** Bytes of the structure that describes it (sk_buff). */
const DESCRIPTOR = 256;
/** Share of the memory that is counted on: Linux gives up to a quarter of it back late. */
const USABLE_SHARE = 0.7;

/** The largest datagram of which a fair number fits into the buffer, in bytes: beyond it, each takes twice the memory. */
export const LARGEST_USEFUL_DATAGRAM = 2 ** 14 - HEADROOM;

/**
 * Datagrams of `size` bytes that may wait for a busy process whose socket has
 * `socketMemory` bytes. The kernel charges each datagram for a power of two of
 * memory, and drops in silence what does not fit.
 */
export function socketBufferDatagrams(
  size: number,
  socketMemory = DEFAULT_SOCKET_MEMORY,
): number {
  const memory = 2 ** Math.ceil(Math.log2(size + HEADROOM)) + DESCRIPTOR;
  const datagrams = Math.floor(USABLE_SHARE * socketMemory / memory);
  return Math.max(2, datagrams);
}
