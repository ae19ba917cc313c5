/** The levels of the pyramid in numbers. */
import { el } from '../dom.ts'
import type { LevelReport } from './cascade.ts'

/** P-Net sees faces of this many pixels. */
const WINDOW = 12

export function createLevelTable(levels: readonly LevelReport[]): HTMLElement {
  const head = ['Copy', 'Pixels', 'Finds faces of', 'Windows kept'].map(textContent =>
    el('th', { textContent, scope: 'col' }),
  )
  const rows = levels.map(({ scale, width, height, windows }, i) => {
    const cells = [`${width} × ${height}`, `${Math.round(WINDOW / scale)} px`, windows.toLocaleString('en')]
    return el(
      'tr',
      {},
      el('th', { textContent: String(i + 1), scope: 'row' }),
      ...cells.map(textContent => el('td', { textContent })),
    )
  })
  return el(
    'table',
    { className: 'levels' },
    el('caption', { className: 'hidden', textContent: 'Copies of the picture' }),
    el('thead', {}, el('tr', {}, ...head)),
    el('tbody', {}, ...rows),
  )
}
