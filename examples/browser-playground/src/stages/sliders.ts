/** The sliders of the cascade. */
import { el } from '../dom.ts'
import { SETTINGS, type Setting, type SettingValues, valuesFrom } from './settings.ts'

export interface Sliders {
  readonly element: HTMLElement
  values(): SettingValues
  set(values: SettingValues): void
}

export function createSliders(onChange: () => void): Sliders {
  const inputs = new Map<string, { input: HTMLInputElement; refresh: () => void }>()
  const groups = [...new Set(SETTINGS.map(({ group }) => group))].map(group =>
    el(
      'fieldset',
      { className: 'sliders' },
      el('legend', { textContent: group }),
      ...SETTINGS.filter(setting => setting.group === group).map(setting => {
        const { label, input, refresh } = slider(setting)
        inputs.set(setting.key, { input, refresh })
        return label
      }),
    ),
  )
  const set = (values: SettingValues): void => {
    for (const [key, { input, refresh }] of inputs) {
      input.value = String(values[key])
      refresh()
    }
  }
  const reset = el('button', { type: 'button', textContent: 'Back to the published settings' })
  reset.addEventListener('click', () => {
    set(valuesFrom(new URLSearchParams()))
    onChange()
  })
  const element = el(
    'form',
    { className: 'settings', 'aria-label': 'Settings' },
    ...groups,
    el('div', { className: 'row' }, reset),
  )
  element.addEventListener('submit', event => event.preventDefault())
  element.addEventListener('input', onChange)
  set(valuesFrom(new URLSearchParams()))
  return {
    element,
    set,
    values: () => Object.fromEntries([...inputs].map(([key, { input }]) => [key, Number(input.value)])),
  }
}

function slider({ key, label: name, min, max, step, unit = '' }: Setting) {
  const input = el('input', { type: 'range', name: key, min: String(min), max: String(max), step: String(step) })
  const value = el('output', {})
  const refresh = (): void => {
    value.textContent = unit ? `${input.value} ${unit}` : input.value
    if (unit) input.setAttribute('aria-valuetext', `${input.value} ${unit}`)
  }
  input.addEventListener('input', refresh)
  const label = el('label', { className: 'slider' }, el('span', { textContent: name }), value, input)
  return { label, input, refresh }
}
