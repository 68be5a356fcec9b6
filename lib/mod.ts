/**
 * Sends bytes, files and directories from one machine to another over UDP,
 * reliably and encrypted. The command line is built on it.
 *
 * {@linkcode send} sends, {@linkcode receive} waits for one sender and
 * {@linkcode serve} for one after another. It runs on Deno alone, from 2.5.7 on.
 *
 * | what a program wants | how |
 * | --- | --- |
 * | to run it | UDP is behind `--unstable-net`, or `"unstable": ["net"]` in `deno.json`; without it everything fails with the code `no-udp` |
 * | permissions | `--allow-net` does for streams and bytes; files need `--allow-read` at a sender, and `--allow-write` too at a receiver; `--allow-ffi` makes it several times as fast on Linux; with `--allow-env=HOME,XDG_STATE_HOME` and `--allow-sys=uid` besides, a sender without a code can go on with what was broken off. None is ever asked for but the first three |
 * | to send | `content`: a path, several, bytes, a `Blob` or `File`, a stream, or `{ stream, name, size, mtime }` |
 * | to receive | `to`: `{ directory }`, `{ file }` or a `WritableStream` |
 * | to choose who may send | `security: { mode: "code", code }`; and `consent`, which is shown every offer and takes or declines it. Without either, a directory takes only what has no name |
 * | progress | `on`, for `progress` events every `progressInterval` milliseconds and a last one at the end; {@linkcode EventData} lists all events |
 * | to end it | `signal`, an `AbortSignal`, whose reason is thrown; a server's `shutdown()` lets transfers end first |
 * | to know what failed | `code` of a {@linkcode Failure}, to switch on; {@linkcode FailureData} lists the codes and the `detail` of each. What the other side found is `peer-refused` or `peer-failed` here, and its own code is `detail.reason.code`: with a wrong code `send` fails with `peer-refused`, for `wrong-code`. What a content's stream throws is thrown as it is, and what a destination's stream throws is the `cause` |
 * | mistakes in arguments | `TypeError` or `RangeError`, at once |
 * | listeners that throw | end what they were given to, which rejects with what they threw |
 *
 * Times are in milliseconds, sizes in bytes, rates in bytes per second.
 *
 * @example A stream with progress, a limit of time, and failures by their codes
 * ```ts
 * import { Failure, receive, send, type SessionEvent } from "@ferry/ferry";
 *
 * const show = (event: SessionEvent) =>
 *   event.type === "progress" && console.log(event.bytes, event.rate);
 *
 * async function deliver(stream: ReadableStream<Uint8Array>, port: number) {
 *   const content = { stream, name: "line.txt" };
 *   const signal = AbortSignal.timeout(2000);
 *   try {
 *     const options = { port, content, signal, timeout: 500, on: show };
 *     return `sent ${(await send("127.0.0.1", options)).bytes} bytes`;
 *   } catch (error) {
 *     if (signal.aborted) return "took too long";
 *     if (!(error instanceof Failure)) throw error;
 *     const { detail } = error;
 *     if (detail.code === "no-answer") return "nobody is there";
 *     if (detail.code === "peer-stopped") return "stopped there";
 *     return detail.code === "peer-refused" ? detail.reason.code : detail.code;
 *   }
 * }
 *
 * const line = () => new Blob(["one line\n"]).stream();
 * receive({ port: 5010, to: new WritableStream() });
 * console.log(await deliver(line(), 5010)); // sent 9 bytes
 * receive({ port: 5009, to: new WritableStream() }).catch(() => {});
 * console.log(await deliver(new ReadableStream(), 5009)); // took too long
 * console.log(await deliver(line(), 5011)); // nobody is there
 * receive({ port: 5012, to: { directory: "." } }).catch(() => {});
 * console.log(await deliver(line(), 5012)); // no-consent
 * ```
 *
 * @example A file, which is accepted by its name
 * ```ts
 * import { receive, send } from "@ferry/ferry";
 *
 * const directory = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${directory}/note.txt`, "Hello");
 * await Deno.mkdir(`${directory}/incoming`);
 *
 * const receiving = receive({
 *   port: 5013,
 *   to: { directory: `${directory}/incoming` },
 *   consent: ({ names, size = 0 }) => names[0] === "note.txt" && size < 1000,
 * });
 * const content = `${directory}/note.txt`;
 * const sent = await send("127.0.0.1", { port: 5013, content });
 * const received = await receiving;
 * if (received.sha256 !== sent.sha256) throw new Error("This cannot be");
 * await Deno.remove(directory, { recursive: true });
 * ```
 *
 * @example Bytes, let in by a code
 * ```ts
 * import { receive, send } from "@ferry/ferry";
 *
 * const security = { mode: "code", code: "17-walnut-copper-lagoon" } as const;
 * const { readable, writable } = new TransformStream<Uint8Array>();
 * const receiving = receive({ port: 5014, security, to: writable });
 *
 * const content = new TextEncoder().encode("some bytes");
 * const sending = send("127.0.0.1", { port: 5014, security, content });
 * const text = await new Response(readable).text();
 * await Promise.all([sending, receiving]);
 * if (text !== "some bytes") throw new Error("This cannot be");
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
export type { PathInUse } from "./protocol/connection/direct_paths.ts";
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
export type { MeetingPoint } from "./session/meeting/meeting_point.ts";
export type { SessionOptions, WantedSecurity } from "./session/options.ts";
export {
  receive,
  type ReceiveOptions,
  type ReceiverOptions,
} from "./session/receive.ts";
export { send, type SendOptions } from "./session/send.ts";
export { serve, type ServeOptions, type Server } from "./session/serve.ts";
export type { NamedStream, Sendable } from "./session/sending/content.ts";
export type {
  Destination,
  ResolvedDestination,
} from "./session/destination.ts";
export type { FileSink, Found, Inventory, Sink } from "./transfer/sink.ts";
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
export type { Owner } from "./transfer/files/writing/target.ts";
export type {
  Attempt,
  Digest,
  Offer,
  OfferKind,
} from "./transfer/wire/messages.ts";
export type { Timestamp } from "./transfer/wire/timestamp.ts";
