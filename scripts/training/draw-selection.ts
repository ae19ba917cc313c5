/** Two rows of a person's pictures, and everybody else's, by their distances. */
export interface AnchorRow {
  readonly positive: number
  /** Squared distances to pictures of others. */
  readonly negatives: readonly number[]
}

const WIDTH = 720
const LEFT = 16
const ROW = 44
const TOP = 60

const COLOURS = { hard: '#a23b2a', 'semi-hard': '#1b6e53', easy: '#9aa3ad' } as const

/**
 * Which triplets of real anchors are hard, semi-hard and easy, as an SVG: one line an anchor and positive, with the squared distance to
 * the positive as a bar, the margin as a band and every negative as a tick.
 */
export function drawSelection(rows: readonly AnchorRow[], margin: number, caption: string): string {
  const most = Math.max(...rows.flatMap(({ positive, negatives }) => [positive + margin, ...negatives]))
  const x = (distance: number): string => (LEFT + ((WIDTH - 2 * LEFT) * distance) / most).toFixed(1)
  const height = TOP + rows.length * ROW + 40
  const kindOf = (negative: number, positive: number): keyof typeof COLOURS =>
    negative <= positive ? 'hard' : negative < positive + margin ? 'semi-hard' : 'easy'
  const lines = rows.map(({ positive, negatives }, i) => {
    const y = TOP + i * ROW
    const ticks = (Object.keys(COLOURS) as (keyof typeof COLOURS)[]).map(kind => {
      const path = negatives.filter(each => kindOf(each, positive) === kind).map(each => `M${x(each)} ${y + 4}v20`)
      return `<path d="${path.join('')}" stroke="${COLOURS[kind]}" stroke-opacity="0.7"/>`
    })
    const band = `<rect x="${x(positive)}" y="${y}" width="${(Number(x(positive + margin)) - Number(x(positive))).toFixed(1)}" height="28" fill="#1b6e53" fill-opacity="0.12"/>`
    return `${band}<path d="M${LEFT} ${y + 14}H${WIDTH - LEFT}" stroke="#ddd"/>${ticks.join('')}<path d="M${x(positive)} ${y - 4}v36" stroke="#222" stroke-width="2"/>`
  })
  const key = (Object.keys(COLOURS) as (keyof typeof COLOURS)[]).map(
    (kind, i) =>
      `<rect x="${LEFT + 250 + i * 110}" y="30" width="10" height="10" fill="${COLOURS[kind]}"/><text x="${LEFT + 265 + i * 110}" y="40">${kind}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${caption}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="18">${caption}</text>`,
    `<text x="${LEFT}" y="40">bar: the positive; tick: a negative</text>`,
    ...key,
    ...lines,
    `<text x="${LEFT}" y="${height - 14}" fill="#555">0</text>`,
    `<text x="${WIDTH - LEFT}" y="${height - 14}" text-anchor="end" fill="#555">squared distance ${most.toFixed(2)}</text>`,
    '</svg>\n',
  ].join('\n')
}
