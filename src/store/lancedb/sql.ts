import type { Clause } from '../where.ts'

/** A string in a filter: quotes are doubled; nothing else has a meaning in it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** What a query is narrowed to. */
interface Narrowing {
  readonly subject?: string
  readonly after?: string
  readonly where?: readonly Clause[]
}

/**
 * A filter for the engine. It lets through all that fulfil it, and perhaps some that do not fulfil `where`: metadata are JSON text, and
 * the engine looks for a piece of it; `fulfils` has the last word.
 */
export function filterOf({ subject, after, where = [] }: Narrowing): string | undefined {
  const parts = where.flatMap(clause => pieceOf(clause) ?? [])
  if (subject !== undefined) parts.push(`subject = ${literal(subject)}`)
  // The engine compares bytes of UTF-8: the order of `compareIds`.
  if (after !== undefined) parts.push(`id > ${literal(after)}`)
  return parts.length > 0 ? parts.join(' AND ') : undefined
}

export function idsIn(ids: readonly string[]): string {
  return `id IN (${ids.map(literal).join(', ')})`
}

/** A piece of text that metadata must have in them to fulfil the clause; nothing where they may do without any. */
function pieceOf(clause: Clause): string | undefined {
  const name = `${JSON.stringify(clause.key)}:`
  if (clause.op === 'not' || (clause.op === 'exists' && !clause.value)) return undefined
  if (clause.op !== 'in') return contains(name)
  if (clause.values.length === 0) return 'FALSE'
  return `(${clause.values.map(value => contains(name + JSON.stringify(value))).join(' OR ')})`
}

function contains(text: string): string {
  return `contains(metadata, ${literal(text)})`
}
