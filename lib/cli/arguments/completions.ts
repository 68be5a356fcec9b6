import {
  ALL,
  type CommandName,
  COMMANDS,
  formsOf,
  type Option,
  optionsOf,
  takesWord,
} from "./options.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = typeof SHELLS[number];

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

function bash(): string {
  const valued = ALL.filter(takesWord);
  const cases = [...Map.groupBy(valued, bashValue)].map(([action, options]) =>
    `    ${options.flatMap(formsOf).join("|")}) ${action} ;;`
  );
  return `# Completions of ferry for bash: source <(ferry completions bash)
_ferry() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  local command= count=0 i
  COMPREPLY=()
  # bash takes --option=value apart at the =
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valued.flatMap(formsOf).join("|")})
        [[ \${COMP_WORDS[i + 1]} == = ]] && ((i++))
        ((i++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[i]}; else ((count++)); fi ;;
    esac
  done
  case $before in
${cases.join("\n")}
    *) _ferry_word ;;
  esac
}
${bashWord()}
_ferry_offer() {
  mapfile -t COMPREPLY < <(compgen "$@" -- "$word")
}
_ferry_files() {
  compopt -o filenames 2>/dev/null
  _ferry_offer "$@"
}
complete -F _ferry ferry
`;
}

/** Offers what can be the value of an option. */
function bashValue({ completes }: Option): string {
  if (completes === "file") return "_ferry_files -f";
  if (completes === "directory") return "_ferry_files -d";
  return completes === undefined
    ? ":"
    : `_ferry_offer -W "${completes.join(" ")}"`;
}

/** Offers what can stand where no value of an option does. */
function bashWord(): string {
  const options = (command: CommandName) =>
    optionsOf(command).flatMap(formsOf).join(" ");
  return `_ferry_word() {
  case $command,$word in
    ,-*) _ferry_offer -W "--help --version" ;;
    ,*) _ferry_offer -W "${Object.keys(COMMANDS).join(" ")}" ;;
    send,-*) _ferry_offer -W "${options("send")}" ;;
    receive,-*) _ferry_offer -W "${options("receive")}" ;;
    meet,-*) _ferry_offer -W "${options("meet")}" ;;
    help,*) _ferry_offer -W "send receive meet --man" ;;
    completions,*) _ferry_offer -W "${SHELLS.join(" ")}" ;;
    send,*) if ((count == 0)) && [[ " \${COMP_WORDS[*]}" != *" --meet"* ]]; then _ferry_offer -A hostname; else _ferry_files -f; fi ;;
  esac
}`;
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
${zshOptions("receive")}            '1:port:_message PORT' ;;
        meet)
          _arguments -S \\
${zshOptions("meet")}            '1:port:_message PORT' ;;
        help) _arguments '--man[print the manual page]' '1:command:(send receive meet)' ;;
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

function zshOptions(command: CommandName): string {
  return optionsOf(command).map((option) => {
    const forms = formsOf(option);
    const help = option.help.replace(/[[\]:]/g, "\\$&")
      .replaceAll("'", "'\\''");
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
    fishWords(),
    "complete -c ferry -f",
    `complete -c ferry -n '${none}' -l help -d 'explain'`,
    `complete -c ferry -n '${none}' -l version -d 'print the version'`,
    ...Object.entries(COMMANDS).map(([name, help]) =>
      `complete -c ferry -n '${none}' -a ${name} -d '${help}'`
    ),
    "complete -c ferry -n '__fish_seen_subcommand_from help' -a 'send receive meet'",
    "complete -c ferry -n '__fish_seen_subcommand_from help' -l man -d 'print the manual page'",
    `complete -c ferry -n '__fish_seen_subcommand_from completions' -a '${
      SHELLS.join(" ")
    }'`,
    `complete -c ferry -n '${FISH_SEND}; and test (__ferry_words) -gt 1' -F`,
    `complete -c ferry -n '${FISH_SEND}; and test (__ferry_words) -eq 1' -a '(__fish_print_hostnames)'`,
  ];
  for (const command of ["send", "receive", "meet"] as const) {
    for (const option of optionsOf(command)) {
      lines.push(fishOption(command, option));
    }
  }
  return `${lines.join("\n")}\n`;
}

const FISH_SEND = "__fish_seen_subcommand_from send";

/** Counts the words before the cursor that are neither options nor values of options, without `ferry`. */
function fishWords(): string {
  const valued = ALL.filter(takesWord).flatMap(formsOf).join(" ");
  return `function __ferry_words
  set -l count 0
  set -l value no
  for word in (commandline -opc)[2..]
    if test $value = yes
      set value no
    else if contains -- $word ${valued}
      set value yes
    else if not string match -q -- '-*' $word
      set count (math $count + 1)
    end
  end
  echo $count
end`;
}

function fishOption(command: string, option: Option): string {
  const { name, short, alias, completes, help } = option;
  const parts = [
    `complete -c ferry -n '__fish_seen_subcommand_from ${command}'`,
    `-l ${name}`,
  ];
  if (alias !== undefined) parts.push(`-l ${alias}`);
  if (short !== undefined) parts.push(`-s ${short}`);
  if (completes === "file") parts.push("-r -F");
  else if (completes === "directory") {
    parts.push("-x -a '(__fish_complete_directories)'");
  } else if (completes !== undefined) {
    parts.push(`-x -a '${completes.join(" ")}'`);
  } else if (takesWord(option)) parts.push("-x");
  parts.push(`-d '${help.replaceAll("'", "\\'")}'`);
  return parts.join(" ");
}
