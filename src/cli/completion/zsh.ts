import { type CommandWords, PATH_SCHEMES, type Values } from './words.ts'

/** A script that completes `facewise` in zsh: to be sourced after `compinit`, or a file `_facewise` in `$fpath`. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter(path => path !== '')
  return `#compdef facewise
# Completion of facewise for zsh, made by \`facewise completion zsh\`.

# Whether there is such a command.
__facewise_is_command() {
  case $1 in
    ${paths.map(quote).join(' | ')}) return 0 ;;
  esac
  return 1
}

# What can follow a command: its commands and its options.
__facewise_below() {
  case $1 in
${commands.map(belowCase).join('\n')}
  esac
}

# What can stand for the value of an option, or for the argument of a number; false for an option without a value.
__facewise_values() {
  case $1 in
${commands.flatMap(valueCases).join('\n')}
    *' '-*) return 1 ;;
  esac
}

_facewise() {
  # Not \`words\` and \`path\`: zsh has its own.
  local -a below options choices
  local word at='' expects='' ended='' files=none list='' store='' i
  integer position=0 found=1
  for ((i = 2; i < CURRENT; i++)); do
    word=\${(Q)words[i]}
    if [[ -n $expects ]]; then
      expects=''
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -* ]]; then
      [[ $word != *=* ]] && __facewise_values "$at $word" && expects=$word
    elif ((position == 0)) && __facewise_is_command "\${at:+$at }$word"; then
      at="\${at:+$at }$word"
    else
      ((position += 1))
    fi
  done
  choices=() files=none list='' store=''

  if [[ -z $expects && -z $ended && $PREFIX == --*=* ]]; then
    expects=\${PREFIX%%=*}
    compset -P 1 '*='
  fi
  if [[ -n $expects ]]; then
    __facewise_values "$at $expects"
  elif [[ -z $ended && $PREFIX == -* ]]; then
    __facewise_below "$at"
    _describe -o option options
    return
  else
    __facewise_below "$at"
    __facewise_values "$at $position"
    ((position == 0 && $#below)) && _describe command below && found=0
  fi

  if [[ -n $store ]]; then
    if compset -P '(${PATH_SCHEMES.join('|')}):'; then
      _files
    else
      compadd -S '' -- $choices
    fi
    return
  fi
  [[ -n $list ]] && compset -P '*,'
  if (($#choices)); then
    compadd -- $choices && found=0
    # A path only once one was begun.
    [[ $PREFIX == */* || $PREFIX == [.~]* ]] || files=none
  fi
  case $files in
    files) _files && found=0 ;;
    folders) _files -/ && found=0 ;;
  esac
  return found
}

if [[ $funcstack[1] == _facewise ]]; then
  _facewise "$@"
else
  compdef _facewise facewise
fi
`
}

function belowCase({ path, commands, options }: CommandWords): string {
  const below = commands.map(({ name, description }) => described(name, description))
  const listed = options.flatMap(({ flags, description }) => flags.map(flag => described(flag, description)))
  return `    ${quote(path)}) below=(${below.join(' ')}) options=(${listed.join(' ')}) ;;`
}

function described(name: string, description: string): string {
  return quote(`${name.replaceAll(':', '\\:')}:${description.replaceAll(':', '\\:')}`)
}

function valueCases({ path, options, args, variadic }: CommandWords): string[] {
  const line = (pattern: string, values: Values): string => `    ${pattern}) ${assignments(values)} ;;`
  const ofOptions = options.flatMap(({ flags, value }) =>
    value ? [line(flags.map(name => quote(`${path} ${name}`)).join(' | '), value)] : [],
  )
  const ofArguments = args.map((values, i) => {
    const repeated = variadic && i === args.length - 1
    return line(repeated ? `${quote(`${path} `)}[0-9]*` : quote(`${path} ${i}`), values)
  })
  return [...ofOptions, ...ofArguments]
}

function assignments({ words, files, list, store }: Values): string {
  const parts = [`choices=(${words.map(quote).join(' ')})`, `files=${files}`]
  if (list) parts.push('list=1')
  if (store) parts.push('store=1')
  return parts.join(' ')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
