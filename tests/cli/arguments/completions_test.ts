import { assert, assertEquals } from "@std/assert";
import { parseCommand } from "../../../lib/cli/arguments/args.ts";
import {
  completionsFor,
  type Shell,
  SHELLS,
} from "../../../lib/cli/arguments/completions.ts";
import { helpText } from "../../../lib/cli/arguments/help.ts";
import {
  COMMAND_NAMES,
  dashed,
  formsOf,
  optionsOf,
} from "../../../lib/cli/arguments/options.ts";
import { type Need, program, testWith } from "../../support/needs.ts";

function run(shell: Shell, args: string[], cwd: string) {
  const env = { HOME: cwd, XDG_CONFIG_HOME: cwd, TERM: "dumb" };
  return new Deno.Command(shell, { args, cwd, env, stderr: "null" })
    .outputSync();
}

const SHELL_NEEDS = {
  bash: await program("bash"),
  zsh: await program("zsh"),
  fish: await program("fish"),
} as const satisfies Record<Shell, Need>;

/** What ends the offers for a line. */
const END = "----";

/** Completes the lines in bash, where `=` is a word of its own. */
const BASH = `source ./script
for line; do
  read -ra COMP_WORDS <<< "\${line//=/ = }"
  [[ $line == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  _ferry
  printf '%s\\n' "\${COMPREPLY[@]}" ${END}
done`;

/**
 * Types each line and a tab into an interactive zsh, and takes what the
 * completion offers; an only offer has to be taken, too.
 */
const ZSH = `zmodload zsh/zpty
typeset -A taken
typeset -aU offers
prompted() {
  until [[ -e ready ]]; do zpty -r -t z output; sleep 0.01; done
  rm ready
}
zpty z zsh -f -i
zpty -w z "PS1= PS2= RPS1=; autoload -U compinit && compinit -u -D; unset zle_bracketed_paste"
zpty -w z "source ./script; zstyle ':completion:*' list-separator '#'; LISTMAX=10000"
zpty -w z "show() { print -r -- \\$BUFFER > shown; }; zle -N show; bindkey '^T' show"
zpty -w z "zle-line-init() { touch ready; }; zle -N zle-line-init"
prompted
for line; do
  zpty -w -n z "$line"$'\\t\\C-t\\C-u\\n'
  prompted
  taken[$line]=$(<shown)
done
zpty -w z "compadd() { local -a array; builtin compadd -O array \\"\\$@\\" 2>/dev/null; print -rl -- \\$array >> found; builtin compadd \\"\\$@\\"; }"
prompted
for line; do
  : > found
  zpty -w -n z "$line"$'\\t\\C-u\\n'
  prompted
  offers=(\${(f)"$(<found)"})
  [[ $#offers == 1 && \${taken[$line]} == "$line" ]] || print -rl -- $offers
  echo ${END}
done
zpty -w z exit
while zpty -t z; do zpty -r -t z output; sleep 0.01; done`;

const FISH = `source ./script
for line in $argv
  complete -C $line | string split -f1 \\t
  echo ${END}
end`;

const PROGRAMS: Record<Shell, readonly string[]> = {
  bash: ["--norc", "-c", BASH, "bash"],
  zsh: ["-f", "-c", ZSH, "zsh"],
  fish: ["--no-config", "-c", FISH],
};

/** What the shell offers for the end of each line, in a directory with `some file.svg` and `folder`. */
function complete(shell: Shell, lines: string[]): string[][] {
  const cwd = Deno.makeTempDirSync({ prefix: "ferry-completions-" });
  try {
    Deno.writeTextFileSync(`${cwd}/script`, completionsFor(shell));
    Deno.writeTextFileSync(`${cwd}/some file.svg`, "");
    Deno.mkdirSync(`${cwd}/folder`);
    const { stdout } = run(shell, [...PROGRAMS[shell], ...lines], cwd);
    return new TextDecoder().decode(stdout).split(`${END}\n`).map((offers) =>
      offers.split("\n")
        .map((word) => word.replace(/\/$/, "").replace("\\ ", " "))
        // Where --option=value is one word
        .map((word) => word.replace(/^--\w+=(?=.)/, "").replace(/=$/, ""))
    );
  } finally {
    Deno.removeSync(cwd, { recursive: true });
  }
}

/** Lines, what has to be offered for them, and what must not be. */
const CASES: [string, string[], string[]][] = [
  ["ferry ", ["send", "receive", "help", "completions"], ["folder"]],
  ["ferry rec", ["receive"], ["send"]],
  ["ferry send --t", ["--timeout", "--trace"], ["--quiet"]],
  ["ferry send -", ["--rate", "--report", "-q"], ["--force", "-d"]],
  ["ferry receive --d", ["--dir", "--directory"], ["--report"]],
  ["ferry receive --f", ["--force"], []],
  ["ferry receive 6000 --wa", ["--wait"], []],
  ["ferry send --rate 5 --congestion ", ["bbr", "cubic"], ["folder"]],
  ["ferry send --congestion=", ["bbr", "cubic"], []],
  ["ferry send host ", ["some file.svg", "folder"], ["send"]],
  ["ferry send --rate 5 host so", ["some file.svg"], ["folder"]],
  ["ferry send --code host so", ["some file.svg"], []],
  ["ferry receive -d ", ["folder"], ["some file.svg"]],
  ["ferry receive --dir ", ["folder"], ["some file.svg"]],
  ["ferry receive --output ", ["some file.svg"], []],
  ["ferry receive --report so", ["some file.svg"], ["folder"]],
  ["ferry completions ", [...SHELLS], ["send"]],
  ["ferry help ", ["send", "receive"], ["bash"]],
  ...COMMAND_NAMES.map((command): [string, string[], string[]] => [
    `ferry ${command} -`,
    optionsOf(command).flatMap(formsOf),
    [],
  ]),
];

for (const shell of SHELLS) {
  testWith(
    SHELL_NEEDS[shell],
    `${shell} completes commands, every form of every option, their values and files`,
    () => {
      const offers = complete(shell, CASES.map(([line]) => line));
      for (const [i, [line, wanted, unwanted]] of CASES.entries()) {
        const found = offers[i]!;
        const missing = wanted.filter((word) => !found.includes(word));
        assertEquals(missing, [], `${line}: ${found.join(" | ")}`);
        const extra = unwanted.filter((word) => found.includes(word));
        assertEquals(extra, [], `${line}: ${found.join(" | ")}`);
      }
    },
  );
}

Deno.test("every option there is can be completed, and is understood and explained", () => {
  for (const command of COMMAND_NAMES) {
    const words = {
      send: ["send", "host"],
      receive: ["receive", "-d", "dir"],
      meet: ["meet"],
    }[command];
    const options = optionsOf(command);
    for (const option of options.filter(({ name }) => name !== "output")) {
      const { name, completes } = option;
      const value =
        { report: "a.svg", mtu: "1400", meet: "vps.example" }[name as string] ??
          (Array.isArray(completes) ? completes[0] : "5");
      const { optional = false } = option;
      const values = option.value === undefined || optional ? [] : [value];
      for (const form of formsOf(option)) {
        const code = name === "meet" ? ["--code"] : [];
        parseCommand([...words, ...code, form, ...values]);
      }
      assert(helpText(command).includes(dashed(name)), name);
    }
    const explained = helpText(command).matchAll(
      /^ {2}(?:-\w, )?(--\w[\w-]*)/gm,
    );
    const known = optionsOf(command).map(({ name }) => dashed(name));
    assertEquals([...explained].map(([, form]) => form).sort(), known.sort());
  }
});
