/** Line breaks and tabs; displayed as a space. */
const BREAKS = /[\t\n\v\f\r\x85\u2028\u2029]/gu;

/**
 * Characters that move the cursor, reorder text or are invisible, so that two
 * different texts look the same: controls, format characters, lone surrogates,
 * and default ignorables (soft hyphens, fillers, tags). The blank braille
 * pattern looks like a space.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{DI}\p{Zl}\p{Zp}\u2800]/gu;

/** Joiners and variation selectors within emoji, which are common in names. */
const EMOJI_JOINS =
  /(?<=[\p{Extended_Pictographic}\u{1f3fb}-\u{1f3ff}])(?:\ufe0f\u200d?|\u200d)(?=\p{Extended_Pictographic}|(?<=\ufe0f))/gu;

/** Displayed in place of an unsafe character. */
const REPLACEMENT = "\ufffd";

/**
 * Makes untrusted text safe for a terminal: one line without invisible or
 * reordering characters.
 */
export function displayText(text: string): string {
  if (!hasUnsafe(text)) return text;
  let shown = "";
  let at = 0;
  for (const { 0: join, index } of text.matchAll(EMOJI_JOINS)) {
    shown += withReplacements(text.slice(at, index)) + join;
    at = index + join.length;
  }
  return shown + withReplacements(text.slice(at));
}

function hasUnsafe(text: string): boolean {
  return text.search(UNSAFE) >= 0;
}

function withReplacements(text: string): string {
  return text.replaceAll(BREAKS, " ").replaceAll(UNSAFE, REPLACEMENT);
}

/**
 * Quotes an untrusted name for a sentence, with at most `most` characters. Its
 * end is kept, since that tells the type of a file.
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

/** Names and paths that need no quotation marks. */
const PLAIN = /^[\p{L}\p{N}\p{M}._+@%=~/-]+$/u;

/** An untrusted name or path for a sentence: quoted unless it is plain. */
export function displayName(name: string): string {
  return PLAIN.test(name) && !hasUnsafe(name) ? name : quotedName(name, 255);
}

/** JSON with unsafe characters escaped; the value is the same. */
export function displayJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, escaped);
}

function escaped(text: string): string {
  const units = text.split("").map((unit) => unit.charCodeAt(0).toString(16));
  return units.map((digits) => `\\u${digits.padStart(4, "0")}`).join("");
}

/**
 * The most columns that a text takes. The first wide characters are leading
 * Hangul, and the next a watch (Unicode Standard Annex 11).
 */
export function widthOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    const isNarrow = character < "\u1100" ||
      character > "\u115f" && character < "\u231a";
    columns += isNarrow ? 1 : 2;
  }
  return columns;
}
