import { assert, assertEquals } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import { sendFiles } from "../../support/ferry.ts";
import { inDirectory, writeRandomFile } from "../../support/fs.ts";

interface Event {
  readonly time: number;
  readonly name: string;
  readonly group_id: string;
  // deno-lint-ignore no-explicit-any -- what it holds depends on its name
  readonly data: any;
}

/** Fields that the events of qlog must have (draft-ietf-quic-qlog-quic-events), by their names. */
const CHECKS: Record<string, (data: Event["data"]) => boolean> = {
  "transport:packet_sent": isPacket,
  "transport:packet_received": isPacket,
  "transport:packet_dropped": ({ trigger }) => typeof trigger === "string",
  "recovery:packet_lost": ({ header }) => isHeader(header),
  "recovery:metrics_updated": (data) =>
    Object.entries(data).length > 0 &&
    Object.entries(data).every(([name, value]) =>
      ["congestion_window", "bytes_in_flight", "latest_rtt", "smoothed_rtt"]
        .includes(name) && typeof value === "number" && value >= 0
    ),
  "recovery:congestion_state_updated": (data) => typeof data.new === "string",
};

function isHeader(header: Event["data"]): boolean {
  return ["initial", "retry", "1RTT"].includes(header.packet_type) &&
    Number.isSafeInteger(header.packet_number);
}

function isPacket({ header, raw, frames }: Event["data"]): boolean {
  const types = [
    ...["ack", "max_data", "connection_close", "stream", "ping"],
    ...["data_blocked", "path_challenge"],
  ];
  return isHeader(header) && raw.length >= raw.payload_length &&
    frames.every((frame: Event["data"]) =>
      types.includes(frame.frame_type) &&
      (frame.acked_ranges ?? []).every(([from, to]: [number, number]) =>
        from <= to
      )
    );
}

Deno.test("--report FILE.qlog writes what viewers of QUIC read, at either side", () =>
  inDirectory(async (cwd) => {
    await writeRandomFile(`${cwd}/in`, 2_000_000);
    await Deno.mkdir(`${cwd}/dir`);
    assertDone(
      await sendFiles(
        cwd,
        ["--report", "sent.qlog", "in"],
        { args: ["-d", "dir", "--report", "received.qlog"] },
      ),
    );
    for (const [file, type] of [["sent", "client"], ["received", "server"]]) {
      const log = JSON.parse(await Deno.readTextFile(`${cwd}/${file}.qlog`));
      assertEquals([log.qlog_format, log.qlog_version], ["JSON", "0.3"]);
      const [trace] = log.traces;
      assertEquals(log.traces.length, 1);
      assertEquals(trace.vantage_point.type, type);
      assertEquals(trace.common_fields.time_format, "relative");
      const events: Event[] = trace.events;
      let last = 0;
      for (const { time, name, group_id, data } of events) {
        assert(time >= last - 5 && /^[0-9a-f]{16}$/.test(group_id));
        assert(CHECKS[name]?.(data), JSON.stringify({ name, data }));
        last = time;
      }
      const names = new Set(events.map(({ name }) => name));
      assert(names.has("transport:packet_sent"));
      assert(names.has("transport:packet_received"));
      assert(names.has("recovery:metrics_updated"));
      // All of the content is in frames of the sender's stream
      const sent = file === "sent" ? "packet_sent" : "packet_received";
      const carried = events.filter(({ name }) => name.endsWith(sent))
        .flatMap(({ data }) => data.frames)
        .reduce((sum, { length = 0 }) => sum + length, 0);
      assert(carried >= 2_000_000, `${carried}`);
    }
  }));
