import type { Channel } from "../../endpoint/channel.ts";
import { Flag } from "../../protocol/wire/segment.ts";
import type { DropReason, TraceEvent } from "../../mod.ts";
import { VERSION } from "../arguments/help.ts";

/** Bytes that are gathered before they are written. */
const CHUNK_SIZE = 2 ** 16;
/** Milliseconds between two looks at a connection's metrics. */
const METRICS_INTERVAL = 1;
/** Packets of a SYN that are remembered: strangers may cause many. */
const MAX_INITIAL = 1000;

type Data = Record<string, unknown>;

type QlogFile = Pick<Deno.FsFile, "writeSync" | "close">;

/** Why a packet is dropped, by the names of qlog. */
const TRIGGERS: Record<DropReason, string> = {
  "too short": "invalid",
  "not ferry": "invalid",
  "other version": "unsupported",
  "damaged": "invalid",
  "malformed": "invalid",
  "past the FIN": "invalid",
  "beyond the window": "rejected",
  "too many holes": "rejected",
  "reset of no connection": "connection_unknown",
  "no such connection": "connection_unknown",
  "busy": "rejected",
  "asked for a cookie": "rejected",
  "too many cookies asked for": "rejected",
  "too many handshakes": "rejected",
  "closed": "connection_unknown",
  "from another address": "rejected",
  "not an answer to the SYN": "invalid",
  "early reset": "rejected",
  "late cookie": "rejected",
  "too many cookies": "rejected",
  "acknowledges what was never sent": "invalid",
  "acknowledges a skipped packet number": "invalid",
};

/**
 * Writes what happens to datagrams as a qlog (draft-ietf-quic-qlog-main-schema-05,
 * version 0.3, in JSON) in the events of QUIC (draft-ietf-quic-qlog-quic-events-04),
 * which viewers know; they know no later version. A segment is a packet, its
 * payload a frame of stream 0. It is written as it comes, and not kept.
 */
export class Qlog {
  readonly #file: QlogFile;
  readonly #onFailure: () => void;
  #channel: Channel | undefined;
  #start: number | undefined;
  #last = 0;
  /** Packets of a SYN, by connection and packet number. */
  readonly #initial = new Set<string>();
  readonly #sends: boolean;
  #text = "";
  #first = true;
  #failed = false;
  #looked = -Infinity;
  #metrics: Data = {};
  #state: string | undefined;

  /**
   * @param options.sends whether the content goes out rather than comes in
   * @param options.onFailure is called if it cannot be written
   */
  constructor(
    file: QlogFile,
    { sends, onFailure }: { sends: boolean; onFailure: () => void },
  ) {
    this.#file = file;
    this.#onFailure = onFailure;
    this.#sends = sends;
  }

  /** Has the metrics of this channel written, too: of several those of the last. */
  watch(channel: Channel): void {
    this.#channel = channel;
  }

  /** Writes what happened to a datagram. */
  trace(event: TraceEvent): void {
    if (this.#start === undefined) this.#begin(event.time);
    const { what, time } = event;
    switch (what) {
      case "SEND":
        if (event.flags & Flag.SYN && this.#initial.size < MAX_INITIAL) {
          this.#initial.add(keyOf(event));
        }
        this.#write(event, "transport:packet_sent", packetOf(event));
        break;
      case "RECV":
        this.#write(event, "transport:packet_received", packetOf(event));
        break;
      case "DROP":
        this.#write(event, "transport:packet_dropped", {
          header: headerOf(event),
          raw: rawOf(event),
          trigger: event.reason && TRIGGERS[event.reason],
          details: { reason: event.reason },
        });
        break;
      case "LOST":
        this.#write(event, "recovery:packet_lost", {
          header: {
            ...headerOf(event),
            ...this.#initial.has(keyOf(event)) && { packet_type: "initial" },
          },
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
    if (this.#start === undefined) this.#begin(0);
    this.#text += "]}]}\n";
    this.#flush();
    this.#file.close();
  }

  /** Begins the file with the first event: until then a receiver may have waited for long. */
  #begin(time: number): void {
    this.#start = time;
    const trace = JSON.stringify({
      title: `ferry ${VERSION}`,
      vantage_point: {
        name: "ferry",
        type: this.#sends ? "client" : "server",
      },
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
    if (congestionState === undefined || congestionState === this.#state) {
      return;
    }
    this.#write(event, "recovery:congestion_state_updated", {
      old: this.#state,
      new: congestionState,
    });
    this.#state = congestionState;
  }

  #write({ time, connection }: TraceEvent, name: string, data: Data): void {
    // Viewers rely on the order, and what arrived together is read one by one
    this.#last = Math.max(
      this.#last,
      Number((time - this.#start!).toFixed(3)),
    );
    const event = { time: this.#last, name, group_id: connection, data };
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

function keyOf({ connection, packet }: TraceEvent): string {
  return `${connection} ${packet}`;
}

function headerOf({ flags, path, packet, connection }: TraceEvent): Data {
  const type = flags & Flag.SYN
    ? "initial"
    : path === "COOKIE"
    ? "retry"
    : "1RTT";
  return { packet_type: type, packet_number: packet, dcid: connection };
}

function packetOf(event: TraceEvent): Data {
  return {
    header: headerOf(event),
    raw: rawOf(event),
    frames: [...framesOf(event)],
  };
}

function rawOf({ size, length }: TraceEvent): Data {
  return { length: size, payload_length: length };
}

function* framesOf(event: TraceEvent): Generator<Data> {
  const { flags, path, seq, ack, length, window, sackBlocks, reset } = event;
  if (sackBlocks.length > 0) {
    const ranges = sackBlocks.map(([from, to]) => [from, to - 1]);
    yield { frame_type: "ack", acked_ranges: ranges };
  }
  if (window !== undefined) {
    yield { frame_type: "max_data", maximum: ack + window };
  }
  if (reset !== undefined) {
    yield {
      frame_type: "connection_close",
      error_code: reset === "done" ? "no_error" : "application_error",
      reason: reset,
    };
    return;
  }
  const fin = (flags & Flag.FIN) !== 0;
  if (length > 0 || fin) {
    const frame = { stream_id: 0, offset: seq, length };
    yield { frame_type: "stream", ...frame, ...fin && { fin } };
  } else if (flags & Flag.PSH) yield { frame_type: "ping" };
  if (flags & Flag.BLOCKED) {
    yield { frame_type: "data_blocked", limit: seq + length };
  }
  if (path === "CHALLENGE") yield { frame_type: "path_challenge" };
  if (path === "RESPONSE") yield { frame_type: "path_response" };
}
