import { frame, FRAME_HEADER_SIZE } from "../../base/frame.ts";
import { Failure } from "../../base/failure.ts";
import { concat, HASH_SIZE } from "./key_schedule.ts";
import { KEY_SHARE_SIZE } from "./key_share.ts";

/** Record types; `README.md` specifies their bodies. */
export const RecordType = {
  HELLO: 0x11,
  FINISHED: 0x12,
  REFUSE: 0x13,
  DATA: 0x14,
  END: 0x15,
} as const;

/** The largest body of a handshake message, in bytes. */
export const MAX_HANDSHAKE_MESSAGE = 256;
/** Bytes of a CPace share. */
const CPACE_SHARE_SIZE = 32;
export const CHANNEL_VERSION = 2;
/** Flag of a server's HELLO: a person is asked before anything is accepted. */
const ASKS = 0x01;

/** How a side wants to talk. */
export type Mode = "plain" | "encrypted" | "code";

/** Modes by their numbers. */
const MODES: readonly Mode[] = ["plain", "encrypted", "code"];

/** The body of a client's HELLO. */
export interface ClientHello extends Shares {
  /** The SHA-256 of the nonce that its FINISHED reveals; empty in plain mode. */
  readonly commitment: Uint8Array;
}

/** The body of a server's HELLO. */
export interface ServerHello extends ClientHello {
  /** Whether a person is asked before anything is accepted. */
  readonly asks: boolean;
}

/** The key shares of a HELLO, as its mode has them. */
export interface Shares {
  readonly mode: Mode;
  /** A public key of X25519; empty in plain mode. */
  readonly keyShare: Uint8Array;
  /** Ya or Yb of CPace; empty unless the mode is `code`. */
  readonly cpaceShare: Uint8Array;
}

/** The body of a FINISHED. */
export interface Finished {
  /** The preimage of the commitment in the HELLO. */
  readonly nonce: Uint8Array;
  readonly verifyData: Uint8Array;
}

export function bodyOf(message: Uint8Array): Uint8Array {
  return message.subarray(FRAME_HEADER_SIZE);
}

export function encodeHello(hello: ClientHello | ServerHello): Uint8Array {
  const { mode, commitment, keyShare, cpaceShare } = hello;
  const flags = "asks" in hello ? [hello.asks ? ASKS : 0] : [];
  const start = Uint8Array.of(CHANNEL_VERSION, MODES.indexOf(mode), ...flags);
  const shares = [commitment, keyShare, cpaceShare];
  return frame(RecordType.HELLO, concat(start, ...shares));
}

/** @throws {Failure} `malformed`, `version-mismatch` */
export function decodeClientHello(body: Uint8Array): ClientHello {
  const { mode, rest } = decodeStart(body);
  return decodeCommitted(mode, rest);
}

/** @throws {Failure} `malformed`, `version-mismatch` */
export function decodeServerHello(body: Uint8Array): ServerHello {
  const { mode, rest } = decodeStart(body);
  const [flags] = rest;
  if (flags === undefined) throw malformedMessage("its hello is too short");
  const asks = (flags & ASKS) !== 0;
  return { asks, ...decodeCommitted(mode, rest.subarray(1)) };
}

function decodeStart(body: Uint8Array): { mode: Mode; rest: Uint8Array } {
  const [version, modeNumber] = body;
  if (version === undefined || modeNumber === undefined) {
    throw malformedMessage("its hello is too short");
  }
  if (version !== CHANNEL_VERSION) {
    throw new Failure({
      code: "version-mismatch",
      layer: "security",
      theirs: version,
      ours: CHANNEL_VERSION,
    });
  }
  const mode = MODES[modeNumber];
  if (mode === undefined) throw malformedMessage("its mode is not known here");
  return { mode, rest: body.subarray(2) };
}

/** Decodes the commitment and the shares, which end both HELLOs. */
function decodeCommitted(mode: Mode, body: Uint8Array): ClientHello {
  const commitmentEnd = mode === "plain" ? 0 : HASH_SIZE;
  const keyEnd = commitmentEnd + (mode === "plain" ? 0 : KEY_SHARE_SIZE);
  const end = keyEnd + (mode === "code" ? CPACE_SHARE_SIZE : 0);
  if (body.length !== end) {
    throw malformedMessage("its hello is of a wrong length");
  }
  return {
    mode,
    commitment: body.slice(0, commitmentEnd),
    keyShare: body.slice(commitmentEnd, keyEnd),
    cpaceShare: body.slice(keyEnd),
  };
}

export function encodeFinished({ nonce, verifyData }: Finished): Uint8Array {
  return frame(RecordType.FINISHED, concat(nonce, verifyData));
}

/** @throws {Failure} `malformed` */
export function decodeFinished(body: Uint8Array): Finished {
  if (body.length !== 2 * HASH_SIZE) {
    throw malformedMessage("its proof is of a wrong length");
  }
  return {
    nonce: body.slice(0, HASH_SIZE),
    verifyData: body.slice(HASH_SIZE),
  };
}

export function encodeRefuse(refusal: number): Uint8Array {
  return frame(RecordType.REFUSE, Uint8Array.of(refusal));
}

/** @throws {Failure} `malformed` */
export function decodeRefuse(body: Uint8Array): number {
  const [refusal] = body;
  if (refusal === undefined || body.length !== 1) {
    throw malformedMessage("its refusal is of a wrong length");
  }
  return refusal;
}

/** The failure of a peer that violates this protocol. */
export function malformedMessage(what: string): Failure {
  return new Failure({ code: "malformed", layer: "security", what });
}
