import { FacewiseError } from '../errors.ts'

/** A value that every engine keeps as it is. */
export type Scalar = string | number | boolean

/** What is kept beside a vector: names and plain values. Numbers are finite; strings are well-formed Unicode without NUL. */
export type Metadata = Readonly<Record<string, Scalar>>

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * The value as every engine keeps it.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for any other.
 */
export function scalar(value: unknown, where: string): Scalar {
  if (typeof value === 'string') return checkText(value, `The string of '${where}'`)
  if (typeof value === 'boolean') return value
  // JSON knows no negative zero.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  throw notScalar(where, value)
}

/**
 * A string that every engine can keep: PostgreSQL knows no NUL, and UTF-8 no half of a surrogate pair.
 *
 * @throws FacewiseError `INVALID_ARGUMENT`.
 */
export function checkText(text: string, what: string): string {
  if (/\0|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${what} has a NUL or half a surrogate pair, which databases cannot keep: remove it.`,
    )
  }
  return text
}

/** The error for a value that is none of these. */
export function notScalar(where: string, value: unknown): FacewiseError {
  const got = typeof value === 'number' ? String(value) : Array.isArray(value) ? 'a list' : typeof value
  return new FacewiseError(
    'INVALID_ARGUMENT',
    `'${where}' must be a string, a finite number or a boolean (in filters also a condition); got ${value === null ? 'null' : got}.`,
  )
}
