import type { Channel } from "../../endpoint/channel.ts";
import { Flag } from "../../protocol/wire/segment.ts";
import type { TraceEvent } from "../../mod.ts";
import { writeFailure } from "../../transfer/files/failures.ts";
import type { CommonOptions } from "../arguments/args.ts";
import { VERSION } from "../arguments/help.ts";
import type { Reporter } from "./reporter.ts";

/** Bytes that are gathered before they are written. */
const CHUNK_SIZE = 2 ** 16;
/** Milliseconds between two looks at a connection's metrics. */
const METRICS_INTERVAL = 1;

type Data = Record<string, unknown>;

/** Whether a report is a qlog rather than a picture. */
export function isQlog(path: string | undefined): path is string {
  return path?.endsWith(".qlog") ?? false;
}

/** What a transfer or several are traced by: `--trace`, and a qlog as a report. */
export class Tracing implements Disposable {
  readonly #qlog: Qlog | undefined;
  /** For the options of a session. */
  readonly trace: ((event: TraceEvent) => void) | undefined;

  /**
   * @param options.sends whether the content goes out rather than comes in
   * @throws {Failure} if the report cannot be written
   */
  constructor(
    { trace, report }: Pick<CommonOptions, "trace" | "report">,
    reporter: Reporter,
    { sends }: { sends: boolean },
  ) {
    const qlog = isQlog(report) ? openQlog(report, sends, reporter) : undefined;
    this.#qlog = qlog;
    if (!trace && qlog === undefined) return;
    this.trace = (datagram) => {
      qlog?.trace(datagram);
      if (trace) reporter.on({ type: "trace", datagram });
    };
  }

  /** A channel whose state is written, too. */
  watch(channel: Channel): void {
    this.#qlog?.watch(channel);
  }

  [Symbol.dispose](): void {
    this.#qlog?.close();
  }
}

function openQlog(path: string, sends: boolean, reporter: Reporter): Qlog {
  const onFailure = () => reporter.on({ type: "report-not-written", path });
  try {
    return new Qlog(path, { sends, onFailure });
  } catch (error) {
    throw writeFailure(path, error).with({ atStart: true });
  }
}

/**
 * Writes what happens to datagrams as a qlog (draft-ietf-quic-qlog-main-schema,
 * version 0.3, in JSON) in the events of QUIC (draft-ietf-quic-qlog-quic-events),
 * which viewers know: a segment is a packet, its payload a frame of stream 0. It
 * is written as it comes, and not kept.
 */
export class Qlog {
  readonly #file: Deno.FsFile;
  readonly #onFailure: () => void;
  #channel: Channel | undefined;
  #start: number | undefined;
  #text: string;
  #first = true;
  #failed = false;
  #looked = -Infinity;
  #metrics: Data = {};
  #state: string | undefined;

  /**
   * @param options.sends whether the content goes out rather than comes in
   * @param options.onFailure is called if it cannot be written
   * @throws what the system throws if the file cannot be made
   */
  constructor(
    path: string,
    { sends, onFailure }: { sends: boolean; onFailure: () => void },
  ) {
    this.#file = Deno.openSync(path, {
      write: true,
      create: true,
      truncate: true,
    });
    this.#onFailure = onFailure;
    const trace = JSON.stringify({
      title: `ferry ${VERSION}`,
      vantage_point: { name: "ferry", type: sends ? "client" : "server" },
      common_fields: {
        protocol_type: ["QUIC"],
        time_format: "relative",
        reference_time: Date.now(),
      },
      events: [],
    }).slice(0, -"]}".length);
    this.#text =
      `{"qlog_format":"JSON","qlog_version":"0.3","title":"ferry","traces":[${trace}\n`;
  }

  /** Has the metrics of this channel written, too: of several those of the last. */
  watch(channel: Channel): void {
    this.#channel = channel;
  }

  /** Writes what happened to a datagram. */
  trace(event: TraceEvent): void {
    this.#start ??= event.time;
    const { what, time } = event;
    switch (what) {
      case "SEND":
        this.#write(event, "transport:packet_sent", packetOf(event));
        break;
      case "RECV":
        this.#write(event, "transport:packet_received", packetOf(event));
        break;
      case "DROP":
        this.#write(event, "transport:packet_dropped", {
          ...packetOf(event),
          trigger: event.reason,
        });
        break;
      case "LOST":
        this.#write(event, "recovery:packet_lost", {
          header: headerOf(event),
          raw: { length: event.size },
        });
    }
    if (this.#channel === undefined) return;
    if (time - this.#looked < METRICS_INTERVAL) return;
    this.#looked = time;
    this.#measure(event, this.#channel);
  }

  /** Completes the file. */
  close(): void {
    this.#text += "]}]}\n";
    this.#flush();
    this.#file.close();
  }

  #measure(event: TraceEvent, channel: Channel): void {
    const { congestionWindow, bytesInFlight, latestRtt, congestionState } =
      channel.stats();
    const metrics: Data = {
      congestion_window: congestionWindow,
      bytes_in_flight: bytesInFlight,
      latest_rtt: latestRtt,
      smoothed_rtt: channel.smoothedRtt,
    };
    const changed = Object.entries(metrics).filter(([name, value]) =>
      value !== undefined && value !== this.#metrics[name]
    );
    this.#metrics = metrics;
    if (changed.length > 0) {
      const data = Object.fromEntries(changed);
      this.#write(event, "recovery:metrics_updated", data);
    }
    if (congestionState === this.#state) return;
    this.#write(event, "recovery:congestion_state_updated", {
      old: this.#state,
      new: congestionState,
    });
    this.#state = congestionState;
  }

  #write({ time, connection }: TraceEvent, name: string, data: Data): void {
    const relative = Number((time - this.#start!).toFixed(3));
    const event = { time: relative, name, group_id: connection, data };
    this.#text += `${this.#first ? "" : ",\n"}${JSON.stringify(event)}`;
    this.#first = false;
    if (this.#text.length >= CHUNK_SIZE) this.#flush();
  }

  #flush(): void {
    const bytes = new TextEncoder().encode(this.#text);
    this.#text = "";
    if (this.#failed) return;
    try {
      for (let at = 0; at < bytes.length;) {
        at += this.#file.writeSync(bytes.subarray(at));
      }
    } catch {
      // The transfer goes on without it
      this.#failed = true;
      this.#onFailure();
    }
  }
}

function headerOf({ flags, packet, connection }: TraceEvent): Data {
  const type = flags & Flag.SYN
    ? "initial"
    : flags & Flag.COOKIE
    ? "retry"
    : "1RTT";
  return { packet_type: type, packet_number: packet, dcid: connection };
}

function packetOf(event: TraceEvent): Data {
  return {
    header: headerOf(event),
    raw: { length: event.size, payload_length: event.length },
    frames: [...framesOf(event)],
  };
}

function* framesOf(event: TraceEvent): Generator<Data> {
  const { flags, seq, ack, length, window, sackBlocks, reset } = event;
  if (sackBlocks.length > 0) {
    const ranges = sackBlocks.map(([from, to]) => [from, to - 1]);
    yield { frame_type: "ack", acked_ranges: ranges };
  }
  if (window !== undefined) {
    yield { frame_type: "max_data", maximum: ack + window };
  }
  if (reset !== undefined) {
    yield { frame_type: "connection_close", reason: reset };
    return;
  }
  const fin = (flags & Flag.FIN) !== 0;
  if (length > 0 || fin) {
    yield { frame_type: "stream", stream_id: 0, offset: seq, length, fin };
  } else if (flags & Flag.PSH) yield { frame_type: "ping" };
  if (flags & Flag.BLOCKED) {
    yield { frame_type: "data_blocked", limit: seq + length };
  }
  if (flags & Flag.PATH) yield { frame_type: "path_challenge" };
}
