import { assertEquals } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import { explain } from "../../../lib/cli/reporting/bottleneck.ts";
import { Interrupted, verdictOf } from "../../../lib/cli/exit_status.ts";
import { JsonReporter } from "../../../lib/cli/reporting/json_reporter.ts";
import type { Reporter } from "../../../lib/cli/reporting/reporter.ts";
import type { Progress, Summary } from "../../../lib/session/listener.ts";
import { Screen } from "../../../lib/cli/terminal/status_line.ts";
import { TextReporter } from "../../../lib/cli/reporting/text_reporter.ts";
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
const FAILED = verdictOf(
  new Failure("refused", "The receiver refused: it can"),
);

/** Tells `reporter` of a receiver's whole life. */
function tellAll(reporter: Reporter): void {
  reporter.listening({ port: 6000, addresses: ["192.0.2.7", "2001:db8::7"] });
  reporter.waiting("192.0.2.9:5000");
  reporter.connected("192.0.2.9:40000");
  reporter.offered({ name: "photo.jpg", size: 1000 }, "dir/photo.jpg");
  if (reporter.progressInterval !== undefined) reporter.progress(PROGRESS);
  reporter.trace("SEND 1 0 00ff ACK");
  reporter.notice("Take note");
  reporter.done({ ...SUMMARY, side: "receive", name: "dir/photo.jpg" });
  reporter.failed(FAILED);
  reporter.close();
}

function textOf(style: {
  terminal?: boolean;
  colour?: boolean;
  quiet?: boolean;
  trace?: boolean;
  columns?: () => number;
}): string {
  const output = new Output();
  tellAll(
    new TextReporter(new Screen(output), {
      terminal: false,
      colour: false,
      quiet: false,
      trace: false,
      columns: () => 40,
      ...style,
    }),
  );
  return output.text;
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
      "SEND 1 0 00ff ACK\n" +
      "\r\x1b[KTake note\n" +
      RECEIVED + "\r\x1b[KThe receiver refused: it can\n",
  );
});

Deno.test("where nobody watches only notices, the summary and errors are told", () => {
  assertEquals(
    textOf({}),
    "SEND 1 0 00ff ACK\nTake note\n" + RECEIVED +
      "The receiver refused: it can\n",
  );
});

Deno.test("quiet means errors only", () => {
  assertEquals(
    textOf({ quiet: true }),
    "SEND 1 0 00ff ACK\nThe receiver refused: it can\n",
  );
  assertEquals(
    textOf({ quiet: true, terminal: true }),
    "SEND 1 0 00ff ACK\n\r\x1b[KThe receiver refused: it can\n",
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
  const output = new Output();
  new TextReporter(new Screen(output), {
    terminal: true,
    colour: true,
    quiet: false,
    trace: false,
    columns: () => 80,
  }).notice("a\x1b[2Jb\nc\r\u009bd");
  assertEquals(output.text, "a�[2Jb c �d\n");
});

Deno.test("a sender tells what it sent again", () => {
  const output = new Output();
  const reporter = new TextReporter(new Screen(output), {
    terminal: false,
    colour: false,
    quiet: false,
    trace: false,
    columns: () => 80,
  });
  reporter.done(SUMMARY);
  reporter.done({ ...SUMMARY, name: undefined, retransmissions: 0 });
  assertEquals(
    output.text,
    `Sent photo.jpg, 3.0 MB in 1.50 s, 2.0 MB/s, 21 datagrams resent (1.0%), SHA-256 ${
      "ab".repeat(32)
    }\nSent 3.0 MB in 1.50 s, 2.0 MB/s, 0 datagrams resent, SHA-256 ${
      "ab".repeat(32)
    }\n`,
  );
});

Deno.test("as JSON every event is a line of its own", () => {
  const output = new Output();
  tellAll(new JsonReporter(output, { quiet: false }));
  const events = output.text.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(events, [
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
    { event: "trace", line: "SEND 1 0 00ff ACK" },
    { event: "notice", message: "Take note" },
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
      reason: "refused",
      message: "The receiver refused: it can",
      status: 3,
    },
  ]);
});

Deno.test("an explanation is a table for a person, and an event for a program", () => {
  const explanation = explain(seriesUntil(200, 100), true);
  const text = new Output();
  const style = { terminal: false, colour: false, trace: false };
  const columns = () => 80;
  new TextReporter(new Screen(text), { ...style, quiet: false, columns })
    .explained(explanation);
  assertEquals(
    text.text,
    "   time       rate    RTT again held by\n" +
      " 0.10 s   1.0 MB/s  20 ms   10% path\n" +
      " 0.20 s   1.0 MB/s  20 ms   10% path\n" +
      "Limited by the path (its bandwidth, delay and loss) 100%; 50% of one CPU core used here\n",
  );
  const json = new Output();
  new JsonReporter(json, { quiet: false }).explained(explanation);
  const span = {
    rate: 1e6,
    rtt: 20,
    repeated: 0.1,
    cpu: 0.5,
    held: { path: 1 },
  };
  assertEquals(JSON.parse(json.text), {
    event: "explanation",
    seconds: 0.2,
    ...span,
    course: [{ seconds: 0.1, ...span }, { seconds: 0.2, ...span }],
  });
  const nothing = new Output();
  new TextReporter(new Screen(nothing), { ...style, quiet: true, columns })
    .explained(explanation);
  new JsonReporter(nothing, { quiet: true }).explained(explanation);
  assertEquals(nothing.text, "");
});

Deno.test("quiet JSON has errors only", () => {
  const output = new Output();
  const reporter = new JsonReporter(output, { quiet: true });
  reporter.done(SUMMARY);
  reporter.failed(FAILED);
  assertEquals(
    output.text,
    '{"event":"error","reason":"refused","message":"The receiver refused: it can","status":3}\n',
  );
});

Deno.test("each reason has its exit status", () => {
  const statuses = (["usage", "input", "no-answer", "busy", "refused"] as const)
    .map((reason) => verdictOf(new Failure(reason, "x")).status);
  assertEquals(statuses, [2, 2, 1, 3, 3]);
  assertEquals(verdictOf(new Interrupted(2)).status, 130);
  assertEquals(verdictOf(new Interrupted(15)).status, 143);
});

Deno.test("what nobody expected is one line too", () => {
  assertEquals(verdictOf(new RangeError("x is y")), {
    reason: "unexpected",
    message:
      "Something unexpected happened, please report it: RangeError: x is y",
    status: 1,
  });
  assertEquals(verdictOf("odd").status, 1);
});

const WORDS = ["walnut", "copper", "river"];

Deno.test("a code that was made up is told even where nobody watches, with the whole command", () => {
  for (const quiet of [false, true]) {
    const output = new Output();
    const style = { terminal: false, colour: false, trace: false };
    const columns = () => 80;
    const reporter = new TextReporter(new Screen(output), {
      ...style,
      quiet,
      columns,
    });
    reporter.listening({
      port: 6000,
      addresses: ["192.0.2.7"],
      newCode: "17-walnut-copper",
    });
    assertEquals(
      output.text,
      "Waiting on port 6000; on the other machine, run\n" +
        "  FERRY_CODE=17-walnut-copper ferry send 192.0.2.7 6000 FILE\n",
    );
    const lines = new Output();
    new JsonReporter(lines, { quiet })
      .listening({ port: 6000, addresses: [], newCode: "17-walnut-copper" });
    assertEquals(JSON.parse(lines.text).code, "17-walnut-copper");
  }
});

Deno.test("session words are told where there are some", () => {
  const output = new Output();
  const style = { terminal: false, colour: false, trace: false, quiet: false };
  const columns = () => 80;
  const reporter = new TextReporter(new Screen(output), { ...style, columns });
  reporter.agreed({ mode: "code", words: undefined, asks: false });
  assertEquals(output.text, "");
  reporter.agreed({ mode: "encrypted", words: WORDS, asks: false });
  assertEquals(
    output.text,
    "Encrypted; if both sides say walnut copper river, nobody is in between\n",
  );
  const lines = new Output();
  new JsonReporter(lines, { quiet: false })
    .agreed({ mode: "encrypted", words: WORDS, asks: false });
  assertEquals(JSON.parse(lines.text), {
    event: "agreed",
    mode: "encrypted",
    words: WORDS,
  });
});
