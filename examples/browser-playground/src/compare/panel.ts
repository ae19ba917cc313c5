/** The panel that compares two people. */
import { remember } from '../address.ts'
import { el, part } from '../dom.ts'
import { compare, createRateSlider } from '../faces/rates.ts'
import type { StartPanel } from '../panel.ts'
import { createSide } from './side.ts'
import { createVerdict } from './verdict.ts'

export const startCompare: StartPanel = section => {
  const verdict = part(section, 'verdict')
  const sides = [createSide('A', judge), createSide('B', judge)] as const
  const slider = createRateSlider('Strangers that may pass', () => {
    remember('compare', { fmr: slider.rate().fmr })
    judge()
  })
  part(section, 'sides').append(...sides.map(({ element }) => element))
  part(section, 'rate').append(slider.element)

  function judge(): void {
    const [a, b] = sides.map(side => side.chosen())
    if (!a || !b) {
      verdict.replaceChildren(el('p', { className: 'hint', textContent: 'Give a photo of each person.' }))
      return
    }
    const rate = slider.rate()
    verdict.replaceChildren(...createVerdict([a, b], compare(a.face.embedding, b.face.embedding, rate), rate.threshold))
  }
  judge()

  return {
    restore(state) {
      slider.set(Number(state.get('fmr') ?? slider.rate().fmr))
      remember('compare', { fmr: slider.rate().fmr })
      judge()
    },
  }
}
