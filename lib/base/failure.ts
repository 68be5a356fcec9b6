/**
 * The codes of all failures, each with its data. A code says what happened; it
 * does not change, so that a program can switch on it. New codes may be added.
 *
 * Addresses of peers are as in `192.0.2.1:5000`, paths as they were given or
 * found on this machine, names as a peer sent them: they may contain anything.
 */
export interface FailureData {
  // Connecting
  /** Nothing came back from the address within `seconds`. */
  "no-answer": PeerSilence & {
    /** Other addresses of the same host that were tried, too. */
    others?: readonly string[];
    /** Whether the systems at all addresses say that nothing listens at the port. */
    refused?: boolean;
  };
  /** No receiver with the code's number answered on this network within `seconds`. */
  "nobody-near": { seconds: number };
  /** The peer was there, and nothing came from it for `seconds`. */
  "peer-silent": PeerSilence;
  /** The receiver serves as many others as it can, or another sender was chosen. */
  "busy": { peer?: string };
  /** This receiver needed the connection's place for others. */
  "displaced": { peer: string };
  /** The peer ended the connection before the transfer was complete. */
  "peer-stopped": { peer: string };
  /** The peer does not know the connection: it was restarted, or has given up. */
  "unknown-connection": { peer: string };
  /** The peer says that this side broke the rules of the protocol. */
  "peer-protocol-error": { peer: string };
  /** The peer acknowledged packets that were not sent to it. */
  "invalid-ack": { peer: string };
  /** The connection is closed already. */
  "connection-closed": NoDetail;
  /** This side stopped it; `signal` is the number of a signal to the process. */
  "interrupted": { signal?: number };
  /** The peer speaks another version of one of the layers. */
  "version-mismatch": {
    layer: "protocol" | "security" | "transfer";
    peer?: string;
    /** Versions, where they are known. */
    theirs?: number;
    ours?: number;
  };
  /** The name service does not know the host. */
  "unknown-host": { host: string };
  /** The host has only addresses with a zone, which cannot be sent to. */
  "zone-address": { host: string };
  /** The host has no IPv4 address, and only IPv4 can be used. */
  "no-ipv4-address": { host: string };
  /** The local UDP port is in use. */
  "port-in-use": { port: number };
  /** The system does not permit this local UDP port. */
  "port-denied": { port: number };
  /** The runtime has no UDP sockets: Deno has them with `--unstable-net`. */
  "no-udp": NoDetail;
  /** The local address cannot be bound. */
  "cannot-bind": { address: string };

  /** The meeting point did not answer within `seconds`. */
  "meet-silent": { meet: string; seconds: number };
  /**
   * The meeting point refuses: it wants a token, knows nobody under the number, has
   * no room, or was asked too often.
   */
  "meet-refused": {
    meet: string;
    reason: "token" | "unknown" | "full" | "too-often";
  };
  /** The meeting point relays nothing, and no direct path to the peer was found. */
  "no-direct-path": { meet: string; peer: string };

  // Security
  /** The receiver answered, and did not complete the handshake within `seconds`. */
  "handshake-timeout": { peer: string; seconds: number };
  /** The sender made no offer within `seconds`. */
  "offer-timeout": { peer: string; seconds: number };
  /** The code is empty. */
  "code-empty": NoDetail;
  /** The code has more than `max` characters. */
  "code-too-long": { max: number };
  /** A code is needed, none was given, and there is no terminal to ask at. */
  "code-missing": NoDetail;
  /** A meeting point finds a receiver by the number that its code begins with. */
  "code-without-number": NoDetail;
  /** At a meeting point both sides need a code. */
  "meet-needs-code": NoDetail;
  /** At a receiver: the sender's code is another. (The sender's failure is `peer-refused`, for this reason.) */
  "wrong-code": {
    /** At the receiver: wrong codes so far, with this one. */
    tries?: number;
  };
  /** The receiver has not proved that it knows the code. */
  "receiver-unproved": NoDetail;
  /** `max` wrong codes were tried, so the receiver ended. */
  "too-many-wrong-codes": { max: number };
  /** One sender completes too many handshakes without an offer. */
  "too-many-handshakes": NoDetail;
  /** This receiver does not encrypt, and the sender does. */
  "encryption-refused": NoDetail;
  /** This receiver encrypts, and the sender does not. */
  "encryption-required": NoDetail;
  /** This receiver wants a code, and the sender gave none. */
  "code-required": NoDetail;
  /** The sender gave a code, and this receiver has none. */
  "code-refused": NoDetail;
  /** The handshake was changed on the way. */
  "handshake-damaged": { by: "sender" | "receiver" };
  /** The peer ended in the handshake. */
  "handshake-truncated": NoDetail;
  /** A record was changed on the way: it does not decrypt. */
  "record-damaged": NoDetail;
  /** The stream of records was cut short on the way. */
  "record-truncated": NoDetail;

  // Agreeing on a transfer
  /** The peer violated the specification of a layer. */
  "malformed": {
    layer: "security" | "transfer";
    /** The rule that was broken, in a few technical words for debugging. */
    what: string;
  };
  /** The peer sent a name that is not allowed. */
  "name-refused": { name: string; rule: NameRule };
  /** The receiver refused the handshake or the offer: `reason` has its own code, such as `wrong-code` or `declined`. */
  "peer-refused": { reason: PeerReason };
  /** The peer could not go on after the offer was accepted: `reason` has its own code, such as `disk-full`. */
  "peer-failed": { by: "sender" | "receiver"; reason: PeerReason };
  /** The peer ended before the transfer was complete. */
  "peer-ended": { by: "sender" | "receiver" };
  /** The person at this receiver declined the offer. */
  "declined": RefusedOffer;
  /** The offer needs consent, and there is no terminal to ask at. */
  "no-consent": RefusedOffer;
  /** A name that begins with a dot is taken only from a known sender. */
  "hidden-name": RefusedOffer;
  /** The person at this sender declined the receiver. */
  "not-confirmed": { peer: string };
  /** No sender came within `seconds`. */
  "nobody-came": { seconds: number };
  /** The transfer made no progress for `seconds`, and others were waiting. */
  "stalled": { seconds: number };
  /** The sender fell silent, and another connection sends the same. */
  "superseded": NoDetail;

  // Reading the source
  /** Nothing to send was given. */
  "nothing-to-send": NoDetail;
  /** The source cannot be opened; without a path: standard input. */
  "cannot-read": { path?: string; problem: SystemProblem };
  /** Reading failed after the transfer had begun. */
  "read-failed": { path?: string; problem?: SystemProblem };
  /** The file was replaced while it was being opened. */
  "source-replaced": { path: string };
  /** Both paths would arrive under one name. */
  "same-name": { paths: readonly [string, string]; name: string };
  /** Only regular files and directories can be sent together. */
  "not-regular": { path: string };
  /** The path has no last component that could be its name. */
  "no-name": { path: string };
  /** A file changed while it was read: it has `bytes` bytes and not `size`. */
  "source-changed": { bytes: number; size: number };
  /** The receiver has part of something else, and the stream cannot be read again. */
  "partial-differs": NoDetail;
  /** Everything was stored but `omitted` entries that could not be read. */
  "incomplete": { omitted: number };

  // Storing the received content; without a path: standard output or a stream
  /** There is no such directory. */
  "no-directory": { path: string };
  /** A tree is stored only in a directory, not in a file or a stream. */
  "needs-directory": { path?: string | undefined };
  /** There is something of that name, and it is not replaced unless wanted. */
  "exists": {
    path: string;
    /** Whether it is an entry of a tree. */
    inTree?: boolean;
    /** Whether it might be added to or kept for a sender that a code vouches for. */
    unvouched?: boolean;
  };
  /** A directory of that name is there, and is never replaced. */
  "is-directory": {
    path: string;
    /** Whether it was named as the file to write. */
    asFile?: boolean;
  };
  /** A directory cannot be made: its name is taken by something else. */
  "not-directory": { path: string };
  /** A link is there, and nothing is written through links. */
  "is-link": { path: string };
  /** The existing entry is neither a regular file nor a directory. */
  "is-special": { path: string };
  /** The file system takes two names that were sent for one. */
  "names-collide": { path: string };
  /** Another transfer writes the same. */
  "in-use": { path?: string | undefined };
  /** The partial file was removed or replaced by another program. */
  "partial-removed": { path: string };
  /** A directory for unfinished transfers was replaced by another user. */
  "staging-replaced": { path: string };
  /** More than `max` names outside of all directories. */
  "too-many-names": { path: string; max: number };
  /** The disk or the quota is full. */
  "disk-full": {
    path?: string;
    /** Bytes that are free and that are needed, where that was known before. */
    free?: number;
    needed?: number;
    problem?: SystemProblem;
  };
  /** The file system is read-only. */
  "read-only": WriteProblem;
  /** The system does not permit to write there. */
  "not-permitted": WriteProblem;
  /** The reader of the output has closed it. */
  "output-closed": WriteProblem;
  /** The system reports another error. */
  "cannot-write": WriteProblem;
  /** The received content does not have the digest that was sent. */
  "corrupt": { path?: string };
  /** The receiver's digest is not that of the sent content. */
  "stored-corrupt": NoDetail;
  /** An error that is no failure of this list: a bug. */
  "unexpected": { what: string };
}

/** The data of a code that needs none. */
export type NoDetail = Record<never, never>;

/** How long nothing came from a peer. */
export interface PeerSilence {
  /** Address and port. */
  peer: string;
  /** How long. */
  seconds: number;
  /** The system's error if datagrams could not be sent. */
  sendError?: string | undefined;
}

/** An offer that was not accepted. */
export interface RefusedOffer {
  /** Address and port of the sender. */
  peer: string;
  /** The first name; a stream has none. */
  name?: string | undefined;
  /** How many there are outside of all directories. */
  entries: number;
}

/** A file that cannot be written. */
export interface WriteProblem {
  /** Without a path: standard output or a stream. */
  path?: string | undefined;
  /** The system's error. */
  problem?: SystemProblem | undefined;
}

/** An error of the system. */
export interface SystemProblem {
  /** As in errno(3), `ENOENT` for instance; `NotCapable` where the runtime lacks a permission. */
  readonly errno?: string | undefined;
  /** The runtime's message. */
  readonly text: string;
}

/** The problem that an error of the system or the runtime amounts to. */
export function systemProblem(error: unknown): SystemProblem {
  if (!(error instanceof Error)) return { text: String(error) };
  const text = error.message.replace(/ \(os error.*/s, "");
  if (error.name === "NotCapable") return { errno: "NotCapable", text };
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? { errno: code, text } : { text };
}

/** Why a name that a peer sent is not allowed. */
export type NameRule =
  /** It has no characters. */
  | "empty"
  /** It is `.`, `..` or has a slash. */
  | "path"
  | "too-long"
  | "path-too-long"
  /** It ends as the names of unfinished files do. */
  | "reserved"
  | "empty-link"
  | "not-utf8"
  | "has-nul"
  | "duplicate"
  | "out-of-order"
  /** It was not in the offer. */
  | "not-offered"
  | "windows-character"
  | "windows-device"
  | "windows-ending"
  | "macos-ignored"
  | "macos-too-long";

/** Why the peer refused or could not go on, as far as it says. */
export interface PeerReason {
  /** What happened there. */
  readonly code: PeerCode;
  /** The name concerned, as the sender gave it. */
  readonly name?: string;
}

/** The codes that a peer can give: those of its own failure, or `unspecified`. */
export type PeerCode =
  | Extract<
    FailureCode,
    | "version-mismatch"
    | "encryption-refused"
    | "encryption-required"
    | "code-required"
    | "code-refused"
    | "wrong-code"
    | "handshake-damaged"
    | "malformed"
    | "exists"
    | "is-directory"
    | "needs-directory"
    | "cannot-write"
    | "read-only"
    | "not-permitted"
    | "disk-full"
    | "output-closed"
    | "in-use"
    | "corrupt"
    | "read-failed"
    | "name-refused"
    | "declined"
    | "no-consent"
    | "hidden-name"
    | "busy"
  >
  | "unspecified";

/** Why an entry of a tree is not sent. */
export type OmissionReason =
  /** A remainder of an unfinished transfer. */
  | "unfinished"
  | "named-pipe"
  | "socket"
  | "device"
  | "name-not-utf8"
  /** The target of a link is not UTF-8. */
  | "target-not-utf8"
  /** The file became shorter while it was read. */
  | "shrunk"
  /** It was replaced after it was listed. */
  | "replaced"
  | SystemProblem;

/** Circumstances that any failure may have. */
export interface Circumstances {
  /** Whether it was found before anything was exchanged with a peer: bad input. */
  readonly atStart?: boolean;
  /**
   * Whether the peer broke off when it had this side's proof of the code: with
   * that it can check one guess at the code.
   */
  readonly afterProof?: boolean;
  /** What remains for the next attempt, and where. */
  readonly remains?: {
    readonly path: string;
    /** The file to give again as destination, where the sender gave no name. */
    readonly output?: string | undefined;
  };
  /** At a sender: whether the receiver keeps what has arrived for the next attempt. */
  readonly resumable?: boolean;
  /** How many names of a tree have their final place already, of all. */
  readonly moved?: { readonly count: number; readonly of: number };
}

/** The code of a failure. */
export type FailureCode = keyof FailureData;

/** What happened: a code and the data that belongs to it. */
export type FailureDetail<C extends FailureCode = FailureCode> =
  & { [K in C]: { readonly code: K } & Readonly<FailureData[K]> }[C]
  & Circumstances;

/**
 * An end without success. Its `detail` says what happened, for programs; the
 * message is for debugging. The command line has words for people.
 */
export class Failure extends Error {
  /** The name of the class. */
  override readonly name = "Failure";
  /** What happened. */
  readonly detail: FailureDetail;

  /**
   * Makes a failure.
   *
   * @param detail what happened
   */
  constructor(detail: FailureDetail, options?: ErrorOptions) {
    super(messageOf(detail), options);
    this.detail = detail;
  }

  /** What happened, without its data. */
  get code(): FailureCode {
    return this.detail.code;
  }

  /** The same failure with more that is known of it. */
  with(circumstances: Circumstances): Failure {
    return new Failure({ ...this.detail, ...circumstances }, { cause: this });
  }
}

function messageOf({ code, ...data }: FailureDetail): string {
  return Object.keys(data).length === 0
    ? code
    : `${code} ${JSON.stringify(data)}`;
}
