import { displayName } from "../base/display_text.ts";
import {
  Failure,
  type FailureCode,
  type FailureDetail,
  type NameRule,
  type OmissionReason,
  type PeerCode,
  type PeerReason,
  type SystemProblem,
} from "../base/failure.ts";
import { EXIT_INPUT, exitStatusOf, isRefused } from "./exit_status.ts";
import { formatBytes, formatCount } from "./format.ts";
import type { CliEvent, ErrorReport, EventOf } from "./reporting/reporter.ts";

const SAME_FERRY = "use the same version of ferry on both sides";
const INTERFERENCE =
  "the network corrupts data, or someone is tampering with it";

/** One line for a person for each code: what happened and, where it is not plain, what to do. */
const MESSAGES: {
  readonly [C in FailureCode]: (detail: FailureDetail<C>) => string;
} = {
  "no-answer": ({ peer, others = [], seconds, sendError, refused }) => {
    const from = [peer, ...others].join(" and ");
    const silence = `No answer from ${from} within ${seconds} s`;
    return refused
      ? `${silence}: nothing listens on that UDP port; start ferry receive there`
      : `${silence}${
        inBrackets(sendError)
      }: is ferry receive running there, and does a firewall let UDP through?`;
  },
  "nobody-near": ({ seconds }) =>
    `No receiver with this code answered on this network within ${seconds} s: is ferry receive --code running there? Guest Wi-Fi, a VPN, a firewall or another subnet may be in the way; if so, give its address instead of --near`,
  "peer-silent": ({ peer, seconds, sendError }) =>
    `Nothing heard from ${peer} for ${seconds} s${
      inBrackets(sendError)
    }: ferry was killed there, or the network is down`,
  "busy": ({ peer }) =>
    peer === undefined
      ? "Another sender was chosen"
      : `The receiver at ${peer} is busy with another transfer: try again when it is done`,
  "displaced": ({ peer }) =>
    `${peer} lost its place to other senders that were waiting`,
  "peer-stopped": ({ peer }) =>
    `The transfer was stopped at the other side (${peer})`,
  "unknown-connection": ({ peer }) =>
    `The other side (${peer}) does not know this transfer: ferry was restarted there, or gave up`,
  "peer-protocol-error": ({ peer }) =>
    `The other side (${peer}) reports a protocol error: ${SAME_FERRY}`,
  "invalid-ack": ({ peer }) =>
    `The other side (${peer}) acknowledged data that was never sent, so the connection was closed`,
  "connection-closed": () => "The connection is closed",
  "interrupted": ({ signal }) =>
    signal === undefined ? "The transfer was stopped" : "Interrupted",
  "version-mismatch": ({ layer, peer, theirs, ours }) =>
    layer === "transfer" && theirs !== undefined
      ? `The other side uses version ${theirs} of the transfer protocol, and this side version ${ours}: ${SAME_FERRY}`
      : `The other side${inBrackets(peer)} uses another version of the ${
        layer === "security"
          ? "secure channel"
          : `${layer}${layer === "transfer" ? " protocol" : ""}`
      }: ${SAME_FERRY}`,
  "unknown-host": ({ host }) =>
    `Unknown host ${host}: check the name, or give an IP address`,
  "zone-address": ({ host }) =>
    `Cannot send to ${host}: addresses with a zone are not supported; use another address`,
  "no-ipv4-address": ({ host }) =>
    `${host} has no IPv4 address, and only IPv4 can be used from here`,
  "port-in-use": ({ port }) =>
    `Port ${port} is in use: is another ferry receive running? Choose another port`,
  "port-denied": ({ port }) =>
    `Port ${port} may not be used: choose one from 1024 on`,
  "no-udp": () => "Deno has no UDP here: run it with --unstable-net",
  "cannot-bind": ({ address }) =>
    `Cannot bind to ${address}: is it an address of this machine?`,

  "meet-silent": ({ meet, seconds }) =>
    `No answer from ${meet} within ${seconds} s: is ferry meet running there, and does a firewall let UDP through?`,
  "meet-refused": ({ meet, reason }) =>
    `The meeting point ${meet} ${MEET_REFUSALS[reason]}`,
  "no-direct-path": ({ meet, peer }) =>
    `No direct path to the other side was found, and ${meet} (${peer}) relays nothing: allow UDP in a router or firewall on either side, or use a meeting point that relays`,

  "handshake-timeout": ({ peer, seconds }) =>
    `${peer} answers, but did not complete the handshake within ${seconds} s: is ferry receive running there?`,
  "offer-timeout": ({ seconds }) => `It offered nothing within ${seconds} s`,
  "code-empty": () => "The code is empty",
  "code-too-long": ({ max }) => `The code is longer than ${max} characters`,
  "code-missing": () =>
    "A code is needed, and there is no terminal to ask for it: use --code=CODE or FERRY_CODE",
  "code-without-number": () =>
    "With --meet the code begins with the number that the receiver was given, as in 7-walnut-copper-lagoon",
  "meet-needs-code": () =>
    "With --meet both sides need a code: give --code to the receiver, and its code to the sender",
  "wrong-code": () => "The sender's code is wrong",
  "receiver-unproved": () =>
    "The receiver did not prove that it knows the code",
  "too-many-wrong-codes": ({ max }) =>
    `Closed after ${max} wrong codes: start again, with another code`,
  "too-many-handshakes": () => "Too many handshakes came without an offer",
  "encryption-refused": () =>
    "The sender encrypts, and --plain was given here: use it on both sides, or on neither",
  "encryption-required": () =>
    "The sender was started with --plain, and this receiver was not: use it on both sides, or on neither",
  "code-required": () => "The sender gave no code",
  "code-refused": () =>
    "The sender gave a code, and this receiver has none: use the same code on both sides, or none",
  "handshake-damaged": ({ by }) =>
    `The handshake was changed on its way from the ${by}: ${INTERFERENCE}`,
  "handshake-truncated": () =>
    "The other side closed the connection during the handshake",
  "record-damaged": () =>
    `The data that arrives is not what was sent: ${INTERFERENCE}; send it again`,
  "record-truncated": () =>
    `The data that arrives was cut short: ${INTERFERENCE}; send it again`,

  "malformed": ({ layer, what }) =>
    layer === "security"
      ? `The other side does not speak ferry's secure channel: ${what}`
      : `The other side sent an invalid message: ${what}`,
  "name-refused": ({ name, rule }) =>
    `The sender's name "${name}" is not accepted: ${NAME_RULES[rule]}`,
  "peer-refused": ({ reason }) =>
    REFUSED_WORDS[reason.code] ?? `The receiver refused: ${peerWords(reason)}`,
  "peer-failed": (detail) =>
    isRefused(detail)
      ? `The receiver refused: ${peerWords(detail.reason)}`
      : `The ${detail.by} could not go on: ${peerWords(detail.reason)}`,
  "peer-ended": ({ by }) =>
    by === "sender"
      ? "The sender ended before everything had arrived"
      : "The receiver ended without confirming that everything is stored",
  "declined": (offer) => `${offered(offer)} was declined`,
  "no-consent": (offer) =>
    `${
      offered(offer)
    } was refused: there is no terminal to ask at; use --code, --yes or -o FILE`,
  "hidden-name": (offer) =>
    `${
      offered(offer)
    } was refused: a name that begins with a dot is accepted only with --code, with -o FILE, or after a question at a terminal`,
  "not-confirmed": ({ peer }) => `You declined, so nothing was sent to ${peer}`,
  "nobody-came": ({ seconds }) => `Nobody connected within ${seconds} s`,
  "stalled": ({ seconds }) =>
    `The sender had sent nothing for ${seconds} s, and others were waiting`,
  "superseded": () =>
    "The sender fell silent, and sends the same over a new connection",

  "nothing-to-send": () => "There is nothing to send",
  "cannot-read": ({ path = "standard input", problem }) =>
    `Cannot read ${path}: ${problemWords(problem)}`,
  "read-failed": ({ path = "standard input", problem }) =>
    `Cannot read ${path} to its end${because(problem)}`,
  "source-replaced": ({ path }) =>
    `Cannot read ${path}: it was replaced while it was being opened`,
  "same-name": ({ paths: [one, other], name }) =>
    `Both ${one} and ${other} would arrive as ${name}: send them one after the other`,
  "not-regular": ({ path }) =>
    `Cannot send ${path} together with others: it is not a regular file`,
  "no-name": ({ path }) => `Cannot send ${path}: it has no name`,
  "source-changed": ({ bytes, size }) =>
    `The file changed while it was being read: it has ${
      bytes > size
        ? `more than the ${size} bytes`
        : `${bytes} bytes, not the ${size}`
    } that were offered; send it again`,
  "partial-differs": () =>
    "What the receiver has is not the beginning of this stream, which cannot be read again; without --resume all of it is sent",
  "incomplete": ({ omitted }) =>
    `${
      formatCount(omitted, "file")
    } could not be sent; everything else is stored and verified`,

  "no-directory": ({ path }) => `There is no directory ${path}`,
  "needs-directory": ({ path = "a stream" }) =>
    `Cannot write several files or a directory to ${path}: use -d DIR`,
  "exists": ({ path, inTree, unvouched }) =>
    unvouched
      ? `Cannot write ${path}: it exists already, and without a code ferry neither adds to what exists nor compares it; use --code, --force to replace it, or --rename to keep both`
      : `Cannot write ${path}: it exists already; use --force to replace it, --rename to keep both, or ${
        inTree ? "-d for another directory" : "save elsewhere (-o, -d)"
      }`,
  "is-directory": ({ path, asFile }) =>
    asFile
      ? `Cannot write ${path}: it is a directory; use -d to save in it`
      : `Cannot write ${path}: a directory of that name exists already, and is not replaced`,
  "not-directory": ({ path }) =>
    `Cannot create the directory ${path}: a file of that name exists already`,
  "is-link": ({ path }) =>
    `Cannot write ${path}: it is a symbolic link, and ferry does not write through links`,
  "is-special": ({ path }) =>
    `Cannot write ${path}: it is not a regular file; use a redirection`,
  "names-collide": ({ path }) =>
    `Cannot write ${path}: the file system there takes it for the same name as another that was sent; rename one of them, or use another file system`,
  "in-use": ({ path = "standard output" }) =>
    `Cannot write ${path}: another transfer is writing it; wait until that has ended`,
  "partial-removed": ({ path }) =>
    `Cannot write ${path}: what had arrived was removed in the meantime`,
  "staging-replaced": ({ path }) =>
    `Cannot write ${path}: another user has put it there`,
  "too-many-names": ({ path, max }) =>
    `Cannot write ${path}: ${max} names are there already`,
  "disk-full": ({ path, free, needed, problem = DISK_FULL }) => {
    const full = unwritable({ path, problem });
    return free === undefined || needed === undefined
      ? full
      : `${full}: ${formatBytes(needed)} are needed, and ${
        formatBytes(free)
      } are free`;
  },
  "read-only": unwritable,
  "not-permitted": unwritable,
  "output-closed": ({ path, problem }) =>
    path === undefined && problem === undefined
      ? "The stream was closed before its end"
      : unwritable({ path, problem }),
  "cannot-write": unwritable,
  "corrupt": ({ path }) =>
    `What arrived ${
      path === undefined ? "" : `of ${path} `
    }is not what was sent, and was discarded; send it again`,
  "stored-corrupt": () =>
    "What the receiver stored is not what was sent; send it again",
  "unexpected": ({ what }) => `Unexpected error, please report it: ${what}`,
};

const MEET_REFUSALS = {
  "token": "wants a token: give it with --token=TOKEN or in FERRY_TOKEN",
  "unknown":
    "knows no receiver with the number of this code that waits: was it started with --meet, and is the code right?",
  "full": "has no room for another: try again later, or use another one",
  "too-often": "was asked too often from this network: try again in a minute",
} as const;

const DISK_FULL: SystemProblem = { errno: "ENOSPC", text: "" };

function inBrackets(text: string | undefined): string {
  return text === undefined ? "" : ` (${text})`;
}

function because(problem: SystemProblem | undefined): string {
  return problem === undefined ? "" : `: ${problemWords(problem)}`;
}

function unwritable(
  { path = "standard output", problem }: {
    path?: string | undefined;
    problem?: SystemProblem | undefined;
  },
): string {
  return `Cannot write ${path}${because(problem)}`;
}

function offered(
  { peer, name, entries }: FailureDetail<
    "declined" | "no-consent" | "hidden-name"
  >,
): string {
  const what = name === undefined
    ? "A stream"
    : displayName(entries > 1 ? `${name} and ${entries - 1} more` : name);
  return `${what} from ${peer}`;
}

const NAME_RULES: Readonly<Record<NameRule, string>> = {
  "empty": "it is empty",
  "path": "it could lead out of the directory",
  "too-long": "it is too long",
  "path-too-long": "the path is too long",
  "reserved": "such names are for unfinished files",
  "empty-link": "a link points to nothing",
  "not-utf8": "it is not UTF-8",
  "has-nul": "it has a NUL in it",
  "duplicate": "it comes twice",
  "out-of-order": "it comes out of order",
  "not-offered": "it was not offered",
  "windows-character": "Windows does not allow a character in it",
  "windows-device": "it is the name of a Windows device",
  "windows-ending": "Windows drops the dots and spaces at its end",
  "macos-ignored": "it has a character that macOS ignores",
  "macos-too-long": "it is too long for macOS",
};

/** What a sender is told when its receiver refuses, where that says what to do. */
const REFUSED_WORDS: { readonly [C in PeerCode]?: string } = {
  "version-mismatch":
    `The receiver uses another version of the protocol: ${SAME_FERRY}`,
  "encryption-refused":
    "The receiver was started with --plain and takes nothing encrypted: use it on both sides, or on neither",
  "encryption-required":
    "The receiver requires encryption: leave out --plain here, or use it on both sides",
  "code-required":
    "The receiver requires a code: use --code=CODE or FERRY_CODE, without --plain",
  "code-refused":
    "A code was given here, and the receiver has none: leave it out, or start the receiver with --code=CODE",
  "wrong-code":
    "The code is wrong: ask the person at the receiver for it, and try again",
  "handshake-damaged":
    `The handshake was changed on its way to the receiver: ${INTERFERENCE}`,
  "declined": "The person at the receiver declined",
  "busy": "The receiver is busy with another transfer: try again later",
};

const PEER_WORDS: { readonly [C in PeerCode]?: string } = {
  "version-mismatch": "it uses another version of the protocol",
  "malformed": "it was sent an invalid message",
  "exists": "something of that name exists there already",
  "is-directory": "a directory of that name exists there already",
  "needs-directory":
    "it takes one stream or one file; for more, run ferry receive -d DIR there",
  "cannot-write": "the file cannot be written there",
  "read-only": "its file system is read-only",
  "not-permitted": "it is not permitted to write there",
  "disk-full": "its disk is full",
  "output-closed": "its output was closed",
  "in-use": "another sender is sending the same",
  "corrupt": "what arrived is not what was sent",
  "read-failed": "what was being sent could not be read to its end",
  "name-refused": "a name is not accepted there",
  "declined": "the person there declined",
  "no-consent":
    "nobody can be asked there; start it with --code, -o FILE or --yes",
  "hidden-name":
    "without a code it accepts no name that begins with a dot; start it with --code or -o FILE",
  "busy": "it is busy with another transfer",
};

function peerWords({ code, name }: PeerReason): string {
  const words = PEER_WORDS[code] ?? "no reason was given";
  return name === undefined ? words : `${words} (${name})`;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG:
    "the file is too large for the file system, or for the limit on files (ulimit -f)",
  EPIPE: "it was closed by its reader",
  EIO: "the device reports an error",
  ELOOP: "it is a symbolic link, and links are not followed there",
  ENOTEMPTY: "a directory there is not empty",
  EMFILE: "too many files are open",
  EINVAL: "the system rejects it as invalid",
  EILSEQ: "the file system does not allow such a name",
};

/** What a person is told of an error that the system reported. */
export function problemWords({ errno = "", text }: SystemProblem): string {
  if (errno !== "NotCapable") return PROBLEMS[errno] ?? text;
  // Not even with permission to read and write everything
  return text.includes("--allow-all")
    ? "ferry's runtime opens nothing below /dev, /proc and /sys; use another place, a pipe or a redirection"
    : `ferry's runtime ${text.replace(/^R/, "r")}`;
}

const OMISSIONS = {
  "unfinished": "it belongs to an unfinished transfer",
  "named-pipe": "it is a named pipe",
  "socket": "it is a socket",
  "device": "it is a device",
  "name-not-utf8": "its name is not UTF-8",
  "target-not-utf8": "what it points to is not UTF-8",
  "shrunk": "it changed while it was being read",
  "replaced": "it was replaced while it was being sent",
} satisfies Record<Extract<OmissionReason, string>, string>;

/** Why an entry was left out. */
export function omissionWords(reason: OmissionReason): string {
  return typeof reason === "string" ? OMISSIONS[reason] : problemWords(reason);
}

/** One line for a person. */
export function failureWords(detail: FailureDetail): string {
  const words: (detail: never) => string = MESSAGES[detail.code];
  return words(detail as never) + circumstances(detail);
}

/** Failures after which the same commands lead to more than the same failure. */
const RESUMABLE: ReadonlySet<FailureCode> = new Set([
  "peer-silent",
  "displaced",
  "peer-stopped",
  "unknown-connection",
  "peer-protocol-error",
  "invalid-ack",
  "connection-closed",
  "interrupted",
  "record-damaged",
  "record-truncated",
  "peer-failed",
  "peer-ended",
  "stalled",
  "read-failed",
  "source-changed",
  "partial-removed",
  "disk-full",
  "read-only",
  "not-permitted",
  "output-closed",
  "cannot-write",
  "corrupt",
  "stored-corrupt",
]);

function circumstances(detail: FailureDetail): string {
  const { code, afterProof, remains, resumable, moved } = detail;
  let words = "";
  if (moved !== undefined) {
    words += `; ${moved.count} of ${moved.of} names are in place already`;
  }
  if (remains !== undefined && RESUMABLE.has(code)) {
    words += remains.output === undefined
      ? "; to resume, run both commands again"
      : `; to resume, use send --resume and receive -o ${remains.output}`;
    words += ` (what arrived is in ${remains.path})`;
  }
  // What was refused is refused again
  if (resumable && RESUMABLE.has(code) && !isRefused(detail)) {
    words += "; to resume, run both commands again";
  }
  const told = code === "interrupted" || code === "receiver-unproved" ||
    code === "peer-refused" && detail.reason.code === "wrong-code";
  if (afterProof && !told) {
    words +=
      "; it left as soon as it could test a guess at the code: if that happens again, start the receiver with a new code";
  }
  return words;
}

/** The command line makes no sense, or names what cannot be used. The message is for a person. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export function errorReportOf(error: unknown): ErrorReport {
  if (error instanceof UsageError) {
    const { message } = error;
    return { detail: { code: "usage" }, message, status: EXIT_INPUT };
  }
  const detail = error instanceof Failure ? error.detail : {
    code: "unexpected" as const,
    what: error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error),
  };
  return {
    detail,
    message: failureWords(detail),
    status: exitStatusOf(detail),
  };
}

/** Words for events that a person should know of and that end nothing. */
const NOTICES = {
  "admits": ({ port, what }: EventOf<"admits">) => {
    const reached = `Anyone who can reach UDP port ${port} can`;
    return {
      all: `${reached} send. To require a code: --code`,
      offers:
        `${reached} offer files, and you will be asked. To require a code: --code`,
      unnamed:
        "Without a terminal to ask at, nothing is saved under a name that the sender chooses: use --code, --yes or -o FILE",
    }[what];
  },
  "not-mapped": ({ why, gateway, result }: EventOf<"not-mapped">) => {
    const router = `The router at ${gateway}`;
    const words = {
      "no-gateway": "No router was found that could be asked for a port",
      "silent": `${router} was asked for a port and does not answer`,
      "refused": `${router} opens no port here (result ${result})`,
      "expired": `${router} has closed its port and does not answer any more`,
    };
    return `${words[why]}; going on without`;
  },
  "not-admitted": ({ peer, failure, maxTries }: EventOf<"not-admitted">) => {
    if (failure.code === "code-required") {
      return `${peer} gave no code, and was told that one is needed`;
    }
    const tries = failure.code === "wrong-code" && failure.tries !== undefined
      ? ` (${failure.tries} of ${maxTries})`
      : "";
    return `${peer} was not let in${tries}: ${lowered(failureWords(failure))}`;
  },
  "words-tried": ({ peer, count }: EventOf<"words-tried">) =>
    `${peer} agreed on session words and left${
      count > 2
        ? ` (${count} times now): someone may be trying to get matching session words; --code keeps them out`
        : ""
    }`,
  "still-waiting": ({ peer, failure }: EventOf<"still-waiting">) =>
    `${
      failure === undefined
        ? `${peer} left before it had an answer`
        : failureWords(failure)
    }; still waiting (Ctrl-C ends)`,
  "key-unusable": ({ path }: EventOf<"key-unusable">) =>
    `${path} is not this user's private key, so a transfer that breaks off can be resumed only with a code: remove it`,
  "resumed": ({ bytes, path }: EventOf<"resumed">) =>
    path === undefined
      ? `Resuming at ${formatBytes(bytes)}`
      : "Resuming where an earlier attempt stopped",
  "restarted": ({ path }: EventOf<"restarted">) =>
    `Starting over: what arrived earlier${
      path === undefined ? "" : ` of ${path}`
    } is not the beginning of what is sent now`,
  "omitted": ({ path, reason }: EventOf<"omitted">) =>
    `Left out ${path}: ${omissionWords(reason)}`,
  "incomplete": ({ omitted }: EventOf<"incomplete">) =>
    `The sender could not send ${formatCount(omitted, "file")}, which ${
      omitted === 1 ? "is" : "are"
    } missing here; it shows which`,
  "unconfirmed": () => "Everything is stored, but the sender may not know that",
  "nothing-arrived": ({ port, seconds }: EventOf<"nothing-arrived">) =>
    `Nothing has arrived for ${seconds} s. Is UDP port ${port} open in this machine's firewall?`,
  "meet-waiting": ({ meet, reason }: EventOf<"meet-waiting">) =>
    `The meeting point ${meet} ${MEET_WAITS[reason]}; still trying`,
  "typing": () => "Sending what you type; Ctrl-D on an empty line ends it",
  "output-discarded": () =>
    "Standard output is closed or discarded, so nothing that arrives will be kept; use -o FILE to keep it",
  "report-not-written": ({ path }: EventOf<"report-not-written">) =>
    `The report could not be written to ${path}`,
} as const;

/** What a sender is told whose receiver has not answered yet. */
export function waitingWords(
  { address, refused, seconds }: EventOf<"waiting">,
): string {
  const [, host, port] = /^(.*):([0-9]+)$/.exec(address)!;
  const end = seconds === undefined
    ? "waiting (Ctrl-C ends)"
    : `waiting for up to ${seconds} s`;
  return refused
    ? `${host} is up, but nothing listens on UDP port ${port} yet; ${end}`
    : `No answer from ${address} yet; ${end}`;
}

/** A sentence as the end of another one. */
function lowered(sentence: string): string {
  return /^[A-Z][a-z ]/.test(sentence)
    ? sentence[0]!.toLowerCase() + sentence.slice(1)
    : sentence;
}
const MEET_WAITS = {
  "silent": "does not answer",
  "unknown": "knows no receiver with this number yet",
  "full": "has no room for another",
  "taken": "has given the number to somebody else",
  "too-often": "was asked too often from this network",
} as const;

/** An event that a person should know of and that ends nothing. */
export type Notice = EventOf<keyof typeof NOTICES>;

export function isNotice(event: CliEvent): event is Notice {
  return event.type in NOTICES;
}

/** Whether an event says that something was not sent, which nobody is spared. */
export function isOmission(event: CliEvent): boolean {
  return event.type === "omitted" || event.type === "incomplete";
}

/** One line for a person. */
export function noticeWords(notice: Notice): string {
  const words: (notice: never) => string = NOTICES[notice.type];
  return words(notice as never);
}
