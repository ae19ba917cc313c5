/** One box after another: by the pointer over the picture, or by buttons, best score first. */
import { el } from '../dom.ts'

export interface Browse {
  readonly element: HTMLElement
  /** The boxes that can be looked at now. */
  show(boxes: Float32Array, scores: Float32Array): void
  boxes(): Float32Array
  /** The box that is meant, or -1. */
  marked(): number
  point(index: number): void
}

export function createBrowse(onMark: () => void): Browse {
  let boxes: Float32Array = new Float32Array(0)
  let scores: Float32Array = new Float32Array(0)
  let order: number[] = []
  let marked = -1
  const back = el('button', { type: 'button', textContent: '‹', 'aria-label': 'The box with the next higher score' })
  const on = el('button', { type: 'button', textContent: '›', 'aria-label': 'The box with the next lower score' })
  const words = el('output', { className: 'browse-words', 'aria-live': 'polite' })
  const element = el('div', { className: 'browse row' }, back, on, words)

  const say = (): void => {
    back.disabled = on.disabled = scores.length === 0
    if (marked < 0) {
      words.textContent = scores.length === 0 ? '' : 'Point at a box, or step through them, for its score.'
      return
    }
    const [x, y, width, height] = boxes.subarray(marked * 4, marked * 4 + 4)
    const size = `${Math.round(width)} × ${Math.round(height)} at ${Math.round(x)}, ${Math.round(y)}`
    words.textContent = `Score ${scores[marked].toFixed(4)}: ${size} (box ${order.indexOf(marked) + 1} of ${scores.length})`
  }
  const mark = (index: number): void => {
    if (index === marked) return
    marked = index
    say()
    onMark()
  }
  const step = (by: number): void => {
    if (order.length === 0) return
    const at = marked < 0 ? (by > 0 ? 0 : order.length - 1) : order.indexOf(marked) + by
    mark(order[(at + order.length) % order.length])
  }
  back.addEventListener('click', () => step(-1))
  on.addEventListener('click', () => step(1))
  return {
    element,
    show(nextBoxes, nextScores) {
      if (nextBoxes === boxes) return
      boxes = nextBoxes
      scores = nextScores
      order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a])
      marked = -1
      say()
    },
    boxes: () => boxes,
    marked: () => marked,
    point: mark,
  }
}
