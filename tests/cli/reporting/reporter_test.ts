import { assertEquals } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { explain } from "../../../lib/cli/reporting/bottleneck.ts";
import { errorReportOf } from "../../../lib/cli/messages.ts";
import { JsonReporter } from "../../../lib/cli/reporting/json_reporter.ts";
import {
  type CliEvent,
  traceLine,
} from "../../../lib/cli/reporting/reporter.ts";
import type { Progress, Summary } from "../../../lib/session/events.ts";
import { StatusLine } from "../../../lib/cli/terminal/status_line.ts";
import {
  TextReporter,
  type TextStyle,
} from "../../../lib/cli/reporting/text_reporter.ts";
import { seriesUntil } from "./samples.ts";

/** Keeps what would be written. */
class Output {
  text = "";
  #gathered = "";

  write(text: string): void {
    this.flush();
    this.text += text;
  }

  gather(line: string): void {
    this.#gathered += `${line}\n`;
  }

  flush(): void {
    this.text += this.#gathered;
    this.#gathered = "";
  }
}

const PROGRESS: Progress = {
  bytes: 500,
  size: 1000,
  rate: 0.25,
  time: 2000,
  rtt: 0.3,
  resent: 0,
};
const SUMMARY: Summary = {
  side: "send",
  name: "photo.jpg",
  bytes: 3_000_000,
  sha256: "ab".repeat(32),
  time: 1500,
  datagramsSent: 2100,
  retransmissions: 21,
  duplicates: 0,
};
const FAILED = errorReportOf(
  new Failure({ code: "peer-refused", reason: { code: "disk-full" } }),
);

const DATAGRAM = {
  what: "SEND",
  time: 1,
  seq: 43,
  ack: 0,
  connection: "00ff",
  flags: 4,
  length: 512,
  duplicate: false,
} as const;

/** A receiver's whole life. */
const EVENTS: CliEvent[] = [
  {
    type: "listening",
    port: 6000,
    addresses: ["192.0.2.7", "2001:db8::7"],
  },
  { type: "waiting", address: "192.0.2.9:5000" },
  { type: "connected", peer: "192.0.2.9:40000" },
  {
    type: "offer",
    offer: { kind: "file", names: ["photo.jpg"], count: 1, size: 1000 },
    target: "dir/photo.jpg",
  },
  { type: "progress", ...PROGRESS },
  { type: "trace", datagram: DATAGRAM },
  { type: "resumed", bytes: 1500 },
  { type: "done", ...SUMMARY, side: "receive", name: "dir/photo.jpg" },
  { type: "error", ...FAILED },
];

/** What a person is shown of events. */
function textOf(style: Partial<TextStyle>, events = EVENTS): string {
  const output = new Output();
  const reporter = new TextReporter(new StatusLine(output), {
    terminal: false,
    colour: false,
    quiet: false,
    verbose: false,
    trace: false,
    columns: () => 40,
    ...style,
  });
  for (const event of events) {
    const isShown = event.type !== "progress" ||
      reporter.progressInterval < Infinity;
    if (isShown) reporter.on(event);
  }
  reporter.close();
  return output.text;
}

/** What a program is told of events. */
function jsonOf(events: readonly CliEvent[], quiet = false): unknown[] {
  const output = new Output();
  const reporter = new JsonReporter(output, { quiet });
  for (const event of events) reporter.on(event);
  reporter.close();
  return output.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

const RECEIVED =
  `Received dir/photo.jpg, 3.0 MB in 1.50 s, 2.0 MB/s, 0 datagrams came twice, SHA-256 ${
    "ab".repeat(32)
  }\n`;

Deno.test("on a terminal everything is told, and the progress line makes way", () => {
  assertEquals(
    textOf({ terminal: true }),
    "Waiting on port 6000; on the other machine, run\n" +
      "  ferry send 192.0.2.7 6000 FILE\n" +
      "  ferry send 2001:db8::7 6000 FILE\n" +
      "Waiting for 192.0.2.9:5000…\n" +
      "Receiving photo.jpg, saved as dir/photo.jpg, 1.0 kB\n" +
      "\r 50%     500 B     250 B/s  0:02 left\x1b[K" +
      "SEND 43 0 00ff ACK\n" +
      "\r\x1b[KGoing on after 1.5 kB that arrived before\n" +
      RECEIVED + "\r\x1b[KThe receiver refused: its disk is full\n",
  );
});

Deno.test("where nobody watches only notices, the summary and errors are told", () => {
  assertEquals(
    textOf({}),
    "SEND 43 0 00ff ACK\nGoing on after 1.5 kB that arrived before\n" +
      RECEIVED +
      "The receiver refused: its disk is full\n",
  );
});

Deno.test("quiet means errors only", () => {
  assertEquals(
    textOf({ quiet: true }),
    "SEND 43 0 00ff ACK\nThe receiver refused: its disk is full\n",
  );
  assertEquals(
    textOf({ quiet: true, terminal: true }),
    "SEND 43 0 00ff ACK\n\r\x1b[KThe receiver refused: its disk is full\n",
  );
});

Deno.test("a progress line leaves room for the ^C that a terminal shows", () => {
  const WIDTH = 37;
  const linesAt = (columns: number) =>
    textOf({ terminal: true, columns: () => columns });
  assertEquals(linesAt(WIDTH + 3).includes("left"), true);
  assertEquals(linesAt(WIDTH + 2).includes("left"), false);
});

Deno.test("no progress line is drawn through a trace", () => {
  assertEquals(textOf({ terminal: true, trace: true }).includes("50%"), false);
});

Deno.test("whatever is in a name, a line stays one line", () => {
  const event = { type: "restarted", path: "a\x1b[2Jb\nc\r\u009bd" } as const;
  assertEquals(
    textOf({ terminal: true }, [event]),
    "What arrived before of a�[2Jb c �d is not the beginning of what is sent now: starting over\n",
  );
});

Deno.test("a sender tells what it sent again", () => {
  const nothing = { ...SUMMARY, name: undefined, retransmissions: 0 };
  const digest = "ab".repeat(32);
  assertEquals(
    textOf({}, [{ type: "done", ...SUMMARY }, { type: "done", ...nothing }]),
    `Sent photo.jpg, 3.0 MB in 1.50 s, 2.0 MB/s, 21 datagrams resent (1.0%), SHA-256 ${digest}\n` +
      `Sent 3.0 MB in 1.50 s, 2.0 MB/s, 0 datagrams resent, SHA-256 ${digest}\n`,
  );
});

Deno.test("of several transfers each line names its peer, and their progress is drawn as one", () => {
  const progress = { type: "progress", ...PROGRESS } as const;
  const failure = new Failure({ code: "superseded" });
  assertEquals(
    textOf({ terminal: true, columns: () => 100 }, [
      { ...progress, transfer: "a:1" },
      { ...progress, transfer: "b:2", rate: 0.75 },
      { type: "failed", failure, transfer: "a:1" },
      { ...progress, transfer: "b:2" },
    ]).split("\r").map((line) => line.replace("\x1b[K", "").trim()),
    [
      "",
      "50%     500 B     250 B/s  0:02 left    0% resent  1 transfer",
      "50%    1.0 kB    1.0 kB/s  0:01 left    0% resent  2 transfers",
      "a:1: The sender fell silent, and the same is sent anew",
      "50%     500 B     250 B/s  0:02 left    0% resent  1 transfer",
    ],
  );
  assertEquals(
    jsonOf([{ type: "failed", failure, transfer: "a:1" }]),
    [{
      event: "error",
      peer: "a:1",
      code: "superseded",
      message: "The sender fell silent, and the same is sent anew",
      status: 1,
    }],
  );
});

Deno.test("as JSON every event is a line of its own", () => {
  assertEquals(jsonOf(EVENTS), [
    {
      event: "listening",
      port: 6000,
      addresses: ["192.0.2.7", "2001:db8::7"],
    },
    { event: "waiting", address: "192.0.2.9:5000" },
    { event: "connected", peer: "192.0.2.9:40000" },
    { event: "offer", name: "photo.jpg", size: 1000, target: "dir/photo.jpg" },
    {
      event: "progress",
      bytes: 500,
      size: 1000,
      seconds: 2,
      rate: 250,
      rtt: 0.3,
      resent: 0,
    },
    { event: "trace", line: "SEND 43 0 00ff ACK" },
    {
      event: "notice",
      code: "resumed",
      bytes: 1500,
      message: "Going on after 1.5 kB that arrived before",
    },
    {
      event: "done",
      name: "dir/photo.jpg",
      bytes: 3_000_000,
      sha256: "ab".repeat(32),
      seconds: 1.5,
      rate: 2_000_000,
      datagrams: 2100,
      retransmissions: 21,
      duplicates: 0,
    },
    {
      event: "error",
      code: "peer-refused",
      reason: { code: "disk-full" },
      message: "The receiver refused: its disk is full",
      status: 3,
    },
  ]);
});

Deno.test("an explanation is a table for a person, and an event for a program", () => {
  const explanation = explain(seriesUntil(200, 100), true);
  const events = [{ type: "explanation", ...explanation } as const];
  assertEquals(
    textOf({}, events),
    "   time       rate    RTT again held by\n" +
      " 0.10 s   1.0 MB/s  20 ms   10% path\n" +
      " 0.20 s   1.0 MB/s  20 ms   10% path\n" +
      "Limited by the path (its bandwidth, delay and loss) 100%; 50% of one CPU core used here\n",
  );
  const span = {
    rate: 1e6,
    rtt: 20,
    repeated: 0.1,
    cpu: 0.5,
    held: { path: 1 },
  };
  assertEquals(jsonOf(events), [{
    event: "explanation",
    seconds: 0.2,
    ...span,
    course: [{ seconds: 0.1, ...span }, { seconds: 0.2, ...span }],
  }]);
  assertEquals([textOf({ quiet: true }, events), jsonOf(events, true)], [
    "",
    [],
  ]);
});

Deno.test("quiet JSON has errors only", () => {
  const events = jsonOf(EVENTS, true) as { event: string }[];
  assertEquals(events.map(({ event }) => event), ["trace", "error"]);
});

const WORDS = ["walnut", "copper", "river"];

Deno.test("a code that was made up is told even where nobody watches, with the whole command", () => {
  const newCode = "17-walnut-copper-lagoon";
  const addresses = ["192.0.2.7"];
  const listening = { type: "listening", port: 6000, addresses } as const;
  for (const quiet of [false, true]) {
    assertEquals(
      textOf({ quiet }, [{ ...listening, newCode }]),
      "Waiting on port 6000; on the other machine, run\n" +
        "  FERRY_CODE=17-walnut-copper-lagoon ferry send 192.0.2.7 6000 FILE\n",
    );
    assertEquals(jsonOf([{ ...listening, newCode }], quiet), [
      { event: "listening", port: 6000, addresses, code: newCode },
    ]);
  }
});

Deno.test("session words are told where there are some", () => {
  const agreed = {
    type: "agreed",
    mode: "encrypted",
    asks: false,
    cipher: "OpenSSL",
  } as const;
  assertEquals(textOf({}, [{ ...agreed, words: undefined }]), "");
  assertEquals(
    textOf({}, [{ ...agreed, words: WORDS }]),
    "Encrypted; if both sides say walnut copper river, nobody is in between\n",
  );
  assertEquals(jsonOf([{ ...agreed, words: WORDS }]), [
    { event: "agreed", mode: "encrypted", words: WORDS, cipher: "OpenSSL" },
  ]);
  assertEquals(
    textOf({ verbose: true }, [{ ...agreed, words: undefined }]),
    "Encryption is computed by OpenSSL\n",
  );
});

Deno.test("a traced datagram has a line with its flags, and whether it is a retransmission", () => {
  assertEquals(traceLine(DATAGRAM), "SEND 43 0 00ff ACK");
  assertEquals(
    traceLine({ ...DATAGRAM, what: "RECV", seq: 0, ack: 1, flags: 6 }),
    "RECV 0 1 00ff ACK SYN",
  );
  assertEquals(
    traceLine({ ...DATAGRAM, flags: 5, duplicate: true }),
    "SEND 43 0 00ff ACK FIN DUP",
  );
  assertEquals(
    traceLine({ ...DATAGRAM, what: "DROP", flags: 0, reason: "damaged" }),
    "DROP 43 0 00ff damaged",
  );
});
