/**
 * What begins a new line somewhere, as one line may have it: shown as a space.
 */
const BREAKS = /[\t\n\v\f\r\x85\u2028\u2029]/gu;

/**
 * What moves a terminal's cursor, changes the direction of writing, or is not
 * seen at all, so that two different texts look the same: controls, format
 * characters, lone surrogates, and what Unicode says may be left out of a
 * display (soft hyphens, fillers, tags). The braille pattern without dots looks
 * like a space.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{DI}\p{Zl}\p{Zp}\u2800]/gu;

/** Joins and variants within an emoji, which many names have. */
const EMOJI_JOINS =
  /(?<=[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}])(?:\ufe0f\u200d?|\u200d)(?=\p{Extended_Pictographic}|(?<=\ufe0f))/gu;

/** Stands for what is not shown: it is seen that something is there. */
const REPLACEMENT = "\ufffd";

/**
 * A text that may have anything in it, as a terminal may be shown it: one line,
 * in which nothing is invisible or reorders what stands beside it.
 */
export function displayText(text: string): string {
  if (!hasUnsafe(text)) return text;
  let shown = "";
  let at = 0;
  for (const { 0: join, index } of text.matchAll(EMOJI_JOINS)) {
    shown += replaced(text.slice(at, index)) + join;
    at = index + join.length;
  }
  return shown + replaced(text.slice(at));
}

function hasUnsafe(text: string): boolean {
  return text.search(UNSAFE) >= 0;
}

function replaced(text: string): string {
  return text.replaceAll(BREAKS, " ").replaceAll(UNSAFE, REPLACEMENT);
}

/**
 * A name that somebody else chose, within a sentence: in quotation marks that
 * it cannot end, and not longer than `most` characters; its end stays, which
 * says of what kind a file is.
 */
export function quotedName(name: string, most = 100): string {
  const characters = [...displayText(name)];
  const tail = Math.min(20, most >> 1);
  const shown = characters.length <= most ? characters : [
    ...characters.slice(0, most - tail - 1),
    "…",
    ...characters.slice(-tail),
  ];
  return `"${shown.join("").replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Names and paths that cannot be taken for anything else in a sentence. */
const PLAIN = /^[\p{L}\p{N}\p{M}._+@%=~/-]+$/u;

/** A name or path that somebody else may have chosen, within a sentence: in quotation marks unless it is plain. */
export function displayName(name: string): string {
  return PLAIN.test(name) && !hasUnsafe(name) ? name : quotedName(name, 255);
}

/** JSON in which nothing changes the display of a terminal: it means the same. */
export function displayJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, escaped);
}

function escaped(text: string): string {
  let escapes = "";
  for (let at = 0; at < text.length; at++) {
    escapes += `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escapes;
}

/** Columns that a character takes, at most. */
export function widthOf(character: string): number {
  return character < "\u0300" ? 1 : 2;
}
