import type { Clause } from '../where.ts'

/** Adds a value to a statement's parameters. @returns its place, as `$3`. */
export type Bind = (value: unknown) => string

/** A condition as SQL on the column `metadata`; jsonb compares types strictly and numbers exactly. */
export function conditionOf(clause: Clause, bind: Bind): string {
  // A single value by containment, so that a GIN index on the metadata can serve it.
  if (clause.op === 'in' && clause.values.length === 1) {
    return `metadata @> ${bind(JSON.stringify({ [clause.key]: clause.values[0] }))}::text::jsonb`
  }
  const value = `(metadata -> ${bind(clause.key)}::text)`
  switch (clause.op) {
    case 'in':
      return `${value} IN (SELECT jsonb_array_elements(${bind(JSON.stringify(clause.values))}::text::jsonb))`
    case 'not':
      return `${value} IS DISTINCT FROM ${bind(JSON.stringify(clause.value))}::text::jsonb`
    case 'exists':
      return `${value} IS ${clause.value ? 'NOT NULL' : 'NULL'}`
    default: {
      const sign = { gt: '>', gte: '>=', lt: '<', lte: '<=' }[clause.op]
      const bound = `${bind(String(clause.value))}::text::numeric`
      return `CASE WHEN jsonb_typeof${value} = 'number' THEN ${value}::numeric ${sign} ${bound} ELSE false END`
    }
  }
}
