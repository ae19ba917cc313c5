import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BackendName } from '../backends/index.ts'
import type { MtcnnOptions } from '../detect/index.ts'

/** The backends that Node has. */
export const BACKENDS: readonly BackendName[] = ['native', 'wasm', 'cpu']

/** Three thresholds, one a stage of the cascade. */
export type Thresholds = readonly [proposal: number, refine: number, output: number]

/** The options that {@link addDetectorOptions} gives a command. */
export interface DetectorOptions {
  readonly minFace?: number
  readonly maxFace?: number
  readonly thresholds?: Thresholds
  readonly backend?: readonly BackendName[]
  readonly maxPixels?: number
  /** Where a command knows {@link workersOption}. */
  readonly workers?: number
}

/** What a command takes where an option is not given. */
export interface DetectorDefaults {
  readonly minFace: number
  readonly thresholds: Thresholds
}

/** The published cascade's settings. */
export const DETECTOR_DEFAULTS: DetectorDefaults = { minFace: 40, thresholds: [0.6, 0.7, 0.7] }

/** The options of every command that looks for faces. */
export function addDetectorOptions(command: Command, defaults: DetectorDefaults): Command {
  return command
    .option(
      '--min-face <pixels>',
      `shorter side of the smallest face to find (default: ${defaults.minFace})`,
      wholeNumber,
    )
    .option('--max-face <pixels>', 'the largest face to find (default: no limit)', wholeNumber)
    .option(
      '--thresholds <P,R,O>',
      `lowest score in P-Net, R-Net and O-Net (default: ${defaults.thresholds})`,
      thresholds,
    )
    .addOption(backendOption())
    .option('--max-pixels <megapixels>', 'refuse pictures with more pixels, unread (default: 100)', positiveNumber)
}

/** `--backend`, for every command that runs a network. */
export function backendOption(): Option {
  return new Option(
    '--backend <names>',
    `TensorFlow.js backend, or several in the order of preference: ${BACKENDS.join(', ')}`,
  ).argParser(backends)
}

/** More threads than this help nobody, and each takes some 100 MB. */
const MOST_WORKERS = 64

/** `--workers`, for every command that looks at many pictures. */
export function workersOption(): Option {
  return new Option(
    '--workers <number>',
    'threads that share the pictures; the results are the same (default: 1)',
  ).argParser(text => {
    const value = wholeNumber(text)
    if (value > MOST_WORKERS)
      throw new InvalidArgumentError(`Give at most ${MOST_WORKERS}; more than there are cores help little.`)
    return value
  })
}

/** `--json`, the same in every command. */
export const JSON_OPTION = ['--json', 'one JSON object a line on stdout, nothing else there'] as const

/** What the detector is told. */
export function detectorSettings(options: DetectorOptions, defaults: DetectorDefaults): MtcnnOptions {
  const { minFace, thresholds, maxFace, backend } = { ...defaults, ...options }
  return {
    minFaceSize: minFace,
    maxFaceSize: maxFace,
    thresholds,
    backend: backend && { prefer: backend },
  }
}

/** The limit in pixels that `--max-pixels` gives in megapixels. */
export function pixelLimit({ maxPixels }: DetectorOptions): number | undefined {
  return maxPixels === undefined ? undefined : maxPixels * 1e6
}

/** A whole number from 1. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError('Give a whole number, 1 or more.')
  }
  return value
}

/** A number over 0. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('Give a number over 0.')
  return value
}

/** `P,R,O`. */
export function thresholds(text: string): Thresholds {
  const values = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)))
  if (values.length !== 3 || !values.every(value => value > 0 && value < 1)) {
    throw new InvalidArgumentError('Give three numbers between 0 and 1, as in 0.6,0.7,0.7.')
  }
  return [values[0], values[1], values[2]]
}

function backends(text: string): BackendName[] {
  return text.split(',').map(part => {
    const name = BACKENDS.find(known => known === part.trim())
    if (!name) throw new InvalidArgumentError(`Choose among ${BACKENDS.join(', ')}; several with commas between.`)
    return name
  })
}

/** A rate between 0 and 1. */
export function rate(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value < 1)) {
    throw new InvalidArgumentError('Give a rate between 0 and 1, as in 1e-3.')
  }
  return value
}
