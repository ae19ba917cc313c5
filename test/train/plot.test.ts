import { expect, it } from 'vitest'
import { type EpochRecord, plotLog } from '../../src/train/index.ts'

const log: EpochRecord[] = [0.2, 0.1, 0.05].map((loss, i) => ({
  epoch: i + 1,
  loss,
  terms: 100,
  active: 50 - 10 * i,
  learningRate: 0.01,
  spread: 1.5,
  score: 0.8 + 0.05 * i,
}))

it('draws a curve for each figure of a log, as one file without addresses or scripts', () => {
  const svg = plotLog(log, { title: 'a < b & "c"', scoreName: 'TAR' })
  expect(svg.match(/<path d="M[^"]*L[^"]*"/g)).toHaveLength(4)
  for (const name of ['TAR', 'loss', 'share of selected triplets that push', 'a &lt; b &amp; &quot;c&quot;']) {
    expect(svg).toContain(name)
  }
  expect(svg).not.toMatch(/<script|href|NaN|Infinity/)
  // Falls from the top of its panel to the bottom.
  const [, loss] = svg.match(/<path d="(M[^"]*)" fill="none" stroke="#a23b2a"/)!
  const heights = [...loss.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(match => Number(match[1]))
  expect(heights[2] - heights[0]).toBe(150)
})

it('draws one epoch, equal values and nobody held out', () => {
  const svg = plotLog([{ ...log[0], score: undefined }])
  expect(svg).not.toMatch(/NaN|Infinity|held-out/)
  expect(svg).toContain('<circle')
  expect(plotLog([])).toContain('</svg>')
})
