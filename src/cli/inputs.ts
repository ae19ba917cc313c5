import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { FacewiseError } from '../errors.ts'

/** The extensions by which pictures are known in folders. */
const EXTENSIONS = ['jpg', 'jpeg', 'png', 'webp', 'gif', 'avif'] as const

const isPicture = (path: string): boolean => EXTENSIONS.some(extension => path.toLowerCase().endsWith(`.${extension}`))

/** One picture to be read, or a word of the command line for which there is none. */
export type Input = { readonly name: string; readonly error?: FacewiseError }

/**
 * What the FILE words of a command line stand for, in their order: `-` and addresses as they are, the pictures of a folder (and its
 * folders) and of a glob sorted by name. A name that exists is never taken for a glob, so `photo[1].jpg` is safe.
 */
export async function expandInputs(words: readonly string[]): Promise<Input[]> {
  const inputs = await Promise.all(words.map(expand))
  return inputs.flat()
}

async function expand(word: string): Promise<Input[]> {
  if (word === '-' || /^https?:\/\//.test(word)) return [{ name: word }]
  const entry = await stat(word).catch(() => undefined)
  if (entry?.isDirectory()) {
    const found = await glob('**/*', { cwd: word, expandDirectories: false })
    return pictures(
      word,
      found.map(path => join(word, path)),
      'The folder',
    )
  }
  if (!entry && isDynamicPattern(word)) {
    const pattern = process.platform === 'win32' ? word.replaceAll('\\', '/') : word
    return pictures(word, await glob(pattern, { expandDirectories: false, absolute: isAbsolute(word) }), 'The pattern')
  }
  // A missing file is named by whoever tries to read it.
  return [{ name: word }]
}

function pictures(word: string, found: readonly string[], kind: string): Input[] {
  const names = found.filter(isPicture).sort()
  if (names.length > 0) return names.map(name => ({ name }))
  const what =
    found.length === 0
      ? 'finds no files'
      : `has no pictures, only ${found.length} other file${found.length > 1 ? 's' : ''}`
  const message = `${kind} "${word}" ${what}. Pictures are known by their extension: ${EXTENSIONS.join(', ')}.`
  return [{ name: word, error: new FacewiseError('IMAGE_NOT_FOUND', message) }]
}
