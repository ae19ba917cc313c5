import { type CommandWords, type OptionWords, PATH_SCHEMES, type Values } from './words.ts'

/** A script that completes `facewise` in fish, from version 3.0 on. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter(path => path !== '')
  const valued = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) => (value ? flags.map(flag => quote(`${path} ${flag}`)) : [])),
  )
  return `# Completion of facewise for fish, made by \`facewise completion fish\`.

# Whether the words so far are this command, with at least and at most so many arguments behind it.
function __facewise_at --argument-names wanted least most
    set -l at ''
    set -l position 0
    set -l expects no
    set -l ended no
    for word in (commandline -opc)[2..-1]
        if test $expects = yes
            set expects no
        else if test $ended = no -a "$word" = --
            set ended yes
        else if test $ended = no; and string match -q -- '-*' $word
            contains -- "$at $word" ${valued.join(' ')}
            and set expects yes
        else if test $position -eq 0; and contains -- (string trim -- "$at $word") ${paths.map(quote).join(' ')}
            set at (string trim -- "$at $word")
        else
            set position (math $position + 1)
        end
    end
    test "$at" = "$wanted"
    or return 1
    test -z "$least"
    or test $position -ge $least
    or return 1
    test -z "$most"
    or test $position -le $most
end

# The words, with those before a comma kept.
function __facewise_list
    set -l begun (string match -r -- '.*,' (__facewise_value))
    for word in $argv
        echo $begun$word
    end
end

# What is typed of a value.
function __facewise_value
    commandline -ct | string replace -r -- '^--[^=]*=' ''
end

# URLs of stores: schemes, and paths behind those that have them.
function __facewise_stores
    set -l value (__facewise_value)
    set -l scheme (string match -r -- '^(?:${PATH_SCHEMES.join('|')}):' $value)
    if test -z "$scheme"
        string join \\n -- $argv
    else
        for path in (__fish_complete_path (string replace -- $scheme '' $value))
            echo $scheme$path
        end
    end
end

complete -c facewise -e
complete -c facewise -f
${commands.flatMap(linesOf).join('\n')}
`
}

function linesOf({ path, commands, options, args, variadic }: CommandWords): string[] {
  const at = (least?: number, most?: number): string =>
    `complete -c facewise -n ${quote(['__facewise_at', quote(path), least, most].filter(part => part !== undefined).join(' '))}`
  const below = commands.map(({ name, description }) => `${at(0, 0)} -a ${quote(name)} -d ${quote(description)}`)
  const flagged = options.map(option => `${at()} ${flagsOf(option)} -d ${quote(option.description)}`)
  const placed = args.flatMap((values, i) => {
    const last = variadic && i === args.length - 1
    const candidates = candidatesOf(values)
    return candidates === '' ? [] : [`${last ? at(i) : at(i, i)} ${candidates}`]
  })
  return [...below, ...flagged, ...placed]
}

function flagsOf({ flags, value }: OptionWords): string {
  const named = flags.map(flag => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ')
  if (!value) return named
  const candidates = candidatesOf(value)
  return `${named} -r ${candidates === '' ? '-f' : candidates}`
}

function candidatesOf({ words, files, list, store }: Values): string {
  const all = words.join(' ')
  if (store) return `-f -a ${quote(`(__facewise_stores ${all})`)}`
  if (list) return `-f -a ${quote(`(__facewise_list ${all})`)}`
  if (files === 'files') return words.length > 0 ? `-F -a ${quote(all)}` : '-F'
  if (files === 'folders') return `-f -a ${quote(`${all} (__fish_complete_directories (__facewise_value))`.trim())}`
  return words.length > 0 ? `-f -a ${quote(all)}` : ''
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
