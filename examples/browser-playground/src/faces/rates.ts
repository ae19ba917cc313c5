/** The measured table of the embedder, and a slider over it. */
import { confidence, distance, type EmbedderManifest, type Embedding, type ThresholdRate } from 'facewise/embed'
import { packagedManifests } from 'facewise/models'
import { el } from '../dom.ts'

/** The manifest of the embedder that the library takes where nothing else is said. */
export const manifest = packagedManifests['dlib-resnet-128'] as unknown as EmbedderManifest

/** The rates that were measured, the strictest first. Others are not offered: nothing is promised that was not measured. */
export const RATES: readonly ThresholdRate[] = [...(manifest.embedding.thresholds?.rates ?? [])].sort(
  (a, b) => a.fmr - b.fmr,
)

const INITIAL = 1e-3

/** A slider from strict to loose. */
export interface RateSlider {
  readonly element: HTMLElement
  rate(): ThresholdRate
  set(fmr: number): void
}

export function createRateSlider(label: string, onChange: () => void): RateSlider {
  const last = RATES.length - 1
  const input = el('input', { type: 'range', min: '0', max: String(last), step: '1', name: 'fmr' })
  const value = el('output', {})
  const words = el('p', { className: 'hint' })
  const rate = (): ThresholdRate => RATES[Number(input.value)]
  const refresh = (): void => {
    const { fmr, fnmr, threshold } = rate()
    value.textContent = `1 in ${Math.round(1 / fmr).toLocaleString('en')}`
    input.setAttribute('aria-valuetext', `1 stranger in ${Math.round(1 / fmr)}`)
    words.textContent =
      `At a distance of at most ${threshold.toFixed(4)}, 1 pair of strangers in ${Math.round(1 / fmr).toLocaleString('en')} ` +
      `passes as one person, and ${(fnmr * 100).toFixed(1)} % of true pairs are missed, as measured.`
  }
  const set = (fmr: number): void => {
    const index = RATES.findIndex(known => Math.abs(known.fmr / fmr - 1) < 1e-6)
    input.value = String(index < 0 ? RATES.findIndex(known => known.fmr === INITIAL) : index)
    refresh()
  }
  input.addEventListener('input', () => {
    refresh()
    onChange()
  })
  set(INITIAL)
  const ends = el(
    'span',
    { className: 'slider-ends', 'aria-hidden': 'true' },
    el('span', { textContent: 'strict' }),
    el('span', { textContent: 'loose' }),
  )
  const element = el(
    'div',
    { className: 'rate' },
    el('label', { className: 'slider' }, el('span', { textContent: label }), value, input),
    ends,
    words,
  )
  return { element, rate, set }
}

/** Two faces compared, by the embedder's metric and calibration. */
export interface Comparison {
  readonly same: boolean
  readonly distance: number
  /** How likely they are one person, 0 to 1, if both were as likely before. */
  readonly confidence?: number
}

/**
 * What `Embedder.verify` says, on the page: the embedder itself stays in its worker, and two vectors and a table are enough.
 */
export function compare(a: Embedding, b: Embedding, { threshold }: ThresholdRate): Comparison {
  const { metric, calibration } = manifest.embedding
  const between = distance(a.vector, b.vector, metric)
  return {
    same: between <= threshold,
    distance: between,
    ...(calibration && { confidence: confidence(between, calibration) }),
  }
}
