import * as v from 'valibot'
import { LIMITS } from '../../protocol.ts'
import { Refused } from '../refusal.ts'
import type { AppContext } from './environment.ts'

/** Milliseconds that a body may take to arrive: who sends slower holds a place that others wait for. */
const ARRIVAL = 30_000

const tooLarge = (most: number): Refused =>
  new Refused('too-large', `This is more than the ${Math.round(most / 1000)} kB that are taken. Send less.`)

/**
 * The bytes of a body, counted while they come: a length that is announced may be wrong or missing.
 *
 * @throws Refused `too-large`, `invalid` for one that breaks off or does not come.
 */
export async function readBody(c: AppContext, most: number): Promise<Uint8Array> {
  const announced = Number(c.req.header('content-length') ?? 0)
  if (announced > most) throw refuseRest(c, tooLarge(most))
  const reader = c.req.raw.body?.getReader()
  if (!reader) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let length = 0
  const timer = setTimeout(() => void reader.cancel('too slow').catch(() => {}), ARRIVAL)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
      if (length > most) {
        void reader.cancel('too large').catch(() => {})
        throw refuseRest(c, tooLarge(most))
      }
      chunks.push(value)
    }
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused('invalid', 'The request broke off. Send it again.')
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks, length)
}

/** Ends the connection after the answer: what is still to come is not read. */
function refuseRest(c: AppContext, refused: Refused): Refused {
  c.header('Connection', 'close')
  return refused
}

/**
 * A body of JSON, checked.
 *
 * @throws Refused `unsupported`, `too-large`, and `invalid` with the names of the fields that are wrong.
 */
export async function readJson<T>(c: AppContext, schema: v.GenericSchema<unknown, T>): Promise<T> {
  const type = c.req.header('content-type')?.split(';')[0].trim().toLowerCase()
  if (type !== 'application/json') throw new Refused('unsupported', 'Send JSON (`Content-Type: application/json`).')
  const bytes = await readBody(c, LIMITS.jsonBytes)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new Refused('invalid', 'This is no JSON.')
  }
  const parsed = v.safeParse(schema, value)
  if (parsed.success) return parsed.output
  const fields = [...new Set(parsed.issues.map(issue => String(issue.path?.[0]?.key ?? '')))].filter(Boolean)
  const [{ message }] = parsed.issues
  throw new Refused('invalid', message, { fields })
}

/**
 * A line of text from a person: no control characters, nothing that a database cannot keep, and no more than `most` characters. What it
 * means to HTML or SQL is nobody's business: it is never part of either.
 */
export function lineOf(most: number, message: string): v.GenericSchema<unknown, string> {
  return v.pipe(
    v.string(message),
    v.transform(text => text.normalize('NFC').trim()),
    v.check(text => text.length >= 1 && [...text].length <= most, message),
    v.check(text => !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text), message),
  )
}
