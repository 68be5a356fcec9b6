import { assertEquals, assertRejects } from "@std/assert";
import type { CliEvent } from "../../../lib/cli/reporting/reporter.ts";
import {
  questionLines,
  Questions,
} from "../../../lib/cli/terminal/questions.ts";
import type { OfferRequest } from "../../../lib/session/consent.ts";
import { until } from "../../support/wait.ts";

const REQUEST: OfferRequest = {
  peer: "192.0.2.5:40000",
  words: ["carpet", "cyclone", "journey"],
  kind: "file",
  names: ["photo.raw"],
  entries: 1,
  files: 1,
  size: 3_100_000,
  target: "photo.raw",
  existing: [],
  replaces: false,
};

function lines(changes: Partial<OfferRequest>): string[] {
  return questionLines({ about: "offer", request: { ...REQUEST, ...changes } });
}

Deno.test("a person sees what is offered, from where, how large, and the words", () => {
  assertEquals(lines({}), [
    '192.0.2.5:40000 offers "photo.raw", 3.1 MB',
    "The sender must see the same words: carpet cyclone journey",
  ]);
  assertEquals(
    lines({ kind: undefined, names: [], entries: 0, size: undefined })[0],
    "192.0.2.5:40000 offers a stream, of unknown size, to be saved as photo.raw",
  );
});

Deno.test("of a tree a person sees its names and all that is in it", () => {
  const tree = { kind: "tree", size: 5e9, target: "." } as const;
  assertEquals(
    lines({ ...tree, names: ["photos"], files: 1234, target: "photos" })[0],
    '192.0.2.5:40000 offers the directory "photos", 1,234 files, 5.0 GB',
  );
  const names = ["a", ".ssh", "c"];
  assertEquals(
    lines({ ...tree, names, entries: 5, files: undefined })[0],
    '192.0.2.5:40000 offers 5 entries: "a", ".ssh", "c", 2 more, 5.0 GB',
  );
});

Deno.test("a name that begins with a dot is shown, however many others come before it", () => {
  const before = Array.from("abcdefghij", (letter) => `!${letter}`);
  const names = [...before, ".bashrc"];
  const shown = before.slice(0, 7).map((name) => `"${name}"`).join(", ");
  assertEquals(
    lines({ kind: "tree", names, entries: 11, size: 5e9, target: "." })[0],
    `192.0.2.5:40000 offers 11 entries: ${shown}, ".bashrc", 3 more, 1 file, 5.0 GB`,
  );
});

Deno.test("where something is saved is told unless it is here, under its own name", () => {
  assertEquals(
    lines({ target: "in/photo.raw" })[0],
    '192.0.2.5:40000 offers "photo.raw", 3.1 MB, to be saved as in/photo.raw',
  );
  const names = ["a", "b"];
  assertEquals(
    lines({ kind: "tree", names, entries: 2, files: 2, target: "my files" })[0],
    '192.0.2.5:40000 offers 2 entries: "a", "b", 2 files, 3.1 MB, to be saved in "my files"',
  );
});

Deno.test("what exists already is told with what a yes means for it", () => {
  const existing = ["photo.raw"];
  assertEquals(
    lines({ existing })[1],
    '"photo.raw" exists already: it stays if it is the same; if anything differs, all is refused (--rename would keep both)',
  );
  const tree = { kind: "tree", names: ["a", "b"], entries: 2 } as const;
  assertEquals(
    lines({ ...tree, existing: ["a", "b"], replaces: true })[1],
    '"a", "b" exist already: what is new is added, what is the same stays; what differs is replaced',
  );
});

Deno.test("a name cannot end its quotation, move the cursor or hide what it is", () => {
  const [line] = lines({ names: ['a" from root\n\x1b[2J\u202egpj.exe\u200b'] });
  assertEquals(
    line,
    '192.0.2.5:40000 offers "a\\" from root �[2J�gpj.exe�", 3.1 MB, to be saved as photo.raw',
  );
});

Deno.test("where nothing is encrypted there are no words to compare, and that is said", () => {
  assertEquals(
    lines({ words: undefined })[1],
    "Nothing is encrypted, so nothing shows whether someone is in between",
  );
});

/** A person who answers from a list, and what was shown. */
function person(answers: (string | null)[]) {
  const log: string[] = [];
  const pending: PromiseWithResolvers<string | null>[] = [];
  const terminal = {
    async ask(show: () => void, signal: AbortSignal) {
      signal.throwIfAborted();
      show();
      const answer = answers.shift();
      if (answer !== undefined) return answer;
      const waiting = Promise.withResolvers<string | null>();
      pending.push(waiting);
      signal.addEventListener("abort", () => waiting.reject(signal.reason));
      return await waiting.promise;
    },
  };
  const reporter = {
    on: (event: CliEvent) => {
      if (event.type === "question") log.push(`? ${event.request.peer}`);
      if (event.type === "answer") log.push(`${event.accepted}`);
    },
  };
  const questions = new Questions(terminal, reporter);
  const ask = (peer: string, signal = new AbortController().signal) =>
    questions.ask({ about: "offer", request: { ...REQUEST, peer } }, signal);
  return { ask, log };
}

Deno.test("only yes is yes: anything else, nothing and the end of input are no", async () => {
  for (const answer of ["y\n", "Y\n", "yes\n", "  YES \n"]) {
    assertEquals(await person([answer]).ask("a"), true, answer);
  }
  for (
    const answer of ["\n", "n\n", "yy\n", "yes please\n", "ja\n", "", null]
  ) {
    assertEquals(await person([answer]).ask("a"), false, `${answer}`);
  }
});

Deno.test("one question is asked after another", async () => {
  const { ask, log } = person(["y\n", "n\n"]);
  const answers = await Promise.all([ask("a"), ask("b")]);
  assertEquals(answers, [true, false]);
  assertEquals(log, ["? a", "true", "? b", "false"]);
});

Deno.test("a question ends when whoever it is about has left, and the next is asked", async () => {
  const { ask, log } = person([]);
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = ask("a", first.signal);
  const next = ask("b", second.signal);
  const gone = new Error("Gone");
  await until(() => log.includes("? a"));
  first.abort(gone);
  await assertRejects(() => asked, Error, "Gone");
  await until(() => log.includes("? b"));
  second.abort(gone);
  await assertRejects(() => next, Error, "Gone");
  assertEquals(log, ["? a", "undefined", "? b", "undefined"]);
});

Deno.test("an answer to a question that was just withdrawn is none to the next", async () => {
  const answers: string[] = [];
  const { ask, log } = person(answers);
  const first = new AbortController();
  const asked = ask("a", first.signal);
  await until(() => log.includes("? a"));
  first.abort(new Error("Gone"));
  await assertRejects(() => asked, Error, "Gone");
  answers.push("y\n");
  const second = new AbortController();
  const next = ask("b", second.signal);
  // The answer that came at once does not count: it is asked again
  await until(() => log.filter((line) => line === "? b").length === 2);
  second.abort(new Error("Gone"));
  await assertRejects(() => next, Error, "Gone");
});
