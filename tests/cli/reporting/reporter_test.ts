import { resolve } from "node:path";
import { assert, assertEquals } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { explain } from "../../../lib/cli/reporting/bottleneck.ts";
import { errorReportOf } from "../../../lib/cli/messages.ts";
import { jsonReporter } from "../../../lib/cli/reporting/json_reporter.ts";
import {
  type CliEvent,
  traceLine,
} from "../../../lib/cli/reporting/reporter.ts";
import type { TraceEvent } from "../../../lib/mod.ts";
import type { Progress, Summary } from "../../../lib/session/events.ts";
import { StatusLine } from "../../../lib/cli/terminal/status_line.ts";
import {
  TextReporter,
  type TextStyle,
} from "../../../lib/cli/reporting/text_reporter.ts";
import { DATAGRAM, seriesUntil } from "./samples.ts";

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
  rate: 250,
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

/** What the line of any such datagram ends with. */
const REST = "t=1.000 pkt=7 size=550 len=512";

/** A receiver's whole life. */
const EVENTS: CliEvent[] = [
  {
    type: "listening",
    port: 6000,
    addresses: ["192.0.2.7", "2001:db8::7"],
  },
  { type: "waiting", address: "192.0.2.9:5000", refused: false, seconds: 30 },
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
    redraws: style.terminal ?? false,
    colour: false,
    unicode: true,
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
  const reporter = jsonReporter(output, { quiet });
  for (const event of events) reporter.on(event);
  reporter.close();
  return output.text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** The lines at the end of the receiver's life; on a terminal without what begins them. */
function received(begin: string): string {
  const path = resolve("dir/photo.jpg");
  return [
    `${begin}Received dir/photo.jpg, 3.0 MB in 1.50 s, 2.0 MB/s\n`,
    `${begin}Saved as ${path} and verified by SHA-256:\n`,
    `  ${"ab".repeat(32)}  photo.jpg\n`,
  ].join("");
}

Deno.test("on a terminal everything is told, and the progress line makes way", () => {
  assertEquals(
    textOf({ terminal: true }),
    "Listening on UDP port 6000. On the other machine, run:\n" +
      "  ferry send 192.0.2.7 6000 FILE\n" +
      "  ferry send 2001:db8::7 6000 FILE\n" +
      "No answer from 192.0.2.9:5000 yet; waiting for up to 30 s\n" +
      "Receiving photo.jpg, saving it as dir/photo.jpg, 1.0 kB\n" +
      "\r 50%     500 B     250 B/s  0:02 left\x1b[K" +
      `SEND 43 0 00ff ACK ${REST}\n` +
      "\r\x1b[KResuming at 1.5 kB\n" + received("") +
      "\r\x1b[Kferry: The receiver refused: its disk is full\n",
  );
});

Deno.test("where nobody watches each line says whose it is, and there is no progress", () => {
  assertEquals(
    textOf({ place: "in /srv/in" }),
    "ferry: Listening on UDP port 6000 (192.0.2.7, 2001:db8::7)\n" +
      "ferry: What arrives is saved in /srv/in\n" +
      "ferry: No answer from 192.0.2.9:5000 yet; waiting for up to 30 s\n" +
      `SEND 43 0 00ff ACK ${REST}\n` +
      "ferry: Resuming at 1.5 kB\n" +
      received("ferry: ") +
      "ferry: The receiver refused: its disk is full\n",
  );
});

Deno.test("a receiver that runs for long where nobody watches says when", () => {
  const clock = () => new Date(2026, 10, 5, 9, 7, 8);
  assertEquals(
    textOf({ clock }, [{ type: "resumed", bytes: 1500 }]),
    "ferry: 2026-11-05 09:07:08 Resuming at 1.5 kB\n",
  );
});

Deno.test("on a dumb terminal no line is drawn over another, and there is no colour", () => {
  const text = textOf({ terminal: true, redraws: false });
  // deno-lint-ignore no-control-regex -- there must be none
  assert(!/[\r\x1b]/.test(text), JSON.stringify(text));
  assert(text.includes("  ferry send 192.0.2.7 6000 FILE\n"));
});

Deno.test("commands are bold and failures red where there is colour", () => {
  const text = textOf({ terminal: true, colour: true });
  assert(text.includes("\x1b[1m  ferry send 192.0.2.7 6000 FILE\x1b[0m\n"));
  assert(
    text.includes(
      "\x1b[31mferry: The receiver refused: its disk is full\x1b[0m\n",
    ),
  );
});

Deno.test("nothing is drawn over what a person types", () => {
  const text = textOf({ terminal: true }, [
    { type: "typing" },
    { type: "progress", ...PROGRESS },
  ]);
  assert(!text.includes("50%"), text);
});

Deno.test("quiet means errors only", () => {
  assertEquals(
    textOf({ quiet: true }),
    `SEND 43 0 00ff ACK ${REST}\n` +
      "ferry: The receiver refused: its disk is full\n",
  );
  assertEquals(
    textOf({ quiet: true, terminal: true }),
    `SEND 43 0 00ff ACK ${REST}\n` +
      "\r\x1b[Kferry: The receiver refused: its disk is full\n",
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
    "Starting over: what arrived earlier of a�[2Jb c �d is not the beginning of what is sent now\n",
  );
});

Deno.test("of several transfers each line names its peer, and their progress is drawn as one", () => {
  const progress = { type: "progress", ...PROGRESS } as const;
  const failure = new Failure({ code: "superseded" });
  assertEquals(
    textOf({ terminal: true, columns: () => 100 }, [
      { ...progress, transfer: "a:1" },
      { ...progress, transfer: "b:2", rate: 750 },
      { type: "failed", failure, transfer: "a:1" },
      { ...progress, transfer: "b:2" },
    ]).split("\r").map((line) => line.replace("\x1b[K", "").trim()),
    [
      "",
      "50%  ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌     500 B     250 B/s  0:02 left  1 transfer",
      "50%  ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌    1.0 kB    1.0 kB/s  0:01 left  2 transfers",
      "a:1: The sender fell silent, and sends the same over a new connection",
      "50%  ━━━━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌     500 B     250 B/s  0:02 left  1 transfer",
    ],
  );
  assertEquals(
    jsonOf([{ type: "failed", failure, transfer: "a:1" }]),
    [{
      event: "error",
      peer: "a:1",
      code: "superseded",
      message:
        "The sender fell silent, and sends the same over a new connection",
      status: 1,
    }],
  );
});

Deno.test("the first event of a program has the version", () => {
  const start = { type: "start", version: "1.2.3", command: "send" } as const;
  assertEquals(jsonOf([start]), [
    { event: "start", version: "1.2.3", command: "send" },
  ]);
  assertEquals([textOf({}, [start]), jsonOf([start], true)], ["", []]);
});

Deno.test("as JSON every event is a line of its own", () => {
  assertEquals(jsonOf(EVENTS), [
    {
      event: "listening",
      port: 6000,
      addresses: ["192.0.2.7", "2001:db8::7"],
    },
    {
      event: "waiting",
      address: "192.0.2.9:5000",
      refused: false,
      seconds: 30,
    },
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
    { event: "trace", line: `SEND 43 0 00ff ACK ${REST}` },
    {
      event: "notice",
      code: "resumed",
      bytes: 1500,
      message: "Resuming at 1.5 kB",
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
  const explanation = explain(seriesUntil(2000, 1000), true);
  const events = [{ type: "explanation", ...explanation } as const];
  assertEquals(
    textOf({}, events),
    "   time       rate    RTT resent limited by\n" +
      " 1.00 s   1.0 MB/s  20 ms    10% path\n" +
      " 2.00 s   1.0 MB/s  20 ms    10% path\n" +
      "ferry: Limited by the path (its bandwidth, delay and loss) 100%; 50% of one CPU core used here\n",
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
    seconds: 2,
    ...span,
    course: [{ seconds: 1, ...span }, { seconds: 2, ...span }],
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
      "ferry: Listening on UDP port 6000. On the other machine, run:\n" +
        "  FERRY_CODE=17-walnut-copper-lagoon ferry send 192.0.2.7 6000 FILE\n" +
        "ferry: On the same network, --near can replace the address\n",
    );
    assertEquals(jsonOf([{ ...listening, newCode }], quiet), [
      { event: "listening", port: 6000, addresses, code: newCode },
    ]);
  }
});

Deno.test("whom a sender finds and passes over is told with --verbose and as JSON", () => {
  const address = "192.0.2.9:5000";
  const failure = {
    code: "peer-refused",
    reason: { code: "wrong-code" },
  } as const;
  const events = [
    { type: "searching", number: 17 },
    { type: "found", address },
    { type: "passed-over", address, failure },
  ] as const;
  assertEquals(textOf({ terminal: false }, [...events]), "");
  assertEquals(
    textOf({ terminal: true, verbose: true }, [...events]),
    "Looking for the receiver on the local network…\n" +
      "192.0.2.9:5000 has the number of the code\n" +
      "192.0.2.9:5000 is not the one: The code is wrong: ask the person at the receiver for it, and try again\n",
  );
  assertEquals(jsonOf([...events]), [
    { event: "searching", number: 17 },
    { event: "found", address },
    { event: "passed-over", address, ...failure },
  ]);
});

Deno.test("what a gateway maps is told with the whole command, and why it does not, too", () => {
  const mapped = {
    type: "mapped",
    protocol: "PCP",
    address: "203.0.113.7",
    port: 6000,
    lifetime: 600,
    gateway: "192.168.1.1",
    newCode: "17-walnut-copper-lagoon",
    wantsCode: true,
  } as const;
  const said =
    "ferry: The router lets senders in until this ends. From outside, run:\n";
  assertEquals(
    textOf({ quiet: true }, [mapped]),
    said +
      "  FERRY_CODE=17-walnut-copper-lagoon ferry send 203.0.113.7 6000 FILE\n",
  );
  const inner = { ...mapped, address: "100.64.1.2", newCode: undefined };
  assertEquals(
    textOf({}, [{ ...inner, port: 5000 }]),
    said + "  ferry send --code 100.64.1.2 FILE\n" +
      "ferry: 100.64.1.2 is not public: there is another router in front\n",
  );
  assertEquals(jsonOf([mapped]), [{
    event: "mapped",
    address: "203.0.113.7",
    port: 6000,
    protocol: "PCP",
    gateway: "192.168.1.1",
    lifetime: 600,
  }]);
  const gateway = "192.168.1.1";
  assertEquals(
    textOf({}, [
      { type: "not-mapped", why: "no-gateway" },
      { type: "not-mapped", why: "silent", gateway },
      { type: "not-mapped", why: "refused", gateway, result: 2 },
      { type: "not-mapped", why: "expired", gateway },
    ]),
    "ferry: No router was found that could be asked for a port; going on without\n" +
      "ferry: The router at 192.168.1.1 was asked for a port and does not answer; going on without\n" +
      "ferry: The router at 192.168.1.1 opens no port here (result 2); going on without\n" +
      "ferry: The router at 192.168.1.1 has closed its port and does not answer any more; going on without\n",
  );
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
    "ferry: Encrypted. Both sides should show: walnut copper river\n",
  );
  assertEquals(jsonOf([{ ...agreed, words: WORDS }]), [
    { event: "agreed", mode: "encrypted", words: WORDS, cipher: "OpenSSL" },
  ]);
  assertEquals(
    textOf({ verbose: true }, [{ ...agreed, words: undefined }]),
    "ferry: Encryption by OpenSSL\n",
  );
});

Deno.test("a traced datagram has a line with its flags, and whether it is a retransmission", () => {
  const line = (changes: Partial<TraceEvent>) =>
    traceLine({ ...DATAGRAM, ...changes });
  const answer = { what: "RECV", seq: 0, ack: 1, flags: 6 } as const;
  const dropped = { what: "DROP", flags: 0, reason: "damaged" } as const;
  const acks = { window: 9000, sackBlocks: [[5, 7], [1, 2]] } as const;
  assertEquals(line({}), `SEND 43 0 00ff ACK ${REST}`);
  assertEquals(line(answer), `RECV 0 1 00ff ACK SYN ${REST}`);
  assertEquals(
    line({ flags: 5, duplicate: true }),
    `SEND 43 0 00ff ACK FIN DUP ${REST}`,
  );
  assertEquals(
    line({ flags: 144, path: "PROBE" }),
    `SEND 43 0 00ff PSH PROBE ${REST}`,
  );
  assertEquals(line(dropped), `DROP 43 0 00ff damaged ${REST}`);
  assertEquals(
    line({ flags: 12, reset: "done", ...acks }),
    `SEND 43 0 00ff ACK RST ${REST} win=9000 sack=5-6,1-1 reset=done`,
  );
});
