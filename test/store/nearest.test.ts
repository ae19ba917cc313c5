import { describe, expect, it } from 'vitest'
import { NaiveStore } from '../../src/store/conformance/model.ts'
import { Random } from '../../src/store/conformance/random.ts'
import { nearerFirst } from '../../src/store/create.ts'
import { type FaceRecord, type NearestQuery, nearestOf, ResidentIndex } from '../../src/store/index.ts'

const random = new Random(11)
const records = Array.from(
  { length: 3000 },
  (_, i): FaceRecord => ({
    id: `r${i}`,
    subject: `s${random.below(400)}`,
    vector: random.vector(4, true),
    model: 'm',
    time: i,
    metadata: { even: i % 2 === 0 },
  }),
)
const naive = new NaiveStore()
naive.upsert(records)
const index = new ResidentIndex(4)
for (const record of records) index.set(record)

function* pages(): Generator<FaceRecord[]> {
  for (let i = 0; i < records.length; i += 97) yield records.slice(i, i + 97)
}

const cases = (['record', 'subject'] as const).flatMap(per =>
  (['cosine', 'euclidean', 'squared-euclidean'] as const).map(metric => ({ per, metric })),
)

describe.each(cases)('the nearest by $per ($metric)', ({ per, metric }) => {
  it.each([
    { limit: 1 },
    { limit: 20 },
    { limit: 50, within: 1 },
    { limit: 30, where: [{ key: 'even', op: 'in', values: [true] }] },
    { limit: 10, subject: 's7' },
    { limit: 10_000 },
  ] satisfies Partial<NearestQuery>[])('are those of a naive search: %o', async o => {
    const query = random.vector(4, true)
    const full: NearestQuery = { where: [], per, metric, ...o }
    const expected = naive.search(query, {
      k: full.limit,
      metric,
      per,
      maxDistance: full.within,
      subject: full.subject,
      where: full.where.length > 0 ? { even: true } : {},
    })
    expect(expected.length).toBeGreaterThan(0)
    expect((await nearestOf(pages(), query, full)).map(found => found as never).sort(nearerFirst)).toEqual(expected)
    expect((index.nearest(query, full) as never[]).sort(nearerFirst)).toEqual(expected)
  })
})

it('stops between two pages when the signal fires', async () => {
  const controller = new AbortController()
  let read = 0
  function* counted(): Generator<FaceRecord[]> {
    for (const page of pages()) {
      if (++read === 3) controller.abort()
      yield page
    }
  }
  const o: NearestQuery = { limit: 3, metric: 'cosine', where: [], per: 'record', signal: controller.signal }
  await expect(nearestOf(counted(), random.vector(4), o)).rejects.toMatchObject({ code: 'ABORTED' })
  expect(read).toBe(3)
})
