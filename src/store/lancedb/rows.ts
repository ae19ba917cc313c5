import type { RecordBatch, Schema } from 'apache-arrow'
import { FacewiseError } from '../../errors.ts'
import type { Metadata } from '../metadata.ts'
import type { FaceRecord, Identity } from '../store.ts'
import type { Engine } from './engine.ts'

/** The columns of a record; the model is the table's. */
export const COLUMNS = ['id', 'subject', 'vector', 'time', 'metadata']

/** Names in the metadata of the table's schema. */
const MODEL = 'facewise.model'
const DIMENSION = 'facewise.dimension'

/** By this mark two inserts of one id at once are a conflict, and the engine makes one of them an update. */
const PRIMARY_KEY = new Map([['lance-schema:unenforced-primary-key', 'true']])

/** The table's columns, with what it holds beside them. */
export function schemaOf({ model, dimension }: Identity, { arrow }: Engine): Schema {
  const { Field, FixedSizeList, Float32, Int64, Utf8 } = arrow
  return new arrow.Schema(
    [
      new Field('id', new Utf8(), false, PRIMARY_KEY),
      new Field('subject', new Utf8(), false),
      new Field('vector', new FixedSizeList(dimension, new Field('item', new Float32(), true)), false),
      new Field('time', new Int64(), false),
      new Field('metadata', new Utf8(), false),
    ],
    new Map([
      [MODEL, model],
      [DIMENSION, String(dimension)],
    ]),
  )
}

/** @throws FacewiseError `STORE_FAILED` for a table of something else. */
export function identityOf({ metadata, names }: Schema, table: string): Identity {
  const model = metadata.get(MODEL)
  const dimension = Number(metadata.get(DIMENSION))
  if (!model || !(dimension > 0) || COLUMNS.some(column => !names.includes(column))) {
    throw new FacewiseError(
      'STORE_FAILED',
      `The LanceDB table '${table}' was not made by this library: give another name with { table }.`,
    )
  }
  return { model, dimension }
}

export function rowOf({ id, subject, vector, time, metadata }: FaceRecord): Record<string, unknown> {
  return { id, subject, vector, time: BigInt(time), metadata: JSON.stringify(metadata) }
}

/** A record with the distance that the engine computed in float32, if it searched. */
export type FoundRecord = FaceRecord & { readonly engineDistance: number }

/** @throws FacewiseError `STORE_CORRUPT` for values that were not written like this. */
export function* recordsOf(batch: RecordBatch, { model, dimension }: Identity): Generator<FoundRecord> {
  const [ids, subjects, vectors, times, metadatas] = COLUMNS.map(name => batch.getChild(name))
  const distances = batch.getChild('_distance')
  for (let row = 0; row < batch.numRows; row++) {
    const id: string = ids?.get(row)
    const vector = Float32Array.from((vectors?.get(row)?.toArray() as Float32Array | undefined) ?? [])
    if (vector.length !== dimension) throw damaged(id, `its vector has ${vector.length} numbers, not ${dimension}`)
    yield {
      id,
      subject: subjects?.get(row),
      vector,
      model,
      time: Number(times?.get(row)),
      metadata: parse(metadatas?.get(row), id),
      engineDistance: distances?.get(row) ?? Number.NaN,
    }
  }
}

/** The record as callers get it. */
export function plain({ engineDistance: _, ...record }: FoundRecord): FaceRecord {
  return record
}

function parse(text: string, id: string): Metadata {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw damaged(id, 'its metadata are no JSON', error)
  }
}

function damaged(id: string, why: string, cause?: unknown): FacewiseError {
  return new FacewiseError(
    'STORE_CORRUPT',
    `The record "${String(id).slice(0, 64)}" of the lancedb store is damaged: ${why}. Delete it, or restore the folder from a copy.`,
    { cause },
  )
}
