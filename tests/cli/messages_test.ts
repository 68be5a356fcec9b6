import { assert, assertEquals } from "@std/assert";
import {
  Failure,
  type FailureCode,
  type FailureDetail,
} from "../../lib/base/failure.ts";
import { exitStatusOf } from "../../lib/cli/exit_status.ts";
import { errorReportOf, failureWords } from "../../lib/cli/messages.ts";

const PEER = { peer: "192.0.2.9:5000" };
const SILENCE = { ...PEER, seconds: 30 };
const OFFERED = { ...PEER, name: "photo.jpg", entries: 3 };
const PATH = { path: "dir/photo.jpg" };
const PROBLEM = { problem: { errno: "EIO", text: "Input/output error" } };

/** An example of each code, and the exit status that belongs to it. */
const EXAMPLES: {
  readonly [C in FailureCode]: readonly [
    status: number,
    data: Omit<FailureDetail<C>, "code">,
  ];
} = {
  "no-answer": [1, SILENCE],
  "nobody-near": [1, { seconds: 10 }],
  "peer-silent": [1, { ...SILENCE, sendError: "Network is unreachable" }],
  "busy": [3, PEER],
  "displaced": [3, PEER],
  "peer-stopped": [1, PEER],
  "unknown-connection": [1, PEER],
  "peer-protocol-error": [1, PEER],
  "invalid-ack": [1, PEER],
  "connection-closed": [1, {}],
  "interrupted": [130, {}],
  "version-mismatch": [1, { layer: "transfer", theirs: 2, ours: 1 }],
  "unknown-host": [2, { host: "machine-b" }],
  "zone-address": [2, { host: "fe80::1%lo" }],
  "no-ipv4-address": [2, { host: "machine-b" }],
  "port-in-use": [2, { port: 5000 }],
  "port-denied": [2, { port: 80 }],
  "no-udp": [2, {}],
  "cannot-bind": [2, { address: "192.0.2.7" }],
  "meet-silent": [1, { meet: "vps.example", seconds: 30 }],
  "meet-refused": [1, { meet: "vps.example", reason: "token" }],
  "no-direct-path": [1, { meet: "vps.example", ...PEER }],
  "code-without-number": [2, {}],
  "meet-needs-code": [2, {}],
  "handshake-timeout": [1, SILENCE],
  "offer-timeout": [1, SILENCE],
  "code-empty": [2, {}],
  "code-too-long": [2, { max: 200 }],
  "code-missing": [2, {}],
  "wrong-code": [3, { tries: 1 }],
  "receiver-unproved": [3, {}],
  "too-many-wrong-codes": [3, { max: 3 }],
  "too-many-handshakes": [3, {}],
  "encryption-refused": [3, {}],
  "encryption-required": [3, {}],
  "code-required": [3, {}],
  "code-refused": [3, {}],
  "handshake-damaged": [1, { by: "sender" }],
  "handshake-truncated": [1, {}],
  "record-damaged": [1, {}],
  "record-truncated": [1, {}],
  "malformed": [1, { layer: "transfer", what: "a size is negative" }],
  "name-refused": [1, { name: "..", rule: "path" }],
  "peer-refused": [3, { reason: { code: "exists", name: "photo.jpg" } }],
  "peer-failed": [1, { by: "receiver", reason: { code: "disk-full" } }],
  "peer-ended": [1, { by: "sender" }],
  "declined": [3, OFFERED],
  "no-consent": [3, OFFERED],
  "hidden-name": [3, OFFERED],
  "not-confirmed": [3, PEER],
  "nobody-came": [1, { seconds: 60 }],
  "stalled": [1, { seconds: 10 }],
  "superseded": [1, {}],
  "nothing-to-send": [2, {}],
  "cannot-read": [2, { ...PATH, ...PROBLEM }],
  "read-failed": [1, { ...PATH, ...PROBLEM }],
  "source-replaced": [2, PATH],
  "same-name": [2, { paths: ["a/x", "b/x"], name: "x" }],
  "not-regular": [2, PATH],
  "no-name": [2, PATH],
  "source-changed": [1, { bytes: 2, size: 3 }],
  "partial-differs": [1, {}],
  "incomplete": [1, { omitted: 2 }],
  "no-directory": [2, PATH],
  "needs-directory": [1, PATH],
  "exists": [1, PATH],
  "is-directory": [1, PATH],
  "not-directory": [1, PATH],
  "is-link": [1, PATH],
  "is-special": [1, PATH],
  "names-collide": [1, PATH],
  "in-use": [1, PATH],
  "partial-removed": [1, PATH],
  "staging-replaced": [1, PATH],
  "too-many-names": [1, { ...PATH, max: 100 }],
  "disk-full": [1, { ...PATH, free: 1, needed: 2 }],
  "read-only": [1, { ...PATH, problem: { errno: "EROFS", text: "" } }],
  "not-permitted": [1, { ...PATH, problem: { errno: "EACCES", text: "" } }],
  "output-closed": [1, {}],
  "cannot-write": [1, { ...PATH, ...PROBLEM }],
  "corrupt": [1, PATH],
  "stored-corrupt": [1, {}],
  "unexpected": [1, { what: "RangeError: x is y" }],
};

const details = (Object.keys(EXAMPLES) as FailureCode[]).map((code) => {
  const [status, data] = EXAMPLES[code];
  return { status, detail: { code, ...data } as FailureDetail };
});

Deno.test("each failure has words of its own, one line, and an exit status", () => {
  const messages = new Set<string>();
  for (const { detail, status } of details) {
    const message = failureWords(detail);
    assert(/^([A-Z"0-9]|machine-b)[^\n]+[^.\n]$/.test(message), message);
    assert(!/undefined|NaN|\[object/.test(message), message);
    messages.add(message);
    assertEquals(exitStatusOf(detail), status, detail.code);
  }
  assertEquals(messages.size, details.length);
});

Deno.test("a message of an error is for debugging: its code and its data", () => {
  for (const { detail } of details) {
    const { message, code } = new Failure(detail);
    assert(message.startsWith(code), message);
  }
});

Deno.test("what is bad input before anything is sent has the exit status of that", () => {
  assertEquals(exitStatusOf({ code: "exists", ...PATH }), 1);
  assertEquals(exitStatusOf({ code: "exists", ...PATH, atStart: true }), 2);
});

Deno.test("the exit status after a signal is that of a process that it ended", () => {
  assertEquals(exitStatusOf({ code: "interrupted", signal: 2 }), 130);
  assertEquals(exitStatusOf({ code: "interrupted", signal: 15 }), 143);
});

Deno.test("a failure that leaves something behind says where, and how to go on", () => {
  const failure = new Failure({ code: "peer-stopped", ...PEER });
  const remains = { path: "photo.jpg.ferry-part" };
  assertEquals(
    failureWords(failure.with({ remains }).detail),
    "The transfer was stopped at the other side (192.0.2.9:5000); to resume, run both commands again (what arrived is in photo.jpg.ferry-part)",
  );
  const { detail } = failure.with({ remains: { ...remains, output: "x" } });
  assert(
    failureWords(detail).includes("use send --resume and receive -o x"),
  );
});

Deno.test("a sender is told that it can resume, but not after what a retry would meet again", () => {
  const hint = (detail: FailureDetail) =>
    failureWords({ ...detail, resumable: true })
      .includes("to resume, run both commands again");
  assert(hint({ code: "interrupted", signal: 2 }));
  assert(hint({ code: "peer-silent", ...SILENCE }));
  assert(hint({ code: "peer-stopped", ...PEER }));
  assert(!hint({ code: "peer-refused", reason: { code: "exists" } }));
  const remains = { path: "tree.ferry-part" };
  const refused = failureWords({ code: "exists", ...PATH, remains });
  assert(!refused.includes("resume"), refused);
});

Deno.test("a peer that broke off with the proof of the code in hand may have guessed at it, unless it said so", () => {
  const guesses = (detail: FailureDetail) =>
    failureWords({ ...detail, afterProof: true }).includes("a new code");
  assert(guesses({ code: "peer-silent", ...SILENCE }));
  assert(guesses({ code: "peer-refused", reason: { code: "unspecified" } }));
  assert(!guesses({ code: "peer-refused", reason: { code: "wrong-code" } }));
  assert(!guesses({ code: "interrupted" }));
});

Deno.test("what nobody expected is one line too", () => {
  assertEquals(errorReportOf(new RangeError("x is y")), {
    detail: { code: "unexpected", what: "RangeError: x is y" },
    message: "Unexpected error, please report it: RangeError: x is y",
    status: 1,
  });
  assertEquals(errorReportOf("odd").status, 1);
});
