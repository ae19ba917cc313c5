import type { Argument, Command, Option } from 'commander'
import { DEFAULT_AGE_GENDER_MODEL, DEFAULT_EMOTION_MODEL, SPOOF_MODELS } from '../../attributes/index.ts'
import { DEFAULT_EMBEDDER } from '../../embed/index.ts'
import { downloadableNames } from '../../models/downloadable.ts'
import { openers } from '../../store/open.node.ts'

/** What can stand for an option's value or an argument. */
export interface Values {
  /** Nothing but these, files aside. */
  readonly words: readonly string[]
  /** Whether paths can stand there; with `words`, only once a path was begun. */
  readonly files: 'none' | 'files' | 'folders'
  /** Whether several words can stand there with commas between. */
  readonly list?: boolean
  /** Whether it is the URL of a store: paths follow the schemes that have them. */
  readonly store?: boolean
}

/** An option as a shell sees it. */
export interface OptionWords {
  /** `-h`, `--help`. */
  readonly flags: readonly string[]
  readonly description: string
  /** Absent for a switch. */
  readonly value?: Values
}

/** A command as a shell sees it. */
export interface CommandWords {
  /** The words behind `facewise`, with spaces between; empty for `facewise` itself. */
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly description: string }[]
  readonly options: readonly OptionWords[]
  readonly args: readonly Values[]
  /** Whether the last argument can be given any number of times. */
  readonly variadic: boolean
}

/** The schemes of stores, as their URLs begin. */
export const STORE_SCHEMES: readonly string[] = Object.keys(openers).map(scheme =>
  scheme.startsWith('postgres') ? `${scheme}://` : `${scheme}:`,
)

/** The schemes behind which a path on this machine stands. */
export const PATH_SCHEMES = ['file', 'lancedb'] as const

const FREE: Values = { words: [], files: 'none' }
const FILES: Values = { words: [], files: 'files' }
const FOLDERS: Values = { words: [], files: 'folders' }
const STORE: Values = { words: STORE_SCHEMES, files: 'none', store: true }
const PULLABLE: Values = { words: downloadableNames, files: 'none' }
const model = (...words: readonly string[]): Values => ({ words, files: 'folders' })

/** Options whose values no description lists. */
const BY_OPTION: Readonly<Record<string, Values>> = {
  '--embedder': model(DEFAULT_EMBEDDER, ...downloadableNames),
  '--emotion-model': model(DEFAULT_EMOTION_MODEL),
  '--age-gender-model': model(DEFAULT_AGE_GENDER_MODEL),
  '--model': model(...SPOOF_MODELS),
}

/** By the name between the angle brackets. */
const BY_PLACEHOLDER: Readonly<Record<string, Values>> = {
  a: FILES,
  b: FILES,
  file: FILES,
  csv: FILES,
  folder: FOLDERS,
  'folder|address': FOLDERS,
  url: STORE,
  from: STORE,
  to: STORE,
  name: PULLABLE,
}

/** A program and all its commands, each before those below it. */
export function wordsOf(program: Command): CommandWords[] {
  return walk(program, '')
}

function walk(command: Command, path: string): CommandWords[] {
  const help = command.createHelp()
  // With `help`, which is no command like the others.
  const below = help.visibleCommands(command)
  const names = below.map(each => each.name())
  const args = command.registeredArguments
  const words: CommandWords = {
    path,
    commands: below.map(each => ({ name: each.name(), description: summary(each.description()) })),
    options: help.visibleOptions(command).map(wordsOfOption),
    args: args.map(valuesOfArgument),
    variadic: args.at(-1)?.variadic === true,
  }
  const children = below.flatMap(each => {
    const child = path === '' ? each.name() : `${path} ${each.name()}`
    if (each.name() !== 'help') return walk(each, child)
    const siblings = { words: names.filter(name => name !== 'help'), files: 'none' as const }
    return [{ path: child, commands: [], options: [], args: [siblings], variadic: false }]
  })
  return [words, ...children]
}

function wordsOfOption(option: Option): OptionWords {
  const flags = [option.short, option.long].filter(flag => flag !== undefined)
  const description = summary(option.description)
  return option.required || option.optional ? { flags, description, value: valuesOf(option) } : { flags, description }
}

function valuesOf(option: Option): Values {
  if (option.argChoices) return { words: option.argChoices, files: 'none' }
  if (option.long && Object.hasOwn(BY_OPTION, option.long)) return BY_OPTION[option.long]
  const placeholder = /<([^>]+?)(\.\.\.)?>/.exec(option.flags)?.[1] ?? ''
  return placeOf(placeholder) ?? valuesByParser(option)
}

function valuesOfArgument(argument: Argument): Values {
  if (argument.argChoices) return { words: argument.argChoices, files: 'none' }
  return placeOf(argument.name()) ?? FREE
}

function placeOf(placeholder: string): Values | undefined {
  return Object.hasOwn(BY_PLACEHOLDER, placeholder) ? BY_PLACEHOLDER[placeholder] : undefined
}

/**
 * The words of an option that its own parser accepts, of those that its description has: `--backend`, `--attributes`, `--templates` name
 * what can be chosen there, and a list in this file would be one more to keep.
 */
function valuesByParser({ parseArg, description }: Option): Values {
  if (!parseArg) return FREE
  const accepts = (text: string): boolean => {
    try {
      parseArg(text, undefined as never)
      return true
    } catch {
      return false
    }
  }
  // A parser that takes any word at all names none.
  if (accepts('no-such-word')) return FREE
  const words = [...new Set(description.match(/[a-z][a-z-]+/g) ?? [])].filter(accepts)
  return { words, files: 'none', list: words.length > 1 && accepts(words.slice(0, 2).join(',')) }
}

/** What stands before the first explanation in brackets or the second sentence, in one line. */
function summary(description: string): string {
  return description
    .split(/ \(|; |\.$|\. |: /)[0]
    .replaceAll(/\s+/g, ' ')
    .trim()
}
