import type { FaceRecord } from '../../src/store/index.ts'

/*
 * What the writer stores: batch after batch, each a subject of its own with a record count that follows from its number, so that the
 * process that checks knows every byte without having been told. Each batch also replaces the one record `latest`. Every fifth
 * removes an earlier one.
 */

const DIMENSION = 64
export const LATEST = 'latest'

export function subjectOf(batch: number): string {
  return `batch${batch}`
}

export function batchOf(batch: number): FaceRecord[] {
  const size = 1 + ((batch * 7919) % 40)
  const records = Array.from({ length: size }, (_, i) => recordOf(`${batch}/${i}`, batch, i))
  return [...records, { ...recordOf(LATEST, batch, size), subject: LATEST }]
}

/** The batch that this one removes when it is stored. */
export function removedBy(batch: number): number | undefined {
  return batch % 5 === 4 ? batch - 2 : undefined
}

function recordOf(id: string, batch: number, i: number): FaceRecord {
  let state = batch * 1009 + i + 1
  const vector = Float32Array.from({ length: DIMENSION }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  })
  return {
    id,
    subject: subjectOf(batch),
    vector,
    model: 'kill',
    time: batch,
    metadata: { batch, i, even: i % 2 === 0 },
  }
}
