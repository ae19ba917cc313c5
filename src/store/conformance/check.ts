import type { FacewiseErrorCode } from '../../errors.ts'
import { FacewiseError, isFacewiseError, messageOf } from '../../errors.ts'

/** Fails a case: an error that says what the store did and what it should have done. */
export function check(condition: boolean, message: () => string): void {
  if (!condition) throw new FacewiseError('STORE_FAILED', `Conformance: ${message()}`)
}

/** Fails unless both are the same as JSON; vectors are compared as lists of numbers. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [textOf(actual), textOf(expected)]
  check(a === b, () => `${what} is ${a.slice(0, 400)}, not ${b.slice(0, 400)}.`)
}

/** Fails unless `call` rejects with this code. */
export async function rejects(call: () => Promise<unknown>, code: FacewiseErrorCode, what: string): Promise<void> {
  let outcome: string
  try {
    await call()
    outcome = 'it went through'
  } catch (error) {
    if (isFacewiseError(error) && error.code === code && error.message.length > 0) return
    outcome = isFacewiseError(error) ? `${error.code} (${error.message})` : `a bare ${messageOf(error)}`
  }
  check(false, () => `${what} should be refused with ${code}; got ${outcome.slice(0, 400)}.`)
}

/** All that an iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

function textOf(value: unknown): string {
  const ordered = (_: string, part: unknown): unknown => {
    if (part instanceof Float32Array) return Array.from(part)
    if (part === undefined) return '(undefined)'
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  return JSON.stringify(value, ordered) ?? '(undefined)'
}
