import { FacewiseError } from '../errors.ts'
import { checkText, isScalar, type Metadata, notScalar, type Scalar, scalar } from './metadata.ts'

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
  if (typeof where !== 'object' || where === null || Array.isArray(where)) throw notScalar('where', where)
  return Object.entries(where).flatMap(([key, condition]): Clause[] => {
    checkText(key, `The key ${JSON.stringify(key)} of where`)
    if (isScalar(condition)) return [{ key, op: 'in', values: [scalar(condition, key)] }]
    if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) throw notScalar(key, condition)
    const clauses = Object.entries(condition)
      .filter(([, value]) => value !== undefined)
      .map(([op, value]) => clause(key, op, value))
    if (clauses.length === 0) throw notScalar(key, condition)
    return clauses
  })
}

function clause(key: string, op: string, value: unknown): Clause {
  switch (op) {
    case 'in':
      if (!Array.isArray(value)) throw notScalar(`${key}.in`, value)
      return { key, op, values: value.map(each => scalar(each, `${key}.in`)) }
    case 'not':
      return { key, op, value: scalar(value, `${key}.not`) }
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw notScalar(`${key}.${op}`, value)
      return { key, op, value }
    case 'exists':
      if (typeof value !== 'boolean') throw notScalar(`${key}.exists`, value)
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
