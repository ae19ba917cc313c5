/** The list of steps: how many boxes each left, in what time; the one that is chosen is shown. */
import { count, duration, el } from '../dom.ts'
import { EXPLANATIONS, type ViewName } from './explain.ts'
import { COLOURS } from './paint.ts'

/** What is told of a step; of one that has not come yet, nothing. */
export type Tallies = Partial<Record<ViewName, { readonly count: number; readonly milliseconds?: number }>>

export interface StepList {
  readonly element: HTMLElement
  choose(name: ViewName): void
  tally(tallies: Tallies): void
}

export function createStepList(onChoose: (name: ViewName) => void): StepList {
  const rows = new Map(
    EXPLANATIONS.map(explanation => {
      const { name, title } = explanation
      const radio = el('input', { type: 'radio', name: 'step', value: name })
      const bar = el('span', { className: 'step-bar', 'aria-hidden': 'true' })
      const counted = el('span', { className: 'step-count' })
      const time = el('span', { className: 'step-time' })
      const label = el(
        'label',
        { className: 'step' },
        radio,
        el('span', { className: 'step-title', textContent: title }),
        counted,
        time,
        bar,
      )
      label.dataset.step = name
      label.style.setProperty('--step', COLOURS[name])
      radio.addEventListener('change', () => onChoose(name))
      return [name, { explanation, label, radio, bar, counted, time }] as const
    }),
  )
  const element = el(
    'fieldset',
    { className: 'steps' },
    el('legend', { textContent: 'Steps' }),
    ...[...rows.values()].map(({ label }) => label),
  )
  return {
    element,
    choose(name) {
      rows.get(name)!.radio.checked = true
    },
    tally(tallies) {
      const most = Math.max(1, ...Object.values(tallies).map(tally => tally.count))
      for (const [name, { explanation, label, bar, counted, time }] of rows) {
        const tally = tallies[name]
        label.classList.toggle('waiting', !tally)
        counted.textContent = tally ? count(tally.count, explanation.unit, severalOf(explanation.unit)) : ''
        time.textContent = tally?.milliseconds === undefined ? '' : duration(tally.milliseconds)
        // From thousands to one: on a scale of equal steps the last would not be seen.
        bar.style.setProperty('--share', String(tally ? Math.log1p(tally.count) / Math.log1p(most) : 0))
        if (tally) label.dataset.count = String(tally.count)
        else delete label.dataset.count
      }
    },
  }
}

const severalOf = (unit: string): string => (unit === 'box' ? 'boxes' : `${unit}s`)
