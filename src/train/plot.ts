import type { EpochRecord } from './log.ts'

/** Options of {@link plotLog}. */
export interface PlotOptions {
  /** What stands above; nothing by default. */
  readonly title?: string
  /** What `score` is; `score of held-out people` by default. */
  readonly scoreName?: string
}

/** One curve over epochs. */
interface Curve {
  readonly name: string
  readonly points: readonly (readonly [epoch: number, value: number])[]
  readonly colour: string
}

const WIDTH = 640
const PANEL = 150
const LEFT = 64
const RIGHT = 16
const GAP = 46
const TOP = 34

/**
 * The log of a run as an SVG, which needs nothing to be looked at: loss, the share of selected triplets that push, the spread of the
 * embeddings and, where people were held out, their score.
 */
export function plotLog(
  log: readonly EpochRecord[],
  { title, scoreName = 'score of held-out people' }: PlotOptions = {},
): string {
  const curve = (name: string, colour: string, value: (record: EpochRecord) => number | undefined): Curve => ({
    name,
    colour,
    points: log.flatMap(record => {
      const y = value(record)
      return y === undefined || !Number.isFinite(y) ? [] : [[record.epoch, y] as const]
    }),
  })
  const curves = [
    curve(scoreName, '#1b6e53', record => record.score),
    curve('loss', '#a23b2a', record => record.loss),
    curve('share of selected triplets that push', '#2b5c9e', ({ active, terms }) => (terms > 0 ? active / terms : 0)),
    curve('mean squared distance of faces in a batch', '#6b4c9a', record => record.spread),
  ].filter(({ points }) => points.length > 0)
  const height = TOP + curves.length * (PANEL + GAP)
  const last = Math.max(1, ...log.map(({ epoch }) => epoch))
  const panels = curves.map((each, i) => panel(each, TOP + i * (PANEL + GAP) + 16, last))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escapeText(title ?? 'Log of a training run')}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    ...(title ? [`<text x="${LEFT}" y="20" font-size="14">${escapeText(title)}</text>`] : []),
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function panel({ name, points, colour }: Curve, top: number, last: number): string {
  const values = points.map(([, y]) => y)
  const [low, high] = rangeOf(values)
  const x = (epoch: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (epoch - 1)) / Math.max(1, last - 1)
  const y = (value: number): number => top + PANEL - (PANEL * (value - low)) / (high - low)
  const ticks = [low, (low + high) / 2, high].map(
    value =>
      `<path d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>` +
      `<text x="${LEFT - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end" fill="#555">${Number(value.toPrecision(3))}</text>`,
  )
  const line = points
    .map(([epoch, value], i) => `${i ? 'L' : 'M'}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`)
    .join('')
  const dots =
    points.length === 1
      ? `<circle cx="${x(points[0][0]).toFixed(1)}" cy="${y(points[0][1]).toFixed(1)}" r="3" fill="${colour}"/>`
      : ''
  return [
    `<text x="${LEFT}" y="${top - 6}" fill="${colour}">${escapeText(name)}</text>`,
    ...ticks,
    `<path d="${line}" fill="none" stroke="${colour}" stroke-width="1.5"/>${dots}`,
    `<text x="${LEFT}" y="${top + PANEL + 14}" fill="#555">1</text>`,
    `<text x="${WIDTH - RIGHT}" y="${top + PANEL + 14}" text-anchor="end" fill="#555">epoch ${last}</text>`,
  ].join('\n')
}

/** With a little room where all values are one. */
function rangeOf(values: readonly number[]): [number, number] {
  const low = Math.min(...values)
  const high = Math.max(...values)
  const room = high > low ? 0 : Math.max(Math.abs(low) * 0.1, 1e-6)
  return [low - room, high + room]
}

const escapeText = (text: string): string =>
  text.replace(/[&<>"]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!)
