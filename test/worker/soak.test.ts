import { expect, test } from 'vitest'
import { growth } from './soak/measure.ts'
import { soak } from './soak/run.ts'

// `npm run soak:mixed` is the same for as long as wanted, and also looks at memory, which so short a time tells nothing about.
test('a pool that is given everything, aborted, killed and disposed settles every call and answers rightly', async () => {
  const report = await soak({ seconds: 8, seed: 7, samples: 2, killEverySeconds: 2.5, disposeEverySeconds: 5 })
  expect(report.wrong).toEqual([])
  expect(growth(report.samples, ['threads', 'handles'])).toEqual([])
  // It was given all that: otherwise nothing was shown.
  expect(report.killed).toBeGreaterThan(0)
  expect(report.disposed).toBeGreaterThan(0)
  expect(report.ended.get('right')).toBeGreaterThan(0)
}, 300_000)
