// Completion for shells: the words and options of each place in the tree of commands, as the shell's own program.
// Nothing is asked of `unwind` while a person types.

import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

interface Place {
  /** Words that lead here, without `unwind`. */
  readonly path: string;
  readonly words: readonly (readonly [word: string, description: string])[];
  readonly options: readonly (readonly [option: string, description: string])[];
}

/** The program by which a shell completes `unwind`. */
export function completionFor(shell: Shell, program: Command): string {
  const places = placesOf(program, []);
  switch (shell) {
    case 'bash':
      return bash(places);
    case 'zsh':
      return zsh(places);
    case 'fish':
      return fish(places);
  }
}

function placesOf(command: Command, path: readonly string[]): readonly Place[] {
  const below = command.commands.filter((one) => !isHidden(one));
  const own = {
    path: path.join(' '),
    words: [
      ...below.map((one) => [one.name(), one.description()] as const),
      ...choicesOf(command).map((choice) => [choice, ''] as const),
    ],
    options: command.options.flatMap(({ long, description }) => {
      return long ? [[long, description] as const] : [];
    }),
  };
  return [own, ...below.flatMap((one) => placesOf(one, [...path, one.name()]))];
}

function choicesOf(command: Command): readonly string[] {
  if (command.name() === 'completion') return shells;
  return command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
}

/** Commander keeps it to itself, but help leaves such commands out. */
function isHidden(command: Command): boolean {
  const { parent } = command;
  return parent !== null && !parent.createHelp().visibleCommands(parent).includes(command);
}

function bash(places: readonly Place[]): string {
  const known = places.map(({ path }) => `'${path}'`).join('|');
  const cases = places.map(({ path, words, options }) => {
    const all = [...words, ...options].map(([word]) => word);
    return `    '${path}') words='${[...all, '--help'].join(' ')}' ;;`;
  });
  return `# unwind completion bash > /etc/bash_completion.d/unwind
_unwind() {
  local path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${known}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ "\${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _unwind unwind
`;
}

/** As a function of `fpath`, whose file is its body at first, and to be sourced. */
function zsh(places: readonly Place[]): string {
  const known = places.map(({ path }) => inQuotes(path)).join('|');
  const listOf = (all: Place['words']) => {
    return all
      .map(([word, description]) => inQuotes(description === '' ? word : `${word}:${description}`))
      .join(' ');
  };
  const cases = places.map(({ path, words, options }) => {
    const all = [...options, ['--help', 'display help for command'] as const];
    return `    (${inQuotes(path)}) found=(${listOf(words)}); options=(${listOf(all)}) ;;`;
  });
  return `#compdef unwind
# unwind completion zsh > "\${fpath[1]}/_unwind"
_unwind() {
  local at='' word
  local -a found options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      (${known}) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    _describe 'option' options
  elif (( $#found )); then
    _describe 'command' found
  else
    _files
  fi
}
if [[ "$funcstack[1]" == _unwind ]]; then _unwind "$@"; else compdef _unwind unwind; fi
`;
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, options }) => {
    const at = `-n '__unwind_at "${path}"'`;
    return [
      ...words.map(([word, description]) => {
        return `complete -c unwind ${at} -f -a '${word}' -d '${quoted(description)}'`;
      }),
      ...options.map(([option, description]) => {
        return `complete -c unwind ${at} -l '${option.slice(2)}' -d '${quoted(description)}'`;
      }),
    ];
  });
  const known = places.map(({ path }) => `'${path}'`).join(' ');
  return `# unwind completion fish > ~/.config/fish/completions/unwind.fish
function __unwind_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$path $word")
    contains -- "$next" ${known}; and set path "$next"
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function quoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}
