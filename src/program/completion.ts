/**
 * `ovation completion SHELL`: a script that completes commands, flags and, where these are few, values, for
 * bash, zsh and fish. Everything in it is out of the tables of settings (words.ts). Held by
 * completion.test.ts, which asks the shells that are there.
 */
import { topics } from "../../web/dist/topics.ts";
import { commands as allCommands } from "../settings/config.ts";
import { type CommandWords, commandWords, type FlagWords } from "./words.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
export const shells = Object.keys(scripts);

/** The script for `shell`; undefined for one that is not known. */
export function completion(shell: string): string | undefined {
  return Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts](commandWords()) : undefined;
}

/** Words behind a command that takes some besides flags. */
const wordsBehind: Readonly<Record<string, readonly string[]>> = {
  help: [...Object.keys(topics), ...Object.keys(allCommands)],
  completion: shells,
};

/** A word as it is typed: with its "=" where a value follows. */
function typed({ flag, placeholder }: FlagWords): string {
  return placeholder === "" ? flag : `${flag}=`;
}

// ---- bash

function bashScript(commands: readonly CommandWords[]): string {
  const flags = commands.map(({ name, flags }) => {
    const words = [...(wordsBehind[name] ?? []), ...flags.map(typed), "--help"];
    return `    ${name}) words='${words.join(" ")}' ;;`;
  });
  const values = commands.flatMap(({ name, flags }) =>
    flags.flatMap(({ flag, values, isFile }) => {
      if (values.length > 0) return [`      '${name} ${flag}') words='${values.join(" ")}' ;;`];
      return isFile ? [`      '${name} ${flag}') _ovation_files; return ;;`] : [];
    }),
  );
  const takers = commands.filter(({ takesFile }) => takesFile).map(({ name }) => name);
  return `# Completion of ovation for bash: source <(ovation completion bash)
_ovation_files() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -f -- "$word"))
  compopt -o filenames
}
_ovation() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=serve flag= words=
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 && $word != -* ]]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(" ")}' -- "$word"))
    return
  fi
  [[ \${COMP_WORDS[1]} != -* ]] && command=\${COMP_WORDS[1]}
  case $command in
${flags.join("\n")}
  esac
  # A value stands behind "=", at which bash cuts words, or is a word of its own.
  if [[ $word == = ]]; then flag=$before word=
  elif [[ $before == = ]]; then flag=\${COMP_WORDS[COMP_CWORD-2]}
  elif [[ " $words " == *" $before= "* ]]; then flag=$before; fi
  if [[ -n $flag ]]; then
    words=
    case "$command $flag" in
${values.join("\n")}
    esac
  elif [[ $word != -* && ' ${takers.join(" ")} ' == *" $command "* ]]; then
    _ovation_files
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -F _ovation ovation
`;
}

// ---- zsh

function zshScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`);
  const cases = commands.map(({ name, flags, takesFile }) => {
    const words = wordsBehind[name];
    const specs = [
      ...(takesFile ? ["'*:file:_files'"] : []),
      ...(words ? [quoted(`*:word:(${words.join(" ")})`)] : []),
      ...flags.map((flag) => quoted(zshSpec(flag))),
      "'--help[print help]'",
    ];
    return `    ${name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef ovation
# Completion of ovation for zsh: source <(ovation completion zsh)
_ovation() {
  local command=serve
  local -a commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _describe command commands
    return
  fi
  if [[ $words[2] != -* ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _ovation ]]; then _ovation "$@"; else compdef _ovation ovation; fi
`;
}

function zshSpec({ flag, help, placeholder, values, isFile }: FlagWords): string {
  const about = `[${help.replace(/[\\[\]]/g, "\\$&")}]`;
  if (placeholder === "") return `${flag}${about}`;
  const name = values.length > 0 || isFile ? "value" : placeholder.replace(/[:,…]/g, "");
  const action = values.length > 0 ? `(${values.join(" ")})` : isFile ? "_files" : " ";
  return `${flag}=${about}:${name}:${action}`;
}

// ---- fish

function fishScript(commands: readonly CommandWords[]): string {
  const others = commands.filter(({ name }) => name !== "serve").map(({ name }) => name);
  const lines = commands.flatMap(({ name, about, flags, takesFile }) => {
    const behind = name === "serve" ? `not __fish_seen_subcommand_from ${others.join(" ")}` : seen(name);
    const words = wordsBehind[name];
    return [
      `complete -c ovation -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
      ...(takesFile ? [`complete -c ovation -n ${quoted(seen(name))} -F`] : []),
      ...(words ? [`complete -c ovation -n ${quoted(seen(name))} -a ${quoted(words.join(" "))}`] : []),
      ...flags.map((flag) => `complete -c ovation -n ${quoted(behind)} ${fishFlag(flag)}`),
    ];
  });
  const head = "# Completion of ovation for fish: ovation completion fish | source";
  return `${[head, "complete -c ovation -f", ...lines].join("\n")}\n`;
}

function seen(name: string): string {
  return `__fish_seen_subcommand_from ${name}`;
}

function fishFlag({ flag, help, placeholder, values, isFile }: FlagWords): string {
  const about = `-l ${flag.slice(2)} -d ${quoted(help)}`;
  if (placeholder === "") return about;
  if (isFile) return `${about} -r -F`;
  return values.length > 0 ? `${about} -x -a ${quoted(values.join(" "))}` : `${about} -x`;
}

/** Between single quotes, for zsh and fish: both end and begin them around one of their own. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
