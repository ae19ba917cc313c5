import { isFacewiseError, messageOf } from '../errors.ts'

/** What went wrong with one input, as `--json` prints it. */
export interface Failure {
  /** A code of `FacewiseError`, or `UNEXPECTED` for anything else. */
  readonly code: string
  readonly message: string
}

/** Turns anything that was thrown into a {@link Failure}, in the words of the command line. */
export function failureOf(error: unknown): Failure {
  if (!isFacewiseError(error)) return { code: 'UNEXPECTED', message: messageOf(error) }
  const { code } = error
  const message = code === 'IMAGE_TOO_LARGE' ? error.message.replace('`maxPixels`', '--max-pixels') : error.message
  return { code, message }
}

/** One line that names the input and says what went wrong; most messages name it already. */
export function failureLine(name: string, { message }: Failure): string {
  return message.includes(`"${name}"`) ? message : `"${name}": ${message}`
}

/** Whether an error is no fault of one input: every other input would fail in the same way. */
export function affectsAll(error: unknown): boolean {
  return isFacewiseError(error) && /^(BACKEND|ENGINE|MODEL|DEPENDENCY|STORE)_/.test(error.code)
}
