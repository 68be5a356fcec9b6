import { formsOf, type Option, OPTIONS, optionsOf } from "./options.ts";

/** The shells there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = typeof SHELLS[number];

const COMMANDS = {
  send: "send a file, a directory or standard input",
  receive: "wait for what is sent and save it",
  help: "explain a command",
  completions: "print completions for a shell",
} as const;

const ALL: readonly Option[] = OPTIONS;

/** A script that teaches `shell` to complete the command line of ferry. */
export function completionsFor(shell: Shell): string {
  switch (shell) {
    case "bash":
      return bash();
    case "zsh":
      return zsh();
    case "fish":
      return fish();
  }
}

/** Whether the next word is its value. */
function takesWord({ value, optional = false }: Option): boolean {
  return value !== undefined && !optional;
}

/** The forms of the options of which `choose` holds, as a pattern of `case`. */
function pattern(choose: (option: Option) => boolean): string {
  return ALL.filter(choose).flatMap(formsOf).join("|");
}

function words(command: "send" | "receive"): string {
  return optionsOf(command).flatMap(formsOf).join(" ");
}

function bash(): string {
  const lists = ALL.filter(({ completes }) => Array.isArray(completes));
  return `# Completions of ferry for bash: source <(ferry completions bash)
_ferry() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local command= count=0 i
  # bash takes --option=value apart at the =
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${pattern(takesWord)})
        [[ \${COMP_WORDS[i + 1]} == = ]] && ((i++))
        ((i++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((count++)); fi ;;
    esac
  done
  COMPREPLY=()
  case $before in
    ${pattern(({ completes }) => completes === "file")})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return ;;
    ${pattern(({ completes }) => completes === "directory")})
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      return ;;
${
    lists.map((option) =>
      `    ${formsOf(option).join("|")})
      mapfile -t COMPREPLY < <(compgen -W "${
        (option.completes as readonly string[]).join(" ")
      }" -- "$word")
      return ;;
`
    ).join("")
  }    ${
    pattern((option) => takesWord(option) && option.completes === undefined)
  })
      return ;;
  esac
  local choices=
  case $command,$word in
    ,-*) choices="--help --version" ;;
    ,*) choices="${Object.keys(COMMANDS).join(" ")}" ;;
    send,-*) choices="${words("send")}" ;;
    receive,-*) choices="${words("receive")}" ;;
    help,*) choices="send receive" ;;
    completions,*) choices="${SHELLS.join(" ")}" ;;
    send,*)
      if ((count == 0)); then
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$word")
      else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
      fi
      return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -F _ferry ferry
`;
}

function zsh(): string {
  const commands = Object.entries(COMMANDS)
    .map(([name, help]) => `    '${name}:${help}'`).join("\n");
  return `#compdef ferry
# Completions of ferry for zsh: source <(ferry completions zsh)
_ferry() {
  local line state
  local -a commands=(
${commands}
  )
  _arguments -C '(- *)--help[explain]' '(- *)--version[print the version]' \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
        send)
          _arguments -S \\
${zshOptions("send")}            '1:host:_hosts' '*:file:_files' ;;
        receive)
          _arguments -S \\
${zshOptions("receive")}            '1:port:' ;;
        help) _arguments '1:command:(send receive)' ;;
        completions) _arguments '1:shell:(${SHELLS.join(" ")})' ;;
      esac ;;
  esac
}
if [[ $funcstack[1] == _ferry ]]; then
  _ferry "$@"
else
  compdef _ferry ferry
fi
`;
}

function zshOptions(command: "send" | "receive"): string {
  return optionsOf(command).map((option) => {
    const forms = formsOf(option);
    const help = option.help.replace(/[[\]:]/g, "\\$&");
    const value = option.value === undefined
      ? ""
      : `${option.optional ? ":" : ""}:${option.value}:${zshAction(option)}`;
    const equals = option.optional ? "=-" : "=";
    const assigned = forms.map((form) =>
      value !== "" && form.startsWith("--") ? `${form}${equals}` : form
    );
    const all = assigned.length === 1 ? assigned[0] : `{${assigned.join(",")}}`;
    const excluded = `'(${forms.join(" ")})'`;
    return `            ${excluded}${all}'[${help}]${value}' \\\n`;
  }).join("");
}

function zshAction({ completes }: Option): string {
  if (completes === "file") return "_files";
  if (completes === "directory") return "_directories";
  return completes === undefined ? "" : `(${completes.join(" ")})`;
}

function fish(): string {
  const none = "not __fish_seen_subcommand_from " +
    Object.keys(COMMANDS).join(" ");
  const lines = [
    "# Completions of ferry for fish: ferry completions fish | source",
    "complete -c ferry -f",
    `complete -c ferry -n '${none}' -l help -d 'explain'`,
    `complete -c ferry -n '${none}' -l version -d 'print the version'`,
    ...Object.entries(COMMANDS).map(([name, help]) =>
      `complete -c ferry -n '${none}' -a ${name} -d '${help}'`
    ),
    "complete -c ferry -n '__fish_seen_subcommand_from help' -a 'send receive'",
    `complete -c ferry -n '__fish_seen_subcommand_from completions' -a '${
      SHELLS.join(" ")
    }'`,
    "complete -c ferry -n '__fish_seen_subcommand_from send' -F",
    "complete -c ferry -n '__fish_seen_subcommand_from send' -a '(__fish_print_hostnames)'",
  ];
  for (const command of ["send", "receive"] as const) {
    for (const option of optionsOf(command)) {
      lines.push(fishOption(command, option));
    }
  }
  return `${lines.join("\n")}\n`;
}

function fishOption(command: string, option: Option): string {
  const { name, short, completes, help } = option;
  const parts = [
    `complete -c ferry -n '__fish_seen_subcommand_from ${command}'`,
    name.length === 1 ? `-s ${name}` : `-l ${name}`,
  ];
  if (short !== undefined) parts.push(`-s ${short}`);
  if (completes === "file") parts.push("-r -F");
  else if (completes === "directory") {
    parts.push("-x -a '(__fish_complete_directories)'");
  } else if (completes !== undefined) {
    parts.push(`-x -a '${completes.join(" ")}'`);
  } else if (takesWord(option)) parts.push("-x");
  parts.push(`-d '${help}'`);
  return parts.join(" ");
}
