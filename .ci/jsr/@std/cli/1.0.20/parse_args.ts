/** A stand-in for the part of `@std/cli/parse-args` that ferry uses. */

/** Options for {@linkcode parseArgs}. */
export interface ParseOptions<
  Booleans extends string = string,
  Strings extends string = string,
  Defaults extends Record<string, unknown> = Record<string, unknown>,
  Aliases extends AliasMap = AliasMap,
> {
  /** Other names for an option; each name gets its value. */
  alias?: Aliases;
  /** Options without a value; `false` unless given. */
  boolean?: readonly Booleans[];
  /** Values of options that are not given. */
  default?: Defaults;
  /** Options whose value is never taken for a number; `_` for what is no option. */
  string?: readonly Strings[];
  /** Called for what no option declares; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type AliasMap = Record<string, string | readonly string[]>;
type Value = string | number | boolean;

/** All names of the option `Name`. */
type NamesOf<Name, Aliases> =
  & string
  & (
    | Name
    | (Name extends keyof Aliases
      ? Aliases[Name] extends infer A
        ? A extends readonly string[] ? A[number] : A
      : never
      : never)
  );

/** The value that {@linkcode parseArgs} returns. */
type Parsed<
  Booleans extends string,
  Strings extends string,
  Defaults,
  Aliases,
> =
  & { [Name in Booleans as NamesOf<Name, Aliases>]: boolean }
  & {
    [Name in Strings & keyof Defaults as NamesOf<Name, Aliases>]:
      | string
      | Defaults[Name];
  }
  & {
    [Name in Exclude<Strings, keyof Defaults> as NamesOf<Name, Aliases>]?:
      string;
  }
  & { [name: string]: unknown; _: (string | number)[] };

/**
 * Takes a list of command line arguments apart into options and positional
 * arguments.
 *
 * @param args the arguments, as in `Deno.args`
 * @param options which options there are, and what they look like
 * @returns each option under its names, and the positional arguments under `_`
 */
export function parseArgs<
  const Booleans extends string = never,
  const Strings extends string = never,
  Defaults extends Record<string, unknown> = Record<never, never>,
  const Aliases extends AliasMap = Record<never, never>,
>(
  args: string[],
  options: ParseOptions<Booleans, Strings, Defaults, Aliases> = {},
): Parsed<Exclude<Booleans, "_">, Exclude<Strings, "_">, Defaults, Aliases> {
  return new Parser(options).parse(args) as ReturnType<
    typeof parseArgs<Booleans, Strings, Defaults, Aliases>
  >;
}

class Parser {
  readonly #options: ParseOptions;
  readonly #synonyms = new Map<string, readonly string[]>();
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #found: Record<string, unknown> = {};
  readonly #positional: (string | number)[] = [];

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const names = [name, others].flat();
      for (const one of names) this.#synonyms.set(one, names);
    }
    this.#booleans = new Set(options.boolean?.flatMap(this.#namesOf));
    this.#strings = new Set(options.string?.flatMap(this.#namesOf));
  }

  parse(args: string[]): Record<string, unknown> {
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    for (let i = 0; i < end; i++) {
      const arg = args[i];
      const next = i + 1 < end ? args[i + 1] : undefined;
      if (/^--./s.test(arg)) i += this.#long(arg, next);
      else if (/^-[^-]/s.test(arg)) i += this.#short(arg, next);
      else if (this.#options.unknown?.(arg) !== false) {
        this.#positional.push(this.#strings.has("_") ? arg : guess(arg));
      }
    }
    this.#fillIn();
    return {
      _: [...this.#positional, ...args.slice(end + 1)],
      ...this.#found,
    };
  }

  /** Takes `--name`, `--name=value` or `--name value`. Returns how many following arguments it used. */
  #long(arg: string, next: string | undefined): number {
    // Without options that can be negated, "no-" means something only before a value.
    const [, name, value] = /^--(?:no-)?(.+?)=(.+)$/s.exec(arg) ?? [];
    if (name === undefined) return this.#last(arg.slice(2), arg, next, /^-/);
    this.#set(name, this.#booleans.has(name) ? value !== "false" : value, arg);
    return 0;
  }

  /** Takes `-abc`, `-n5`, `-n=value` or `-n value`. Returns how many following arguments it used. */
  #short(arg: string, next: string | undefined): number {
    for (let i = 1; i < arg.length - 1; i++) {
      const letter = arg[i];
      const rest = arg.slice(i + 1);
      const value = /[A-Za-z]/.test(letter)
        ? /=(.+)/.exec(rest)?.[1] ?? /^.*\d$/.exec(rest)?.[0]
        : undefined;
      if (value !== undefined || /^\W/.test(rest)) {
        this.#set(letter, value ?? rest, arg);
        return 0;
      }
      this.#set(letter, this.#strings.has(letter) ? "" : true, arg);
    }
    const letter = arg[arg.length - 1];
    return letter === "-" ? 0 : this.#last(letter, arg, next, /^--?[^-]/);
  }

  /** Sets an option that may take the next argument for its value. */
  #last(
    name: string,
    arg: string,
    next: string | undefined,
    option: RegExp,
  ): number {
    if (next && !option.test(next) && !this.#booleans.has(name)) {
      this.#set(name, next, arg);
      return 1;
    }
    if (next === "true" || next === "false") {
      this.#set(name, next === "true", arg);
      return 1;
    }
    this.#set(name, this.#strings.has(name) ? "" : true, arg);
    return 0;
  }

  #set(name: string, value: Value, arg: string): void {
    const declared = this.#booleans.has(name) || this.#strings.has(name) ||
      this.#synonyms.has(name);
    if (!declared && this.#options.unknown?.(arg, name, value) === false) {
      return;
    }
    const kept = typeof value === "string" && !this.#strings.has(name)
      ? guess(value)
      : value;
    for (const one of this.#namesOf(name)) this.#found[one] = kept;
  }

  #fillIn(): void {
    for (const [name, value] of Object.entries(this.#options.default ?? {})) {
      if (Object.hasOwn(this.#found, name)) continue;
      for (const one of this.#namesOf(name)) this.#found[one] = value;
    }
    for (const name of this.#booleans) {
      if (!Object.hasOwn(this.#found, name)) this.#found[name] = false;
    }
  }

  readonly #namesOf = (name: string): readonly string[] =>
    this.#synonyms.get(name) ?? [name];
}

/** A number where the text is one, else the text. */
function guess(text: string): string | number {
  return /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}
