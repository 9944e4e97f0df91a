/**
 * What a shell has to be told to complete `disco`: each script hands the words to `disco complete`,
 * which answers a line a candidate (WORD, a tab, what it is) and a last line with what to do:
 *
 *   :done    nothing else
 *   :open    the word goes on behind the candidate: no blank
 *   :files   names of files, and :folders of folders, which the shell knows best
 */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** @param program its path, for where no `disco` is on the PATH */
export function completionScript(shell: Shell, program: string): string {
  return scripts[shell].replaceAll('PROGRAM', `'${program.replaceAll("'", "'\\''")}'`);
}

// COMP_WORDS is split at = and :, so the words are read from the line, and what stands before the
// last such break is taken off the candidates again.
const bash = `# disco: completion for bash. Now: source <(disco completion bash)
# For good: disco completion bash > ~/.local/share/bash-completion/completions/disco
_disco() {
  local line=\${COMP_LINE:0:COMP_POINT} current=\${COMP_WORDS[COMP_CWORD]}
  local -a words
  read -r -a words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  [[ $current == [=:] ]] && current=''
  local word=\${words[\${#words[@]}-1]}
  local before=\${word%"$current"}
  local program
  program=$(type -P disco) || program=PROGRAM
  COMPREPLY=()
  local each
  while IFS= read -r each; do
    case $each in
      :open) compopt -o nospace ;;
      :files) compopt -o default ;;
      :folders) compopt -o dirnames ;;
      :*) ;;
      *) each=\${each%%$'\\t'*}; COMPREPLY+=("\${each#"$before"}") ;;
    esac
  done < <("$program" complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -F _disco disco
`;

const zsh = `#compdef disco
# disco: completion for zsh. Now, after compinit: source <(disco completion zsh)
# For good: disco completion zsh > a folder of your fpath, as the file _disco
_disco() {
  local program=\${commands[disco]:-PROGRAM}
  local -a lines candidates suffix
  local each help tab=$'\\t'
  lines=("\${(@f)$("$program" complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  for each in $lines; do
    case $each in
      :open) suffix=(-S '') ;;
      :files) _files; return ;;
      :folders) _files -/; return ;;
      :*) ;;
      *)
        help=''
        [[ $each == *$tab* ]] && help=:\${each#*$tab}
        each=\${each%%$tab*}
        candidates+=("\${each//:/\\\\:}$help") ;;
    esac
  done
  (( \${#candidates} )) && _describe disco candidates $suffix
}
if [[ \${funcstack[1]} == _disco ]]; then _disco "$@"; else compdef _disco disco; fi
`;

const fish = `# disco: completion for fish. Now: disco completion fish | source
# For good: disco completion fish > ~/.config/fish/completions/disco.fish
function __disco_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (command -s disco; or echo PROGRAM)
    for line in ($program complete -- $words[2..-1] "$current" 2> /dev/null)
        switch "$line"
            case :files
                __fish_complete_path "$current"
            case :folders
                __fish_complete_directories "$current" ''
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c disco -f -a '(__disco_complete)'
`;

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
