import { assert, assertEquals } from "@std/assert";
import "../../support/libraries.ts";
import { Qlog } from "../../../lib/cli/reporting/qlog.ts";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import type { TraceEvent } from "../../../lib/mod.ts";
import { readQlog, viewCongestion } from "./qlog.ts";
import { DATAGRAM } from "./samples.ts";

const { PSH } = Flag;
const FIRST = { ...DATAGRAM, packet: 0, seq: 0, flags: PSH, length: 0 };

/** The qlog of these events, as a viewer reads it. */
function logOf(...events: readonly Partial<TraceEvent>[]) {
  let text = "";
  const file = {
    writeSync: (bytes: Uint8Array) => {
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
    close: () => {},
  };
  const log = new Qlog(file, { sends: true, onFailure: () => {} });
  // Some time passes until something happens
  const opened = Date.now();
  while (Date.now() === opened);
  for (const event of events) log.trace({ ...FIRST, time: 5000, ...event });
  log.close();
  const read = readQlog(text);
  assert(read.reference > opened);
  return read;
}

Deno.test("a SYN that is lost is found again among the packets that were sent", () => {
  const log = logOf(
    { flags: Flag.SYN },
    { packet: 1 },
    { what: "LOST", packet: 0, flags: 0 },
    { what: "LOST", packet: 1, flags: 0 },
  );
  assertEquals(viewCongestion(log).packets, 2);
});

Deno.test("a qlog is complete even if nothing happened", () => {
  assertEquals(logOf().events, []);
});

Deno.test("events are in order, though an acknowledgement came before what was sent meanwhile", () => {
  const { events } = logOf(
    { time: 5000 },
    { time: 5002.5 },
    { time: 5001, what: "RECV" },
  );
  assertEquals(events.map(({ time }) => time), [0, 2.5, 2.5]);
});

Deno.test("what is dropped says why in the viewer's words and in ferry's", () => {
  const { events } = logOf(
    { what: "DROP", reason: "damaged" },
    { what: "DROP", reason: "no such connection" },
  );
  assertEquals(
    events.map(({ data: { trigger, details } }) => [trigger, details.reason]),
    [
      ["invalid", "damaged"],
      ["connection_unknown", "no such connection"],
    ],
  );
});

Deno.test("a segment's parts are frames, and only an end in order is no error", () => {
  const { events } = logOf(
    { seq: 7, length: 3, flags: Flag.ACK, ack: 4, window: 6 },
    { length: 0, flags: Flag.FIN, seq: 10, sackBlocks: [[3, 5], [1, 2]] },
    { flags: Flag.RST, reset: "done" },
    { flags: Flag.RST, reset: "aborted" },
    { flags: Flag.PATH, path: "CHALLENGE" },
    { flags: Flag.PATH, path: "RESPONSE" },
    { flags: Flag.PATH | PSH, path: "PROBE" },
  );
  const stream = { frame_type: "stream", stream_id: 0 };
  const close = { frame_type: "connection_close" };
  assertEquals(events.map(({ data }) => data.frames), [
    [
      { frame_type: "max_data", maximum: 10 },
      { ...stream, offset: 7, length: 3 },
    ],
    [
      { frame_type: "ack", acked_ranges: [[3, 4], [1, 1]] },
      { ...stream, offset: 10, length: 0, fin: true },
    ],
    [{ ...close, error_code: "no_error", reason: "done" }],
    [{ ...close, error_code: "application_error", reason: "aborted" }],
    [{ frame_type: "path_challenge" }],
    [{ frame_type: "path_response" }],
    [{ frame_type: "ping" }],
  ]);
});
