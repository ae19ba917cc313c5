/** What can be set of the cascade, how far, and how it is written in the page's address. */

/** The settings of one detection, as `createMtcnn` takes them. */
export interface CascadeSettings {
  readonly minFaceSize: number
  readonly scaleFactor: number
  readonly thresholds: readonly [proposal: number, refine: number, output: number]
  readonly nms: readonly [level: number, all: number, refine: number, output: number]
}

/** A slider. */
export interface Setting {
  /** In the page's address. */
  readonly key: string
  readonly label: string
  readonly group: 'Where to look' | 'Least probability of a face' | 'Most overlap of two boxes'
  readonly min: number
  readonly max: number
  readonly step: number
  readonly initial: number
  readonly unit?: string
}

const share = { min: 0.05, max: 0.95, step: 0.05 }

export const SETTINGS: readonly Setting[] = [
  { key: 'min', label: 'Smallest face', group: 'Where to look', min: 20, max: 300, step: 5, initial: 40, unit: 'px' },
  {
    key: 'scale',
    label: 'Step of the pyramid',
    group: 'Where to look',
    min: 0.4,
    max: 0.9,
    step: 0.001,
    initial: 0.709,
  },
  { ...share, key: 'p', label: 'P-Net', group: 'Least probability of a face', initial: 0.6 },
  { ...share, key: 'r', label: 'R-Net', group: 'Least probability of a face', initial: 0.7 },
  { ...share, key: 'o', label: 'O-Net', group: 'Least probability of a face', initial: 0.7 },
  { ...share, key: 'nl', label: 'P-Net, in one level', group: 'Most overlap of two boxes', initial: 0.5 },
  { ...share, key: 'na', label: 'P-Net, over all', group: 'Most overlap of two boxes', initial: 0.7 },
  { ...share, key: 'nr', label: 'R-Net', group: 'Most overlap of two boxes', initial: 0.7 },
  { ...share, key: 'no', label: 'O-Net', group: 'Most overlap of two boxes', initial: 0.7 },
]

/** Values of the sliders by key. */
export type SettingValues = Readonly<Record<string, number>>

/** What the address says, within what the sliders allow; defaults for the rest. */
export function valuesFrom(state: URLSearchParams): SettingValues {
  return Object.fromEntries(
    SETTINGS.map(({ key, min, max, initial }) => {
      const value = Number(state.get(key) ?? Number.NaN)
      return [key, Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : initial]
    }),
  )
}

export function cascadeSettings(values: SettingValues): CascadeSettings {
  return {
    minFaceSize: values.min,
    scaleFactor: values.scale,
    thresholds: [values.p, values.r, values.o],
    nms: [values.nl, values.na, values.nr, values.no],
  }
}
