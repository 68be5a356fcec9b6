import { displayName, quotedName } from "../../base/display_text.ts";
import { abortable } from "../../base/async.ts";
import { isHidden, type OfferRequest } from "../../session/consent.ts";
import { formatBytes, formatCount } from "../format.ts";
import type { Question, Reporter } from "../reporting/reporter.ts";
import { normalCode } from "../../secure/code/code.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Milliseconds for which an answer does not count after a question was
 * withdrawn: it may have been meant for that one.
 */
const WITHDRAWAL_GRACE = 700;

/** Asks the person at a terminal one question after another; no is the default. */
export class Questions {
  readonly #terminal: Pick<Terminal, "ask">;
  readonly #reporter: Pick<Reporter, "on">;
  #last: Promise<void> = Promise.resolve();
  #withdrawnAt = -Infinity;

  constructor(
    terminal: Pick<Terminal, "ask">,
    reporter: Pick<Reporter, "on">,
  ) {
    this.#terminal = terminal;
    this.#reporter = reporter;
  }

  /**
   * Asks as soon as all earlier questions are answered or withdrawn.
   *
   * @returns whether the answer is yes
   * @throws the reason of `withdrawn`
   */
  async ask(question: Question, withdrawn: AbortSignal): Promise<boolean> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    try {
      await abortable(before, withdrawn);
      return await this.#askNow(question, withdrawn);
    } finally {
      before.then(resolve);
    }
  }

  async #askNow(
    question: Question,
    withdrawn: AbortSignal,
  ): Promise<boolean> {
    let accepted: boolean | undefined;
    try {
      accepted = await this.#answer(question, withdrawn);
      return accepted;
    } catch (error) {
      this.#withdrawnAt = performance.now();
      throw error;
    } finally {
      this.#reporter.on({ type: "answer", ...question, accepted });
    }
  }

  async #answer(question: Question, withdrawn: AbortSignal): Promise<boolean> {
    const counts = Math.max(
      performance.now(),
      this.#withdrawnAt + WITHDRAWAL_GRACE,
    );
    for (;;) {
      const show = () => this.#reporter.on({ type: "question", ...question });
      const line = await this.#terminal.ask(show, withdrawn);
      if (line === null) return false;
      if (performance.now() >= counts) return /^\s*y(es)?\s*$/i.test(line);
    }
  }
}

/** Top-level names that are shown, unless more of them begin with a dot. */
const MAX_NAMES = 8;

/** What a person has to know to answer, a line each. */
export function questionLines({ about, request }: Question): string[] {
  const { peer, words } = request;
  if (about === "offer") {
    const size = sizeOf(request);
    return [
      `${peer} offers ${requestTitle(request)}${size}${placeOf(request)}`,
      ...existingLine(request),
      wordsLine("sender", words),
    ];
  }
  return [
    `Connected to ${peer}, without a code`,
    wordsLine("receiver", words),
  ];
}

function requestTitle({ kind, names, entries }: OfferRequest): string {
  if (kind === undefined) return "a stream";
  const shown = nameList(names, entries);
  if (entries > 1) return `${entries} entries: ${shown}`;
  return kind === "tree" ? `the directory ${shown}` : shown;
}

function nameList(names: readonly string[], count: number): string {
  const shown = namesToShow(names).map((name) => quotedName(name));
  const more = count - shown.length;
  if (more > 0) shown.push(`${more} more`);
  return shown.join(", ");
}

/** What a yes means for what is there already. */
function existingLine({ existing, replaces, kind }: OfferRequest): string[] {
  const { length } = existing;
  if (length === 0) return [];
  const exists = length === 1 ? "exists" : "exist";
  const meaning = kind === "file"
    ? "it stays if it is the same"
    : "what is new is added, what is the same stays";
  const otherwise = replaces
    ? "what differs is replaced"
    : "if anything differs, all is refused (--rename would keep both)";
  return [
    `${nameList(existing, length)} ${exists} already: ${meaning}; ${otherwise}`,
  ];
}

/** The first names, and all that begin with a dot: those are taken only if they were shown. */
function namesToShow(names: readonly string[]): readonly string[] {
  let others = MAX_NAMES - names.filter(isHidden).length;
  return names.filter((name) => isHidden(name) || others-- > 0);
}

function sizeOf({ kind, files, size }: OfferRequest): string {
  const parts: string[] = [];
  if (kind === "tree" && files !== undefined) {
    parts.push(formatCount(files, "file"));
  }
  parts.push(size === undefined ? "of unknown size" : formatBytes(size));
  return `, ${parts.join(", ")}`;
}

/** Where it is saved, unless that is here and under the same name. */
function placeOf({ entries, names, target }: OfferRequest): string {
  const expected = entries > 1 ? "." : names[0];
  if (target === undefined || target === expected) return "";
  return `, to be saved ${entries > 1 ? "in" : "as"} ${displayName(target)}`;
}

function wordsLine(
  other: "sender" | "receiver",
  words: readonly string[] | undefined,
): string {
  return words === undefined
    ? "Nothing is encrypted, so nothing shows whether someone is in between"
    : `The ${other} must see the same words: ${words.join(" ")}`;
}

/**
 * Asks the person at the terminal for the receiver's code.
 *
 * @returns `undefined` where nobody can be asked
 * @throws {Failure} `code-empty` or `code-too-long`
 */
export async function askCode(
  terminal: Terminal | undefined,
  interrupted: AbortSignal,
): Promise<string | undefined> {
  const question = new TextEncoder().encode("The receiver's code: ");
  const show = () => void Deno.stderr.writeSync(question);
  const line = await terminal?.ask(show, interrupted) ?? undefined;
  return line === undefined ? undefined : normalCode(line);
}
