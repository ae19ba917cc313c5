import type { Command } from 'commander'
import { type DetectionScore, type EvaluatedPicture, scoreDetections } from '../../../detect/evaluation.ts'
import type { Face } from '../../../detect/index.ts'
import { FacewiseError } from '../../../errors.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { expandInputs, type Input } from '../../inputs.ts'
import { lookAtAll } from '../../look.ts'
import { createLooker, type OpenedLooker } from '../../looker.ts'
import {
  addDetectorOptions,
  type DetectorDefaults,
  type DetectorOptions,
  JSON_OPTION,
  pixelLimit,
  type Thresholds,
  workersOption,
} from '../../options.ts'
import { count, table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'
import { readLabels } from './labels.ts'

/** Points of the curve over the last threshold. */
const CURVE = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
/** Small faces too, and a last threshold that leaves room for the curve. */
const DEFAULTS: DetectorDefaults = { minFace: 20, thresholds: [0.6, 0.7, CURVE[0]] }

interface Options extends DetectorOptions {
  readonly scenes?: string
  readonly json?: boolean
}

/** A row of the result: the score on the labelled pictures, and what was found on pictures without faces. */
interface Row extends DetectionScore {
  readonly sceneDetections?: number
}

/** `facewise evaluate detection`. */
export function evaluateDetection(group: Command, context: CommandContext): void {
  const command = group
    .command('detection')
    .description('Recall, false positives and landmark error on labelled pictures, over the last threshold.')
    .argument('<folder>', 'holds labels.json and images/')
    .option('--scenes <folder>', 'pictures without people: every face found there is false')
  addDetectorOptions(command, DEFAULTS)
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((folder: string, options: Options) => evaluate(folder, options, context))
}

const HELP = `
Examples:
  facewise evaluate detection data/wider-part
      The curve that helps to choose the last threshold of \`facewise detect --thresholds\`.
  facewise evaluate detection data/wider-part --scenes data/landscapes --min-face 40
      Also what is found where no faces are; faces under 40 pixels are neither looked for nor counted.
  facewise evaluate detection data/wider-part --thresholds 0.5,0.6,0.5
      Other thresholds for the first two networks; the curve begins at the third.

labels.json is { "photo.jpg": { "faces": [{ "x", "y", "w", "h", "ignore"?, "landmarks"? }] } } in pixels of the upright
picture; landmarks are left eye, right eye, nose, left and right mouth corner, left and right as seen.

A finding is right if its intersection over union with a labelled face is 0.4 or more; the best score chooses first, each
face counts once. Faces with "ignore", and faces whose shorter side is under --min-face, are neither right nor wrong.`

async function evaluate(folder: string, options: Options, context: CommandContext): Promise<void> {
  const { terminal } = context
  const { minFace, thresholds } = { ...DEFAULTS, ...options }
  const labels = await readLabels(folder)
  const scenes = options.scenes === undefined ? [] : await expandInputs([options.scenes])
  const sceneError = scenes.find(scene => scene.error)?.error
  if (sceneError) throw new FacewiseError('INVALID_ARGUMENT', sceneError.message)

  const looker = createLooker(options, DEFAULTS, labels.length + scenes.length, terminal)
  const began = performance.now()
  try {
    const paths = labels.map(({ path }) => ({ name: path }))
    const found = await findAll(paths, looker, options, context)
    const onScenes = await findAll(scenes, looker, options, context)
    // A picture that could not be read says nothing about the detector; it was named.
    const pictures = labels.flatMap(({ path, faces }): EvaluatedPicture[] => {
      const facesFound = found.get(path)
      return facesFound ? [{ labelled: faces, found: facesFound }] : []
    })
    if (pictures.length === 0)
      throw new FacewiseError('INVALID_ARGUMENT', `"${folder}": no picture could be evaluated.`)
    const lowest = thresholds[2]
    const curve = [lowest, ...CURVE.filter(threshold => threshold > lowest)].map((threshold): Row => {
      const score = scoreDetections(pictures, threshold, { minFaceSize: minFace })
      if (onScenes.size === 0) return score
      const faces = [...onScenes.values()].flat().filter(face => face.score >= threshold)
      return { ...score, sceneDetections: faces.length }
    })
    const seconds = (performance.now() - began) / 1000
    const setting = { minFace, thresholds, backend: (await looker.engine()).backend, scenes: onScenes.size, seconds }
    terminal.stdout.write(options.json ? `${toJson(curve, setting)}\n` : toTable(curve, setting, context))
  } finally {
    await looker.dispose()
  }
}

/** The faces of pictures, by name; what cannot be read is named and left out. */
async function findAll(
  inputs: readonly Input[],
  looker: OpenedLooker,
  options: Options,
  context: CommandContext,
): Promise<Map<string, readonly Face[]>> {
  const found = new Map<string, readonly Face[]>()
  const call = { maxPixels: pixelLimit(options) }
  await lookAtAll<Face[]>(
    inputs,
    looker,
    {
      look: ({ detect }, picture) => detect(picture, call),
      tell: (name, _, faces) => void found.set(name, faces),
    },
    { maxPixels: options.maxPixels },
    context,
  )
  return found
}

interface Setting {
  readonly minFace: number
  readonly thresholds: Thresholds
  readonly backend: string
  readonly scenes: number
  readonly seconds: number
}

function toTable(curve: readonly Row[], setting: Setting, { terminal }: CommandContext): string {
  const { counted, countedLarge, pictures, landmarkFaces } = curve[0]
  const { minFace, thresholds, backend, scenes, seconds } = setting
  const style = styleOf(terminal.stdout, terminal.env)
  const withScenes = scenes > 0
  const head = ['threshold', 'recall', '>= 40 px', 'false', 'per picture', 'precision', 'landmarks']
  const rows = curve.map(row => [
    String(row.threshold),
    row.recall.toFixed(3),
    share(row.recallLarge, 3),
    String(row.falsePositives),
    row.falsePositivesPerPicture.toFixed(3),
    share(row.precision, 3),
    share(row.landmarkError, 4),
    ...(withScenes ? [String(row.sceneDetections)] : []),
  ])
  const [title, ...lines] = table([withScenes ? [...head, 'on scenes'] : head, ...rows], 'r'.repeat(withScenes ? 8 : 7))
  return [
    `${count(counted, 'face')} of ${minFace} px and more in ${count(pictures, 'picture')}; ${countedLarge} of 40 px and more; ` +
      `${landmarkFaces} with landmarks found`,
    ...(withScenes ? [`${count(scenes, 'scene')} without people`] : []),
    `first thresholds ${thresholds[0]} and ${thresholds[1]}; backend ${backend}; ${seconds.toFixed(1)} s`,
    '',
    style.bold(title),
    ...lines,
    '',
    'threshold: of the last network. false: findings that match no labelled face. landmarks: mean error as a share of the distance',
    `between the eyes.${withScenes ? ' on scenes: all faces found there.' : ''}`,
    '',
  ].join('\n')
}

/** A ratio; a dash where nothing was there to be counted. */
function share(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits)
}

function toJson(curve: readonly Row[], { thresholds, seconds, ...setting }: Setting): string {
  const round = (value: unknown): unknown => (typeof value === 'number' ? Math.round(value * 1e5) / 1e5 : value)
  return JSON.stringify({
    ...setting,
    firstThresholds: thresholds.slice(0, 2),
    seconds: round(seconds),
    curve: curve.map(row => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, round(value)]))),
  })
}
