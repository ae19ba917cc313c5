import { FacewiseError } from '../errors.ts'
import type { Metadata } from './store.ts'

type Scalar = string | number | boolean

/** What one value of the metadata must be. Every condition that is given holds; a value that is not there fulfils `not` alone. */
export interface Condition {
  /** One of these, of the same type. */
  readonly in?: readonly Scalar[]
  /** Anything but this; also not there at all. */
  readonly not?: Scalar
  /** Numbers above, from, below, up to; strings and booleans never are. */
  readonly gt?: number
  readonly gte?: number
  readonly lt?: number
  readonly lte?: number
  /** Whether it is there. */
  readonly exists?: boolean
}

/**
 * A filter on metadata: every key must have the value, or fulfil the condition. Values of different types are never equal: `1` is not
 * `'1'` and not `true`.
 */
export type Where = Readonly<Record<string, Scalar | Condition>>

/** One condition of a filter, plain: how adapters read it. */
export type Clause =
  | { readonly key: string; readonly op: 'in'; readonly values: readonly Scalar[] }
  | { readonly key: string; readonly op: 'not'; readonly value: Scalar }
  | { readonly key: string; readonly op: 'gt' | 'gte' | 'lt' | 'lte'; readonly value: number }
  | { readonly key: string; readonly op: 'exists'; readonly value: boolean }

/**
 * A filter as a list of clauses that must all hold.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` for what is no filter.
 */
export function clausesOf(where: Where | undefined): Clause[] {
  if (where === undefined) return []
  if (typeof where !== 'object' || where === null || Array.isArray(where)) throw wrong('where', where)
  return Object.entries(where).flatMap(([key, condition]): Clause[] => {
    checkText(key, `The key ${JSON.stringify(key)} of where`)
    if (isScalar(condition)) return [{ key, op: 'in', values: [scalar(condition, key)] }]
    if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) throw wrong(key, condition)
    const clauses = Object.entries(condition)
      .filter(([, value]) => value !== undefined)
      .map(([op, value]) => clause(key, op, value))
    if (clauses.length === 0) throw wrong(key, condition)
    return clauses
  })
}

function clause(key: string, op: string, value: unknown): Clause {
  switch (op) {
    case 'in':
      if (!Array.isArray(value)) throw wrong(`${key}.in`, value)
      return { key, op, values: value.map(each => scalar(each, `${key}.in`)) }
    case 'not':
      return { key, op, value: scalar(value, `${key}.not`) }
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw wrong(`${key}.${op}`, value)
      return { key, op, value }
    case 'exists':
      if (typeof value !== 'boolean') throw wrong(`${key}.exists`, value)
      return { key, op, value }
    default:
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `where has no condition '${op}' (for '${key}'): use in, not, gt, gte, lt, lte, exists.`,
      )
  }
}

/** Whether the metadata fulfil all clauses: what every store's filter must come to. */
export function fulfils(metadata: Metadata, clauses: readonly Clause[]): boolean {
  return clauses.every(clause => {
    const there = Object.hasOwn(metadata, clause.key)
    const value = there ? metadata[clause.key] : undefined
    switch (clause.op) {
      case 'in':
        return there && clause.values.includes(value as Scalar)
      case 'not':
        return value !== clause.value
      case 'exists':
        return there === clause.value
      default:
        return typeof value === 'number' && compare(value, clause.op, clause.value)
    }
  })
}

function compare(a: number, op: 'gt' | 'gte' | 'lt' | 'lte', b: number): boolean {
  if (op === 'gt') return a > b
  if (op === 'gte') return a >= b
  return op === 'lt' ? a < b : a <= b
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** A value that every engine keeps as it is. */
export function scalar(value: unknown, where: string): Scalar {
  if (typeof value === 'string') return checkText(value, `The string of '${where}'`)
  if (typeof value === 'boolean') return value
  // JSON knows no negative zero.
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0
  throw wrong(where, value)
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

function wrong(where: string, value: unknown): FacewiseError {
  const got = typeof value === 'number' ? String(value) : Array.isArray(value) ? 'a list' : typeof value
  return new FacewiseError(
    'INVALID_ARGUMENT',
    `'${where}' must be a string, a finite number or a boolean (in filters also a condition); got ${value === null ? 'null' : got}.`,
  )
}
