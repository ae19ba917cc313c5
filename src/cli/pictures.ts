import { decode, type Picture } from '../image/index.ts'
import type { Input } from './inputs.ts'
import type { Terminal } from './terminal.ts'

/** An input with its picture, or with the reason why there is none. */
export type LoadedInput = { readonly name: string } & ({ readonly picture: Picture } | { readonly error: unknown })

/**
 * Decodes the inputs one after the other, each once. While one is looked at the next is already being decoded, which happens on
 * another thread; more ahead would only fill the memory.
 */
export async function* loadPictures(
  inputs: readonly Input[],
  terminal: Pick<Terminal, 'readStdin'>,
  maxPixels: number | undefined,
): AsyncGenerator<LoadedInput> {
  let stdin: Promise<Uint8Array> | undefined
  const load = async ({ name, error }: Input): Promise<LoadedInput> => {
    if (error) return { name, error }
    try {
      if (name === '-') stdin ??= terminal.readStdin()
      return { name, picture: await decode(name === '-' ? await stdin! : name, { maxPixels }) }
    } catch (reason) {
      return { name, error: reason }
    }
  }
  let next = inputs.length > 0 ? load(inputs[0]) : undefined
  for (let i = 0; next; i++) {
    const loaded = await next
    next = i + 1 < inputs.length ? load(inputs[i + 1]) : undefined
    yield loaded
  }
}
