import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { compileKernel, kernels } from '../../scripts/build-kernels.ts'
import { distance } from '../../src/metrics.ts'
import { compareIds, type FaceRecord, type NearestQuery, ResidentIndex } from '../../src/store/index.ts'
import { random } from '../random.ts'

it('the kernel in the source is what its AssemblyScript compiles to', async () => {
  const path = fileURLToPath(new URL('../../src/store/kernel/kernel.ts', import.meta.url))
  expect(readFileSync(path, 'utf8')).toBe(await compileKernel(kernels[1]))
})

/** Records of `subjects` people, near each other by person; some exactly equal. */
function people(count: number, dimension: number, seed: number): FaceRecord[] {
  const { float, integer } = random(seed)
  const centres = Array.from({ length: Math.ceil(count / 5) }, () =>
    Float32Array.from({ length: dimension }, () => float(-1, 1)),
  )
  return Array.from({ length: count }, (_, i) => {
    const centre = centres[i % centres.length]
    const noise = i % 7 === 0 ? 0 : 0.2
    const vector = centre.map(value => value + float(-noise, noise))
    return {
      id: `id${i}`,
      subject: `s${i % centres.length}`,
      vector,
      model: 'm',
      time: i,
      metadata: { n: integer(0, 3) },
    }
  })
}

function naive(records: readonly FaceRecord[], query: Float32Array, o: NearestQuery): string[] {
  const found = records
    .filter(record =>
      o.where.every(clause => clause.op === 'in' && clause.values.includes(record.metadata[clause.key])),
    )
    .map(record => ({ record, far: distance(query, record.vector, o.metric) }))
    .filter(({ far }) => far <= (o.within ?? Infinity))
    .sort((a, b) => a.far - b.far || compareIds(a.record.id, b.record.id))
  const seen = new Set<string>()
  return found
    .filter(({ record: { subject } }) => o.per === 'record' || (!seen.has(subject) && seen.add(subject)))
    .slice(0, o.limit)
    .map(({ record, far }) => `${record.id} ${far}`)
}

describe.each(['with the kernel', 'where WebAssembly is not allowed'])('the index %s', how => {
  it.each([
    [1, 50],
    [3, 700],
    [128, 9_001],
    [130, 4_097],
  ])('finds exactly what a look at all records finds: dimension %i, %i records', async (dimension, count) => {
    vi.resetModules()
    if (how !== 'with the kernel') {
      vi.stubGlobal('WebAssembly', {
        ...WebAssembly,
        Module: class {
          constructor() {
            throw new Error('not allowed')
          }
        },
      })
    }
    try {
      const { ResidentIndex } = await import('../../src/store/resident.ts')
      const records = people(count, dimension, dimension)
      const index = new ResidentIndex(dimension)
      for (const record of records) index.set(record)
      // Some leave, so that rows move.
      const gone = records.filter((_, i) => i % 11 === 3)
      for (const { id } of gone) expect(index.delete(id)).toBe(true)
      const left = records.filter((_, i) => i % 11 !== 3)
      for (const metric of ['cosine', 'euclidean', 'squared-euclidean'] as const) {
        for (const per of ['record', 'subject'] as const) {
          for (const [i, query] of [
            left[5].vector,
            left[left.length - 1].vector,
            left[7].vector.map(v => v + 0.3),
          ].entries()) {
            const o: NearestQuery = {
              limit: 12,
              metric,
              per,
              where: i === 1 ? [{ key: 'n', op: 'in', values: [2] }] : [],
              within: i === 2 ? distance(query, left[9].vector, metric) : undefined,
            }
            const found = index
              .nearest(query, o)
              .map(match => ({ id: match.id, far: 'distance' in match ? match.distance : Number.NaN }))
              .sort((a, b) => a.far - b.far || compareIds(a.id, b.id))
            expect(found.map(({ id, far }) => `${id} ${far}`)).toEqual(naive(left, query, o))
          }
        }
      }
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

it('gives copies of vectors', () => {
  const index = new ResidentIndex(2)
  index.set({ id: 'a', subject: 's', vector: Float32Array.of(1, 2), model: 'm', time: 0, metadata: {} })
  index.get('a')?.vector.fill(9)
  expect(index.get('a')?.vector).toEqual(Float32Array.of(1, 2))
})
