import { FacewiseError, type FacewiseErrorCode } from '../errors.ts'

/** An error as it crosses: structured clones of errors lose their class and their code. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly cause?: WireError
}

/** Causes of causes; a cycle ends here too. */
const DEPTH = 4

/** An error, ready to be sent: its name, message, code, and the same of its causes. */
export function toWire(error: unknown, depth = DEPTH): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, cause } = error
  const { code } = error as { code?: unknown }
  return {
    name,
    message,
    // Those of Node's errors too: `ENOENT` says more than words.
    ...(typeof code === 'string' && { code }),
    ...(cause !== undefined && depth > 1 && { cause: toWire(cause, depth - 1) }),
  }
}

/** The error that was sent. Its stack is that of the calling side. */
export function fromWire({ name, message, code, cause }: WireError): Error {
  const options = cause && { cause: fromWire(cause) }
  if (name === 'FacewiseError') return new FacewiseError(code as FacewiseErrorCode, message, options)
  return Object.assign(new Error(message, options), { name }, code !== undefined && { code })
}
