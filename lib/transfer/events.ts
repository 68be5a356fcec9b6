import type { Omission } from "./source.ts";
import type { Total } from "./wire/messages.ts";

/** What happens in the course of a transfer. A `path` is of an entry of a tree. */
export type TransferEvent =
  /** The turn of this file has come, after so many files and bytes of content. */
  | {
    readonly type: "entry";
    readonly path: string;
    readonly files: number;
    readonly bytes: number;
  }
  /** The sender has counted all of a tree. */
  | ({ readonly type: "total" } & Total)
  /** Bytes that are at the receiver already and are not sent. */
  | {
    readonly type: "kept";
    readonly bytes: number;
    readonly path?: string | undefined;
    /** Whether they are a file that was there before, and not left by an earlier attempt. */
    readonly existing?: boolean;
  }
  /** The receiver has something else, and all of the file is sent. */
  | { readonly type: "restarted"; readonly path?: string | undefined }
  | ({ readonly type: "omitted" } & Omission)
  /** The sender could not send this many entries. */
  | { readonly type: "incomplete"; readonly omitted: number };
