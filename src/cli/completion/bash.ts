import type { CommandWords, Values } from './words.ts'
import { PATH_SCHEMES } from './words.ts'

/** A script that completes `facewise` in bash, from version 3.2 on. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter(path => path !== '')
  return `# Completion of facewise for bash, made by \`facewise completion bash\`.

# Whether there is such a command.
__facewise_is_command() {
  case "$1" in
    ${paths.map(quote).join(' | ')}) return 0 ;;
  esac
  return 1
}

# What can follow a command: its commands and its options.
__facewise_below() {
  case "$1" in
${commands.map(command => `    ${quote(command.path)}) below=${quote(below(command))} options=${quote(flags(command))} ;;`).join('\n')}
  esac
}

# What can stand for the value of an option, or for the argument of a number; false for an option without a value.
__facewise_values() {
  case "$1" in
${commands.flatMap(valueCases).join('\n')}
    *' '-*) return 1 ;;
  esac
}

__facewise_add() {
  local line
  while IFS= read -r line; do COMPREPLY+=("$line"); done
}

_facewise() {
  local IFS=$' \\t\\n' word between rest=$COMP_LINE i
  local -a parts=()
  COMPREPLY=()
  # Bash cuts words at ':' and '=' too: what has no space between belongs together.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    between=$rest
    [[ -n $word ]] && between=\${rest%%"$word"*}
    rest=\${rest#*"$word"}
    if ((i > 1)) && [[ $between != *[[:space:]]* && ( $word == [:=]* || \${COMP_WORDS[i - 1]} == *[:=] ) ]]; then
      parts[\${#parts[@]} - 1]+=$word
    else
      parts+=("$word")
    fi
  done

  local at='' expects='' ended='' position=0 last=$((\${#parts[@]} - 1))
  local below='' options='' words='' files=none list='' store='' prefix=''
  for ((i = 1; i < last; i++)); do
    word=\${parts[i]}
    if [[ -n $expects ]]; then
      expects=''
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -* ]]; then
      [[ $word != *=* ]] && __facewise_values "$at $word" && expects=$word
    elif ((position == 0)) && __facewise_is_command "\${at:+$at }$word"; then
      at="\${at:+$at }$word"
    else
      position=$((position + 1))
    fi
  done
  words='' files=none list='' store=''

  local cur=\${parts[last]}
  if [[ -z $expects && -z $ended && $cur == --*=* ]]; then
    expects=\${cur%%=*}
    [[ $COMP_WORDBREAKS == *=* ]] || prefix="$expects="
    cur=\${cur#*=}
  fi
  if [[ -n $expects ]]; then
    __facewise_values "$at $expects"
  elif [[ -z $ended && $cur == -* ]]; then
    __facewise_below "$at"
    words=$options
  else
    __facewise_below "$at"
    __facewise_values "$at $position"
    ((position == 0)) && words="$below $words"
  fi

  local begun=''
  if [[ -n $list && $cur == *,* ]]; then
    begun="\${cur%,*},"
  elif [[ -n $store && $cur =~ ^(${PATH_SCHEMES.join('|')}): ]]; then
    begun="\${cur%%:*}:" words='' files=files
  elif [[ $files != none && -n \${words// /} && $cur != */* && $cur != .* && $cur != '~'* ]]; then
    files=none
  fi
  local typed=\${cur#"$begun"} action=-f
  [[ $files == folders ]] && action=-d
  [[ -n \${words// /} ]] && __facewise_add < <(compgen -W "$words" -- "$typed")
  if [[ $files != none ]]; then
    __facewise_add < <(compgen $action -- "$typed")
    compopt -o filenames 2> /dev/null
    # A name in quotes is better known to bash itself.
    ((\${#COMPREPLY[@]} == 0)) && compopt -o default 2> /dev/null
  fi
  ((\${#COMPREPLY[@]} > 0)) || return 0

  # What bash took for an earlier word is not said again.
  local all="$prefix$begun" cut=''
  [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && cut="\${cur%:*}:"
  for i in "\${!COMPREPLY[@]}"; do
    word="$all\${COMPREPLY[i]}"
    COMPREPLY[i]=\${word#"$cut"}
  done
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[:/] ]] && compopt -o nospace 2> /dev/null
  return 0
}

complete -F _facewise facewise
`
}

function below({ commands }: CommandWords): string {
  return commands.map(({ name }) => name).join(' ')
}

function flags({ options }: CommandWords): string {
  return options.flatMap(option => option.flags).join(' ')
}

function valueCases({ path, options, args, variadic }: CommandWords): string[] {
  const line = (pattern: string, values: Values): string => `    ${pattern}) ${assignments(values)} ;;`
  const ofOptions = options.flatMap(({ flags: names, value }) =>
    value ? [line(names.map(name => quote(`${path} ${name}`)).join(' | '), value)] : [],
  )
  const ofArguments = args.map((values, i) => {
    const repeated = variadic && i === args.length - 1
    return line(repeated ? `${quote(`${path} `)}[0-9]*` : quote(`${path} ${i}`), values)
  })
  return [...ofOptions, ...ofArguments]
}

function assignments({ words, files, list, store }: Values): string {
  const parts = [`words=${quote(words.join(' '))}`, `files=${files}`]
  if (list) parts.push('list=1')
  if (store) parts.push('store=1')
  return parts.join(' ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
