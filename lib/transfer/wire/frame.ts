/** Frame types; the receiver's have the highest bit set. `README.md` specifies their bodies. */
export const FrameType = {
  OFFER: 0x01,
  DATA: 0x02,
  END: 0x03,
  ABORT: 0x04,
  ENTRY: 0x05,
  LEAVE: 0x06,
  PACK: 0x07,
  FILE_DIGEST: 0x08,
  FILE_ABORTED: 0x09,
  QUERY: 0x0a,
  RESUME_AT: 0x0b,
  TOTAL: 0x0c,
  COMPARE: 0x0d,
  ACCEPT: 0x81,
  REFUSE: 0x82,
  DONE: 0x83,
  FAILED: 0x84,
  OFFSETS: 0x85,
  PREFIX_DIGESTS: 0x86,
  COMPARED: 0x87,
} as const;

/** The largest body of a DATA or PACK frame, in bytes. */
export const MAX_DATA_SIZE = 1 << 20;
/** The largest body of any other frame, in bytes. */
export const MAX_BODY_SIZE = 1 << 14;

/** Content is moved in blocks of this many bytes: large for a disk, short to hash. */
export const BLOCK_SIZE = 1 << 18;
/** The largest file that is read and stored at once, in bytes. */
export const SMALL_FILE_SIZE = 1 << 16;
/** Bytes of a SHA-256. */
export const SHA256_SIZE = 32;

/** A whole frame in memory. */
export interface Frame {
  readonly type: number;
  readonly body: Uint8Array;
}

/** The body of a frame that has none. */
export const EMPTY_BODY: Uint8Array = new Uint8Array(0);
