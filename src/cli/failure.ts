import { isFacewiseError, messageOf } from '../errors.ts'

/** What went wrong with one input, as `--json` prints it. */
export interface Failure {
  /** A code of `FacewiseError`, or `UNEXPECTED` for anything else. */
  readonly code: string
  readonly message: string
}

/** What messages of the library call otherwise than the command line. */
const WORDS: readonly (readonly [library: string, commandLine: string])[] = [
  ['`maxPixels`', '--max-pixels'],
  ['`minFaceSize`', '--min-face'],
  ['`duplicates`', '--duplicates report'],
  ['give `threshold`', 'give --threshold'],
  ['give its `manifest` or `source`', 'give the folder or address that has its manifest.json'],
  ['Make the call again: another worker takes its place.', 'Give this picture again; the others go on without it.'],
]

/** Turns anything that was thrown into a {@link Failure}, in the words of the command line. */
export function failureOf(error: unknown): Failure {
  if (!isFacewiseError(error)) return { code: 'UNEXPECTED', message: messageOf(error) }
  const { code, message } = error
  return { code, message: WORDS.reduce((text, [library, commandLine]) => text.replace(library, commandLine), message) }
}

/** One line that names the input and says what went wrong; most messages name it already. */
export function failureLine(name: string, { message }: Failure): string {
  return message.includes(`"${name}"`) ? message : `"${name}": ${message}`
}

/** Whether an error is no fault of one input: every other input would fail in the same way. */
export function affectsAll(error: unknown): boolean {
  return isFacewiseError(error) && /^(BACKEND|ENGINE|MODEL|DEPENDENCY|STORE)_/.test(error.code)
}

/** Whether an error says that what was asked for makes no sense, whichever picture it is asked of. */
export function isWrongCall(error: unknown): boolean {
  return isFacewiseError(error) && error.code === 'INVALID_ARGUMENT'
}
