/** A stand-in for the part of `@std/cli/parse-args` that ferry uses. */

/** Options for {@linkcode parseArgs}. */
export interface ParseOptions<
  Booleans extends string = string,
  Strings extends string = string,
  Collected extends string = string,
  Negatables extends string = string,
  Defaults extends Record<string, unknown> = Record<string, unknown>,
  Aliases extends AliasMap = AliasMap,
  DoubleDash extends boolean = boolean,
> {
  /** Whether what follows `--` is kept apart, under `"--"`. */
  "--"?: DoubleDash;
  /** Other names for an option; each name gets its value. */
  alias?: Aliases;
  /** Options without a value; `false` unless given. */
  boolean?: Names<Booleans>;
  /** Options that keep every value in an array. */
  collect?: Names<Collected>;
  /** Values of options that are not given. */
  default?: Defaults;
  /** Options that `--no-NAME` sets to `false`. */
  negatable?: Names<Negatables>;
  /** Whether everything after the first positional argument is positional. */
  stopEarly?: boolean;
  /** Options whose value is never taken for a number. */
  string?: Names<Strings>;
  /** Called for what no option declares; `false` leaves it out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type Names<Name extends string> = Name | readonly Name[];
type AliasMap = Record<string, string | readonly string[]>;
type Value = string | number | boolean;

/** All names of the option `Name`. */
type NamesOf<Name, Aliases> =
  | Name
  | (Name extends keyof Aliases
    ? Aliases[Name] extends infer A
      ? A extends readonly string[] ? A[number] : A extends string ? A : never
    : never
    : never);

type ValueOf<Name, Type, Collected, Negatables> =
  | (Name extends Collected ? Type[] : Type)
  | (Name extends Negatables ? false : never);

/** The value that {@linkcode parseArgs} returns. */
type Parsed<
  Booleans extends string,
  Strings extends string,
  Collected extends string,
  Negatables extends string,
  Defaults,
  Aliases,
  DoubleDash extends boolean,
> =
  & {
    [
      Name in Booleans | Extract<Strings, keyof Defaults | Collected> as
        & NamesOf<
          Name,
          Aliases
        >
        & string
    ]:
      | ValueOf<
        Name,
        Name extends Booleans ? boolean : string,
        Collected,
        Negatables
      >
      | (Name extends keyof Defaults ? Defaults[Name] : never);
  }
  & {
    [
      Name in Exclude<Strings, keyof Defaults | Collected> as
        & NamesOf<
          Name,
          Aliases
        >
        & string
    ]?: ValueOf<Name, string, Collected, Negatables>;
  }
  & { [name: string]: unknown; _: (string | number)[] }
  & (DoubleDash extends true ? { "--": string[] } : unknown);

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
  const Collected extends string = never,
  const Negatables extends string = never,
  Defaults extends Record<string, unknown> = Record<never, never>,
  const Aliases extends AliasMap = Record<never, never>,
  DoubleDash extends boolean = false,
>(
  args: string[],
  options: ParseOptions<
    Booleans,
    Strings,
    Collected,
    Negatables,
    Defaults,
    Aliases,
    DoubleDash
  > = {},
): Parsed<
  Booleans,
  Strings,
  Collected,
  Negatables,
  Defaults,
  Aliases,
  DoubleDash
> {
  const parser = new Parser(options);
  return parser.parse(args) as ReturnType<
    typeof parseArgs<
      Booleans,
      Strings,
      Collected,
      Negatables,
      Defaults,
      Aliases,
      DoubleDash
    >
  >;
}

class Parser {
  readonly #options: ParseOptions;
  readonly #synonyms = new Map<string, Set<string>>();
  readonly #booleans: Set<string>;
  readonly #strings: Set<string>;
  readonly #collected: Set<string>;
  readonly #negatables: Set<string>;
  readonly #found: Record<string, unknown> = {};
  readonly #positional: (string | number)[] = [];

  constructor(options: ParseOptions) {
    this.#options = options;
    for (const [name, others] of Object.entries(options.alias ?? {})) {
      const names = [name, ...[others].flat()];
      for (const one of names) this.#synonyms.set(one, new Set(names));
    }
    this.#booleans = this.#named(options.boolean);
    this.#strings = this.#named(options.string);
    this.#collected = this.#named(options.collect);
    this.#negatables = this.#named(options.negatable);
  }

  parse(args: string[]): Record<string, unknown> {
    const end = args.indexOf("--");
    const after = end < 0 ? [] : args.slice(end + 1);
    const before = end < 0 ? args : args.slice(0, end);
    for (let i = 0; i < before.length; i++) {
      const arg = before[i];
      if (/^--./s.test(arg)) i += this.#long(arg, before[i + 1]);
      else if (/^-[^-]/s.test(arg)) i += this.#short(arg, before[i + 1]);
      else {
        if (this.#options.unknown?.(arg) !== false) {
          this.#positional.push(this.#strings.has("_") ? arg : guess(arg));
        }
        if (this.#options.stopEarly) {
          this.#positional.push(...before.slice(i + 1));
          break;
        }
      }
    }
    this.#fillIn();
    if (!this.#options["--"]) this.#positional.push(...after);
    return {
      _: this.#positional,
      ...this.#found,
      ...(this.#options["--"] && { "--": after }),
    };
  }

  /** Takes `--name`, `--name=value` or `--name value`. Returns how many following arguments it used. */
  #long(arg: string, next: string | undefined): number {
    const negated = arg.startsWith("--no-") && arg.length > "--no-".length;
    const text = arg.slice(negated ? "--no-".length : "--".length);
    const equals = text.indexOf("=", 1);
    if (equals > 0 && equals < text.length - 1) {
      const name = text.slice(0, equals);
      const value = text.slice(equals + 1);
      this.#set(
        name,
        this.#booleans.has(name) ? value !== "false" : value,
        arg,
      );
      return 0;
    }
    if (negated && this.#negatables.has(text)) {
      this.#set(text, false, arg, false);
      return 0;
    }
    return this.#last(negated ? `no-${text}` : text, arg, next, /^-/);
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

  #set(name: string, value: Value, arg: string, collect = true): void {
    const declared = this.#booleans.has(name) || this.#strings.has(name) ||
      this.#synonyms.has(name);
    if (!declared && this.#options.unknown?.(arg, name, value) === false) {
      return;
    }
    const kept = typeof value === "string" && !this.#strings.has(name)
      ? guess(value)
      : value;
    for (const one of this.#namesOf(name)) {
      const earlier = this.#found[one];
      if (!collect || !this.#collected.has(name)) this.#found[one] = kept;
      else if (Array.isArray(earlier)) earlier.push(kept);
      else this.#found[one] = earlier ? [earlier, kept] : [kept];
    }
  }

  #fillIn(): void {
    for (const [name, value] of Object.entries(this.#options.default ?? {})) {
      if (Object.hasOwn(this.#found, name)) continue;
      for (const one of this.#namesOf(name)) this.#found[one] = value;
    }
    for (const name of this.#booleans) {
      if (Object.hasOwn(this.#found, name)) continue;
      this.#found[name] = this.#collected.has(name) ? [] : false;
    }
    for (const name of this.#strings) {
      if (!Object.hasOwn(this.#found, name) && this.#collected.has(name)) {
        this.#found[name] = [];
      }
    }
  }

  #namesOf(name: string): Iterable<string> {
    return this.#synonyms.get(name) ?? [name];
  }

  #named(names: Names<string> = []): Set<string> {
    return new Set([names].flat().flatMap((name) => [...this.#namesOf(name)]));
  }
}

/** A number where the text is one, else the text. */
function guess(text: string): string | number {
  return /\S/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}
