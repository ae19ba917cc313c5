import { decode, type Picture } from '../image/index.ts'
import type { Input } from './inputs.ts'
import type { Terminal } from './terminal.ts'

/** An input with its picture, or with the reason why there is none. */
export type LoadedInput = { readonly name: string } & ({ readonly picture: Picture } | { readonly error: unknown })

/** Decodes inputs; never rejects. Standard input is read once, however often it is named. */
export function pictureLoader(
  terminal: Pick<Terminal, 'readStdin'>,
  maxPixels: number | undefined,
): (input: Input) => Promise<LoadedInput> {
  let stdin: Promise<Uint8Array> | undefined
  return async ({ name, error }) => {
    if (error) return { name, error }
    try {
      if (name === '-') stdin ??= terminal.readStdin()
      return { name, picture: await decode(name === '-' ? await stdin! : name, { maxPixels }) }
    } catch (reason) {
      return { name, error: reason }
    }
  }
}

/**
 * Runs `start` for each item, at most `width` at a time, and gives the results in the order of the items.
 *
 * @param start must not reject.
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  width: number,
  start: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  try {
    for (const item of items) {
      running.push(start(item))
      if (running.length === width) yield await running.shift()!
    }
    while (running.length > 0) yield await running.shift()!
  } finally {
    // Whoever stops early wants to free what these use.
    await Promise.all(running)
  }
}

/**
 * Decodes the inputs one after the other, each once. While one is looked at the next is already being decoded, which happens on
 * another thread; more ahead would only fill the memory.
 */
export function loadPictures(
  inputs: readonly Input[],
  terminal: Pick<Terminal, 'readStdin'>,
  maxPixels: number | undefined,
): AsyncGenerator<LoadedInput> {
  return inOrder(inputs, 2, pictureLoader(terminal, maxPixels))
}
