import { frame } from "../../base/frame.ts";
import {
  Failure,
  type FailureCode,
  type FailureDetail,
  type PeerCode,
  type PeerReason,
} from "../../base/failure.ts";
import { Fields, FieldWriter, Tag } from "./fields.ts";
import { FrameType } from "./frame.ts";
import { TRANSFER_VERSION, versionMismatch } from "./messages.ts";
import { shownText } from "./names.ts";

/** The codes that REASON can give; the number is the index. */
const REASONS: readonly PeerCode[] = [
  "unspecified",
  "version-mismatch",
  "malformed",
  "exists",
  "cannot-write",
  "disk-full",
  "output-closed",
  "corrupt",
  "read-failed",
  "name-refused",
  "needs-directory",
  "is-directory",
  "read-only",
  "not-permitted",
  "in-use",
  "declined",
  "no-consent",
  "hidden-name",
  "busy",
];

/** What a peer is told of failures that it need not tell apart. */
const COARSE: { readonly [C in FailureCode]?: PeerCode } = {
  "not-directory": "exists",
  "names-collide": "exists",
  "is-link": "cannot-write",
  "is-special": "cannot-write",
  "partial-removed": "cannot-write",
  "staging-replaced": "cannot-write",
  "too-many-names": "cannot-write",
  "stored-corrupt": "corrupt",
};

/** Characters of a path that a peer is told. */
const MAX_PATH_LENGTH = 200;

/**
 * Encodes a REFUSE, FAILED or ABORT frame. It says nothing of this machine.
 *
 * @param path the entry that it is about, as the sender named it
 */
export function encodeFailure(
  type: number,
  { code }: Pick<FailureDetail, "code">,
  path?: string,
): Uint8Array {
  const reason = REASONS.indexOf(COARSE[code] ?? code as PeerCode);
  const fields = new FieldWriter().uint8(Tag.REASON, Math.max(0, reason));
  if (code === "version-mismatch") fields.uint8(Tag.VERSION, TRANSFER_VERSION);
  if (path !== undefined) {
    fields.text(Tag.PATH, path.slice(0, MAX_PATH_LENGTH));
  }
  return frame(type, fields.finish());
}

/**
 * Decodes the body of a REFUSE, FAILED or ABORT frame to the failure of this
 * side that it amounts to.
 */
export function decodeFailure(type: number, body: Uint8Array): Failure {
  const fields = new Fields(body);
  const code = REASONS[fields.uint8(Tag.REASON) ?? 0] ?? "unspecified";
  if (type === FrameType.REFUSE && code === "version-mismatch") {
    return versionMismatch(fields.uint8(Tag.VERSION));
  }
  const path = fields.bytes(Tag.PATH);
  const reason: PeerReason = path === undefined
    ? { code }
    : { code, name: shownText(path) };
  if (type === FrameType.REFUSE) {
    return new Failure({ code: "peer-refused", reason });
  }
  const by = type === FrameType.ABORT ? "sender" : "receiver";
  return new Failure({ code: "peer-failed", by, reason });
}
