/** Whether two faces are one person's, in words and on a scale. */
import { el } from '../dom.ts'
import { type Comparison, RATES } from '../faces/rates.ts'
import type { ChosenFace } from './side.ts'

/** The far end of the scale: twice the loosest threshold; strangers are mostly beyond it. */
const SCALE = 2.2 * Math.max(...RATES.map(({ threshold }) => threshold))

const EVEN_ODDS = 'The confidence is for two who were as likely one person as not before they were compared.'

export function createVerdict(
  [a, b]: readonly [ChosenFace, ChosenFace],
  comparison: Comparison,
  threshold: number,
): HTMLElement[] {
  const { same, distance, confidence } = comparison
  const scale = el('div', { className: 'scale', role: 'img' })
  scale.setAttribute('aria-label', `Distance ${distance.toFixed(3)}; the limit is ${threshold.toFixed(3)}`)
  const place = (className: string, value: number, label: string): HTMLElement => {
    const mark = el('span', { className, textContent: label })
    mark.style.setProperty('--at', String(Math.min(1, value / SCALE)))
    return mark
  }
  scale.append(
    place('scale-same', threshold, ''),
    place('scale-limit', threshold, 'limit'),
    place('scale-mark', distance, distance.toFixed(3)),
  )
  const heading = el('h3', { className: same ? 'verdict same' : 'verdict different' })
  heading.dataset.same = String(same)
  heading.textContent = same ? 'The same person' : 'Different people'
  return [
    heading,
    el('p', { className: 'verdict-words', textContent: meaning(comparison, threshold) }),
    scale,
    el(
      'dl',
      { className: 'facts' },
      ...fact('Cosine distance', distance.toFixed(4)),
      ...fact('Limit', threshold.toFixed(4)),
      ...(confidence === undefined ? [] : fact('Confidence in one person', sure(confidence))),
    ),
    ...(confidence === undefined ? [] : [el('p', { className: 'hint', textContent: EVEN_ODDS })]),
    el(
      'figure',
      { className: 'aligned' },
      named(a.aligned, 'Face A as the network sees it'),
      named(b.aligned, 'Face B as the network sees it'),
      el('figcaption', {
        className: 'hint',
        textContent: 'What the network sees: 150 x 150 pixels, with eyes, nose and mouth where they always are.',
      }),
    ),
  ]
}

function named(canvas: HTMLCanvasElement, words: string): HTMLCanvasElement {
  canvas.setAttribute('role', 'img')
  canvas.setAttribute('aria-label', words)
  return canvas
}

const fact = (name: string, value: string): HTMLElement[] => [
  el('dt', { textContent: name }),
  el('dd', { className: 'number', textContent: value }),
]

function meaning({ same, distance }: Comparison, threshold: number): string {
  const near = Math.abs(distance - threshold) < 0.15 * threshold
  if (near) {
    return `It is close: the distance lies just ${same ? 'within' : 'beyond'} the limit. Another photo of each would say more than another limit.`
  }
  return same
    ? 'The two faces are nearer to each other than nearly all pairs of strangers are. That is no proof: twins, for one, are near, too.'
    : 'The two faces are farther apart than two photos of one person mostly are. A bad photo can do that, too: small, blurred or turned away.'
}

/** Never a round 0 or 100: nothing is that sure. */
function sure(confidence: number): string {
  const percent = Math.min(99.9, Math.max(0.1, confidence * 100))
  return `${percent.toFixed(1)} %`
}
