import { FacewiseError } from '../errors.ts'
import type { Metric } from '../metrics.ts'
import { checkText, type Metadata, scalar } from './metadata.ts'
import type { FaceRecord, Identity, NewFaceRecord } from './store.ts'

/** B-trees of databases keep keys of a third of a page. */
export const MAX_ID_BYTES = 1024
export const MAX_SUBJECT_BYTES = 65_536
export const MAX_DIMENSION = 16_000
export const MAX_K = 10_000

const encoder = new TextEncoder()

/**
 * Checks records and fills in what they may leave out; of several with one id the last stays. Vectors are copied.
 *
 * @returns the records, and what model and dimension they are of.
 * @throws FacewiseError `INVALID_ARGUMENT` that names the first record with something wrong.
 */
export function checkRecords(records: readonly NewFaceRecord[]): { records: FaceRecord[]; identity?: Identity } {
  if (!Array.isArray(records)) throw new FacewiseError('INVALID_ARGUMENT', 'upsert takes a list of records.')
  const now = Date.now()
  const byId = new Map<string, FaceRecord>()
  let identity: Identity | undefined
  records.forEach((record: NewFaceRecord, i) => {
    const what = `Record ${i}`
    if (typeof record !== 'object' || record === null) {
      throw new FacewiseError('INVALID_ARGUMENT', `${what} is no record: { id, subject, vector, model }.`)
    }
    const id = checkId(record.id, `The id of record ${i}`)
    const subject = checkSubject(record.subject, `The subject of record ${i}`)
    const model = checkModel(record.model, `The model of record ${i}`)
    const vector = checkVector(record.vector, `The vector of record ${i} ("${id.slice(0, 64)}")`)
    const time = record.time ?? now
    if (!Number.isSafeInteger(time)) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `The time of record ${i} must be milliseconds since 1970, a whole number; got ${time}.`,
      )
    }
    identity ??= { model, dimension: vector.length }
    if (model !== identity.model || vector.length !== identity.dimension) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `${what} is of ${model} with ${vector.length} numbers, record 0 of ${identity.model} with ${identity.dimension}: a store holds ` +
          'embeddings of one model.',
      )
    }
    byId.set(id, { id, subject, vector: vector.slice(), model, time, metadata: checkMetadata(record.metadata, i) })
  })
  return { records: [...byId.values()], identity }
}

export function checkId(id: unknown, what = 'The id'): string {
  return checkName(id, MAX_ID_BYTES, what)
}

export function checkSubject(subject: unknown, what = 'The subject'): string {
  return checkName(subject, MAX_SUBJECT_BYTES, what)
}

export function checkModel(model: unknown, what = 'The model'): string {
  return checkName(model, MAX_ID_BYTES, what)
}

function checkName(name: unknown, maxBytes: number, what: string): string {
  if (typeof name !== 'string' || name === '') {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${what} must be a string that is not empty; got ${name === '' ? "''" : typeof name}.`,
    )
  }
  checkText(name, what)
  // Each UTF-16 unit makes one to three bytes.
  const bytes = name.length * 3 > maxBytes ? encoder.encode(name).length : name.length
  if (bytes > maxBytes)
    throw new FacewiseError('INVALID_ARGUMENT', `${what} has ${bytes} bytes of UTF-8; ${maxBytes} is the most.`)
  return name
}

/** @throws FacewiseError `INVALID_ARGUMENT` unless it is an embedding: float32, finite, and with a direction. */
export function checkVector(vector: unknown, what: string): Float32Array {
  if (!(vector instanceof Float32Array)) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} must be a Float32Array: use Float32Array.from(list).`)
  }
  if (vector.length === 0 || vector.length > MAX_DIMENSION) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `${what} has ${vector.length} numbers; an embedding has 1 to ${MAX_DIMENSION}.`,
    )
  }
  let squared = 0
  for (let i = 0; i < vector.length; i++) squared += vector[i] * vector[i]
  if (!Number.isFinite(squared)) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} holds a number that is not finite: make the embedding again.`)
  }
  // Also where engines that compute in float32 would see no length.
  if (squared < 1e-30) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} is all zeros and has no direction: it is no embedding.`)
  }
  if (squared > 1e30) {
    throw new FacewiseError('INVALID_ARGUMENT', `${what} is longer than 1e15: distances of such vectors overflow.`)
  }
  return vector
}

function checkMetadata(metadata: Metadata | undefined, record: number): Metadata {
  if (metadata === undefined) return {}
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `The metadata of record ${record} must be an object of names and plain values.`,
    )
  }
  const entries = Object.entries(metadata)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        [checkText(key, `A key of the metadata of record ${record}`), scalar(value, `metadata.${key}`)] as const,
    )
  return Object.fromEntries(entries)
}

export function checkMetric(metric: Metric): Metric {
  if (metric !== 'cosine' && metric !== 'euclidean' && metric !== 'squared-euclidean') {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `There is no metric '${metric}': use 'cosine', 'euclidean' or 'squared-euclidean'.`,
    )
  }
  return metric
}

/** @throws FacewiseError `STORE_MISMATCH` unless both are the same. */
export function checkIdentity(held: Identity, wanted: Partial<Identity>, store: string): void {
  if (wanted.model !== undefined && wanted.model !== held.model) {
    throw new FacewiseError(
      'STORE_MISMATCH',
      `The ${store} store holds embeddings of ${held.model}, not of ${wanted.model}: use that model, or another store.`,
    )
  }
  if (wanted.dimension !== undefined && wanted.dimension !== held.dimension) {
    throw new FacewiseError(
      'STORE_MISMATCH',
      `The ${store} store holds embeddings of ${held.dimension} numbers (${held.model}), not of ${wanted.dimension}: make them with one model.`,
    )
  }
}

/** The order of ids: by Unicode code points, as databases compare bytes of UTF-8. (JavaScript compares halves of pairs.) */
export function compareIds(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates, which make the code points from U+10000 on, come after U+E000 to U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit
}
