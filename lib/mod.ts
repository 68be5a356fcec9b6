/**
 * Sends bytes, files and directories from one machine to another over UDP,
 * reliably and encrypted. The command line is built on it.
 *
 * @example A file, from one process to another
 * ```ts
 * import { receive, send } from "./mod.ts";
 *
 * const directory = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${directory}/note.txt`, "Hello");
 * await Deno.mkdir(`${directory}/incoming`);
 *
 * const receiving = receive({
 *   port: 5010,
 *   to: { directory: `${directory}/incoming` },
 *   consent: ({ names }) => Promise.resolve(names[0] === "note.txt"),
 * });
 * const sent = await send("127.0.0.1", {
 *   port: 5010,
 *   content: `${directory}/note.txt`,
 *   progressInterval: 100,
 *   on: (event) => {
 *     if (event.type === "progress") console.log(`${event.bytes} bytes`);
 *   },
 * });
 * const received = await receiving;
 * if (received.sha256 !== sent.sha256) throw new Error("This cannot be");
 * await Deno.remove(directory, { recursive: true });
 * ```
 *
 * @example A stream, let in by a code, that ends when it takes too long
 * ```ts
 * import { receive, send } from "./mod.ts";
 *
 * const security = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
 * const signal = AbortSignal.timeout(60_000);
 * const { readable, writable } = new TransformStream<Uint8Array>();
 * const receiving = receive({ port: 5011, security, signal, to: writable });
 *
 * const content = new Blob(["some bytes"]).stream();
 * const sending = send("127.0.0.1", { port: 5011, security, signal, content });
 * const text = await new Response(readable).text();
 * await Promise.all([sending, receiving]);
 * if (text !== "some bytes") throw new Error("This cannot be");
 * ```
 *
 * @example One transfer after another, until it is told to stop
 * ```ts
 * import { receiveAll, send } from "./mod.ts";
 *
 * const directory = await Deno.makeTempDir();
 * const stop = new AbortController();
 * const names: (string | undefined)[] = [];
 * const serving = receiveAll({
 *   port: 5012,
 *   to: { directory },
 *   // Only with a code is it known who sends
 *   security: { mode: "code", code: "17-walnut-copper-lagoon" },
 *   signal: stop.signal,
 *   on: (event) => {
 *     if (event.type === "done") names.push(event.name);
 *     if (event.type === "failed") {
 *       console.log(`${event.transfer}: ${event.failure.code}`);
 *     }
 *   },
 * });
 * for (const text of ["one", "two"]) {
 *   const content = new Blob([text]).stream();
 *   const security = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
 *   await send("127.0.0.1", { port: 5012, security, content });
 * }
 * stop.abort();
 * await serving.catch(() => {});
 * if (names.length !== 2) throw new Error("This cannot be");
 * await Deno.remove(directory, { recursive: true });
 * ```
 *
 * @module
 */
export {
  type Circumstances,
  Failure,
  type FailureCode,
  type FailureData,
  type FailureDetail,
  type NameRule,
  type NoDetail,
  type OmissionReason,
  type PeerCode,
  type PeerReason,
  type PeerSilence,
  type RefusedOffer,
  type SystemProblem,
  type WriteProblem,
} from "./base/failure.ts";
export type { Mapping } from "./mapping/mapper.ts";
export type { Mapped, Unmapped } from "./mapping/outcome.ts";
export type { ControllerName } from "./protocol/congestion/controllers.ts";
export type { TraceEvent } from "./protocol/connection/trace.ts";
export type { DropReason } from "./protocol/connection/verdict.ts";
export type { Unacceptable } from "./protocol/receiving/receive_buffer.ts";
export type { Malformation } from "./protocol/wire/segment.ts";
export type { AskCode } from "./session/sending/connect.ts";
export type {
  AskConsent,
  ConfirmReceiver,
  Consent,
  OfferRequest,
  ReceiverRequest,
} from "./session/consent.ts";
export type {
  Agreement,
  EventData,
  EventType,
  Listening,
  OnEvent,
  Progress,
  SessionEvent,
  Summary,
} from "./session/events.ts";
export type { SessionOptions, WantedSecurity } from "./session/options.ts";
export {
  receive,
  type ReceiveOptions,
  type ReceiverOptions,
} from "./session/receive.ts";
export { send, type SendOptions } from "./session/send.ts";
export { receiveAll, type ReceiveAllOptions } from "./session/serve.ts";
export type {
  Destination,
  ResolvedDestination,
} from "./session/destination.ts";
export type {
  CommitOptions,
  FileSink,
  Found,
  Inventory,
  Sink,
} from "./transfer/sink.ts";
export type {
  Content,
  FileStep,
  Measure,
  Omission,
  Source,
  SourceFile,
  Step,
} from "./transfer/source.ts";
export type {
  DirectoryEntry,
  FileEntry,
  LinkEntry,
} from "./transfer/wire/entries.ts";
export type { Owner } from "./transfer/files/writing/staging.ts";
export type {
  Attempt,
  Digest,
  Offer,
  OfferKind,
} from "./transfer/wire/messages.ts";
export type { Timestamp } from "./transfer/wire/timestamp.ts";
