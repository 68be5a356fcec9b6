import { abortable } from "../../base/async.ts";
import { Failure } from "../../base/failure.ts";
import { isDirectory } from "../../transfer/files/file_status.ts";
import { openFileSource } from "../../transfer/files/reading/file_source.ts";
import { TreeSource } from "../../transfer/files/reading/tree_source.ts";
import {
  type Content,
  SingleSource,
  type Source,
} from "../../transfer/source.ts";
import { offerableName } from "../../transfer/wire/names.ts";
import { timestampOf } from "../../transfer/wire/timestamp.ts";
import { contentOf, shown } from "../streams.ts";

/** A stream of bytes, and what is known of it. */
export interface NamedStream {
  /** The bytes. */
  readonly stream: ReadableStream<Uint8Array>;
  /** The name under which a receiver may save it, without directories. */
  readonly name?: string | undefined;
  /** In bytes. It is a failure if the stream has another. */
  readonly size?: number | undefined;
  /** When it was last changed. */
  readonly mtime?: Date | undefined;
}

/**
 * What can be sent: the path of a file or a directory, or several of them; bytes,
 * a `Blob` or a `File`; a stream of bytes; or anything else that can be read as a
 * {@linkcode Source}. A string is a path and never the content.
 */
export type Sendable =
  | string
  | readonly string[]
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | NamedStream
  | Source;

/** How content is opened. */
export interface OpenOptions {
  /** Whether a stream is resumed after what the receiver has. */
  readonly resume: boolean;
  /** Patterns of what directories are sent without. */
  readonly exclude?: readonly string[] | undefined;
  /** Ends the wait for a named pipe. */
  readonly signal: AbortSignal;
}

/**
 * Opens what is to be sent.
 *
 * @throws {TypeError} if it is nothing that can be sent
 * @throws {Failure} if it cannot be read
 */
export async function openContent(
  content: Sendable,
  { resume, exclude, signal }: OpenOptions,
): Promise<Source> {
  if (content instanceof Uint8Array) {
    return blobSource(new Blob([content as Uint8Array<ArrayBuffer>]));
  }
  if (content instanceof Blob) return blobSource(content);
  if (content instanceof ReadableStream) {
    return streamSource({ stream: content }, resume);
  }
  const paths: unknown = typeof content === "string" ? [content] : content;
  if (isPaths(paths)) {
    // A named pipe opens only when it has a writer
    return await abortable(openPaths(paths, { resume, exclude }), signal);
  }
  if (typeof content === "object" && content !== null) {
    if ("stream" in content && content.stream instanceof ReadableStream) {
      return streamSource(content, resume);
    }
    if ("offer" in content && "entries" in content) return content;
  }
  throw new TypeError(
    `Cannot send ${
      shown(content)
    }: content is a path, paths, bytes, a Blob or a stream`,
  );
}

async function openPaths(
  paths: readonly string[],
  { resume, exclude }: Pick<OpenOptions, "resume" | "exclude">,
): Promise<Source> {
  const [path] = paths;
  if (path === undefined) throw new Failure({ code: "nothing-to-send" });
  return paths.length > 1 || isDirectory(path)
    ? await TreeSource.open(paths, { exclude })
    : await openFileSource(path, { resume });
}

function isPaths(paths: unknown): paths is readonly string[] {
  return Array.isArray(paths) &&
    paths.every((path) => typeof path === "string");
}

function streamSource(
  { stream, name, size, mtime }: NamedStream,
  resume: boolean,
): Source {
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(`Cannot send a stream of ${size} bytes`);
  }
  const entry = { ...entryOf(name, mtime?.getTime()), size };
  return new SingleSource(contentOf(stream), entry, { resumable: resume });
}

/** Bytes that can be read again, and so be resumed. */
function blobSource(blob: Blob): Source {
  let current = contentOf(blob.stream());
  const content: Content = {
    read: (into) => current.read(into),
    seek: (position) => {
      current.close();
      current = contentOf(blob.slice(position).stream());
      return Promise.resolve();
    },
    close: () => current.close(),
  };
  const named = blob instanceof File
    ? entryOf(blob.name, blob.lastModified)
    : {};
  const entry = { ...named, size: blob.size };
  return new SingleSource(content, entry, { resumable: true });
}

function entryOf(name: string | undefined, milliseconds: number | undefined) {
  if (name !== undefined && (/^\.{0,2}$/.test(name) || /[/\0]/.test(name))) {
    throw new TypeError(`Cannot send content under the name "${name}"`);
  }
  const mtime = milliseconds === undefined
    ? undefined
    : timestampOf(Math.floor(milliseconds));
  return {
    ...name !== undefined && { name: offerableName(name) },
    mtime,
  };
}
