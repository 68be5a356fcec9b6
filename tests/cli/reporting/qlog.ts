import { assert, assertEquals } from "@std/assert";

/** An event of a qlog. */
export interface QlogEvent {
  readonly time: number;
  readonly name: string;
  readonly group_id: string;
  // deno-lint-ignore no-explicit-any -- what it holds depends on its name
  readonly data: any;
}

/** A qlog of one connection, as a viewer has it. */
export interface Qlog {
  readonly type: string;
  /** When the times of its events begin, in milliseconds since 1970. */
  readonly reference: number;
  readonly events: readonly QlogEvent[];
  /** The events of this name. */
  named(name: string): QlogEvent[];
}

/** Where a viewer looks to know the format of a file. */
const HEAD = 1024;

const PACKET_TYPES = ["initial", "retry", "1RTT"];
const DROP_TRIGGERS = [
  "connection_unknown",
  "invalid",
  "rejected",
  "unsupported",
];
const METRICS = [
  "bytes_in_flight",
  "congestion_window",
  "latest_rtt",
  "smoothed_rtt",
];

/** The fields that a frame must have or may have besides its type, by its type. */
const FRAMES: Record<string, readonly string[]> = {
  ack: ["acked_ranges"],
  max_data: ["maximum"],
  data_blocked: ["limit"],
  stream: ["stream_id", "offset", "length", "fin"],
  connection_close: ["error_code", "reason"],
  ping: [],
  path_challenge: [],
  path_response: [],
};

/** What each event must hold (draft-ietf-quic-qlog-quic-events-04), by its name. */
const EVENTS: Record<string, (data: QlogEvent["data"]) => void> = {
  "transport:packet_sent": checkPacket,
  "transport:packet_received": checkPacket,
  "transport:packet_dropped": ({ header, trigger }) => {
    checkHeader(header);
    assert(DROP_TRIGGERS.includes(trigger), trigger);
  },
  "recovery:packet_lost": ({ header }) => checkHeader(header),
  "recovery:metrics_updated": (data) => {
    assert(Object.keys(data).length > 0);
    for (const [name, value] of Object.entries(data)) {
      assert(METRICS.includes(name), name);
      assert(typeof value === "number" && value >= 0, name);
    }
  },
  "recovery:congestion_state_updated": (data) =>
    assertEquals(typeof data.new, "string"),
};

/**
 * Reads a qlog of one connection as qvis, the viewer of the working group, does.
 *
 * @throws {AssertionError} if it could not, or would complain
 */
export function readQlog(text: string): Qlog {
  const head = text.slice(0, HEAD);
  assert(head.includes("qlog_version") && head.includes("qlog_format"));
  const { qlog_format, qlog_version, traces } = JSON.parse(text);
  assertEquals([qlog_format, qlog_version], ["JSON", "0.3"]);
  assertEquals(traces.length, 1);
  const [{ vantage_point, common_fields, events }] = traces;
  assertEquals(common_fields.time_format, "relative");
  assertEquals(typeof common_fields.reference_time, "number");
  let last = 0;
  for (const { time, name, group_id, data } of events as QlogEvent[]) {
    assert(time >= last, `${time} after ${last}`);
    last = time;
    assertEquals(group_id, events[0].group_id, JSON.stringify({ name, data }));
    assert(EVENTS[name], name);
    EVENTS[name](data);
  }
  return {
    type: vantage_point.type,
    reference: common_fields.reference_time,
    events,
    named: (wanted) =>
      (events as QlogEvent[]).filter(({ name }) => name === wanted),
  };
}

function checkHeader({ packet_type, packet_number }: QlogEvent["data"]): void {
  assert(PACKET_TYPES.includes(packet_type), packet_type);
  assert(Number.isSafeInteger(packet_number));
}

function checkPacket({ header, raw, frames }: QlogEvent["data"]): void {
  checkHeader(header);
  assert(raw.length >= raw.payload_length && raw.length > 0);
  for (const { frame_type, ...fields } of frames) {
    const known = FRAMES[frame_type];
    assert(known, frame_type);
    for (const name of Object.keys(fields)) assert(known.includes(name), name);
    assert(fields.fin === undefined || fields.fin === true);
    for (const [from, to] of fields.acked_ranges ?? []) assert(from <= to);
  }
}

/** How a viewer finds a packet again. */
function keyOf({ data: { header } }: QlogEvent): string {
  return `${header.packet_type} ${header.packet_number}`;
}

/** What a graph of congestion control is drawn of. */
export function viewCongestion(log: Qlog) {
  const sent = new Map(
    log.named("transport:packet_sent").map((event) => [keyOf(event), event]),
  );
  const acked = new Set<string>();
  for (const { data } of log.named("transport:packet_received")) {
    for (const { acked_ranges = [] } of data.frames) {
      for (const [from, to] of acked_ranges) {
        for (let number = from; number <= to; number++) {
          const key = `${data.header.packet_type} ${number}`;
          if (sent.has(key)) acked.add(key);
        }
      }
    }
  }
  for (const lost of log.named("recovery:packet_lost")) {
    assert(sent.has(keyOf(lost)), `lost, never sent: ${keyOf(lost)}`);
  }
  const metrics = new Set(
    log.named("recovery:metrics_updated")
      .flatMap(({ data }) => Object.keys(data)),
  );
  const ackedBytes = [...acked].map((key) => sent.get(key)!.data.raw.length)
    .reduce((sum, length) => sum + length, 0);
  return { packets: sent.size, ackedBytes, metrics };
}

/** What the arrows between a client and a server are drawn of. */
export function viewSequence(client: Qlog, server: Qlog) {
  const received = new Set(
    server.named("transport:packet_received").map(keyOf),
  );
  const sent = client.named("transport:packet_sent");
  const [first] = server.named("transport:packet_received")
    .filter(({ data }) => data.header.packet_type === "initial").map(keyOf);
  // By this packet the two clocks are aligned
  assert(first !== undefined && sent.some((event) => keyOf(event) === first));
  const [latency] = client.named("recovery:metrics_updated")
    .map(({ data }) => data.latest_rtt / 2).filter((value) => value > 0);
  const bytes = sent.filter((event) => received.has(keyOf(event)))
    .reduce((sum, { data }) => sum + data.raw.length, 0);
  return { bytes, latency: latency ?? 0 };
}
