import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import { startBackend } from '../../../backends/index.ts'
import { createMtcnn, type Face, oneFace } from '../../../detect/index.ts'
import {
  type Alignment,
  ARCFACE_SIDE,
  ARCFACE_TEMPLATE,
  alignCrops,
  allPairs,
  DEFAULT_EMBEDDER,
  distributions,
  type EmbedderManifest,
  falseNonMatchRate,
  mirror,
  normalise,
  packVectors,
  scaleTemplate,
  thresholdAtFmr,
} from '../../../embed/index.ts'
import { FacewiseError } from '../../../errors.ts'
import { decode, type Picture } from '../../../image/index.ts'
import { loadModel } from '../../../models/index.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { placeOf } from '../../looker.ts'
import { DETECTOR_DEFAULTS, detectorSettings, JSON_OPTION, pixelLimit } from '../../options.ts'
import { createProgress } from '../../progress.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../../recogniser.ts'
import { table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'
import { readPairs } from './pairs.ts'

const DEFAULTS = DETECTOR_DEFAULTS
const FMRS = [1e-2, 1e-3, 1e-4] as const
/** Pictures that go through the network together. */
const BATCH = 8

interface Options extends Omit<RecogniserOptions, 'aligned'> {
  readonly crop?: string[]
  readonly json?: boolean
}

/** `facewise evaluate crops`. */
export function evaluateCrops(group: Command, context: CommandContext): void {
  const command = group
    .command('crops')
    .description(
      'Which crop suits an embedder, and what mirroring and centring add: false rejections at false match rates.',
    )
    .argument(
      '<csv>',
      'path_a,path_b,same; all its pictures are compared with all others, people known by their folders',
    )
    .option('--crop <specs...>', 'crops to compare: own, facenet, box:15%x10%, box:22px, arcface:0.9')
  addRecogniserOptions(command, DEFAULTS)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((csv: string, options: Options) => evaluate(csv, options, context))
}

const HELP = `
Examples:
  facewise evaluate crops lfw/pairs-train.csv --embedder facenet-512 --backend native
      FaceNet's own margin, margins in shares, and five points.
  facewise evaluate crops lfw/pairs-train.csv --crop own box:0%x0%
      The default model with its own alignment and with the bare box.

own: as the model's manifest says. facenet: 22 pixels more on each side, of which the central 160 of 182. box: the box with a margin on each
side. arcface: five points to ArcFace's template, the face that much smaller. Mirrored: the embedding of the mirrored crop is added.
Centred: the mean over all these pictures is subtracted, so that its figures flatter a little.`

/** What is done with the network's outputs. */
const FINISHES = ['plain', 'mirrored', 'centred', 'both'] as const

async function evaluate(csv: string, options: Options, context: CommandContext): Promise<void> {
  const { terminal } = context
  const paths = [...new Set((await readPairs(csv)).flatMap(({ a, b }) => [a, b]))]
  const settings = detectorSettings(options, DEFAULTS)
  const backend = await startBackend(settings.backend && 'prefer' in settings.backend ? settings.backend : {})
  const name = options.embedder ?? DEFAULT_EMBEDDER
  const model = await loadModel(name, { ...placeOf(name), engine: backend })
  const detector = await createMtcnn({ ...settings, backend })
  const progress = createProgress(terminal.stderr, paths.length)
  try {
    const { manifest } = model
    if (manifest.task !== 'embedding') throw new FacewiseError('INVALID_ARGUMENT', `${manifest.name} is no embedder.`)
    const [{ name: networkName, inputSize }] = manifest.networks
    if (inputSize === 'any') throw new FacewiseError('MODEL_INVALID', `${manifest.name} says no input size.`)
    const [height, width] = inputSize
    const size = { width, height }
    const specs = options.crop ?? ['own', 'facenet', 'box:10%x10%', 'box:15%x10%', 'box:20%x15%', 'arcface:0.9']
    const crops = specs.map(spec => cropOf(spec, manifest, width))
    const network = model.network(networkName)
    const { dimension } = manifest.embedding
    const outputs = crops.map(() => ({ plain: [] as Float32Array[], turned: [] as Float32Array[] }))
    const subjects: string[] = []
    for (let first = 0; first < paths.length; first += BATCH) {
      progress.show(first, paths[first])
      const found: { picture: Picture; face: Face }[] = []
      for (const path of paths.slice(first, first + BATCH)) {
        const picture = await decode(path, { maxPixels: pixelLimit(options) })
        const faces = await detector.detect(picture)
        if (faces.length === 0) continue
        found.push({ picture, face: oneFace(faces, picture, 'center') })
        subjects.push(basename(dirname(path)))
      }
      if (found.length === 0) continue
      const shape = [found.length, height, width, 3] as const
      for (const [i, crop] of crops.entries()) {
        const data = new Float32Array(found.length * width * height * 3)
        found.forEach(({ picture, face }, k) => {
          const out = data.subarray(k * width * height * 3)
          alignCrops(picture, [crop.prepare(face, picture)], crop.alignment, size, manifest.input, out)
        })
        const [plain, turned] = await network.run([
          { data, shape },
          { data: mirror(data, size), shape },
        ])
        found.forEach((_, k) => {
          const part = (rows: Float32Array): Float32Array => rows.slice(k * dimension, (k + 1) * dimension)
          outputs[i].plain.push(part(plain))
          outputs[i].turned.push(part(turned))
        })
      }
    }
    progress.clear()
    const rows = specs.map((crop, i) => ({ crop, ...scoresOf(outputs[i].plain, outputs[i].turned, subjects) }))
    const people = new Set(subjects).size
    const setting = { model: manifest.name, pictures: subjects.length, missed: paths.length - subjects.length, people }
    terminal.stdout.write(
      options.json ? `${JSON.stringify({ ...setting, fmrs: FMRS, rows })}\n` : toTable(rows, setting, context),
    )
  } finally {
    progress.clear()
    detector.dispose()
    model.dispose()
  }
}

interface Crop {
  readonly alignment: Alignment
  prepare(face: Face, picture: Picture): Face
}

function cropOf(spec: string, manifest: EmbedderManifest, side: number): Crop {
  const same = (face: Face): Face => face
  if (spec === 'own') return { alignment: manifest.embedding.alignment, prepare: same }
  if (spec === 'facenet') return { alignment: margin(0, 0, 'pixels'), prepare: facenetBox }
  const arcface = /^arcface:([\d.]+)$/.exec(spec)
  if (arcface && Number(arcface[1]) > 0) {
    const template = scaleTemplate(ARCFACE_TEMPLATE, ARCFACE_SIDE, side, Number(arcface[1]))
    return { alignment: { kind: 'points', template }, prepare: same }
  }
  const share = /^box:(-?[\d.]+)%x(-?[\d.]+)%$/.exec(spec)
  if (share) return { alignment: margin(Number(share[1]) / 100, Number(share[2]) / 100, 'share'), prepare: same }
  const pixels = /^box:(-?[\d.]+)px$/.exec(spec)
  if (pixels) return { alignment: margin(Number(pixels[1]), Number(pixels[1]), 'pixels'), prepare: same }
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `There is no crop "${spec}": own, facenet, box:15%x10%, box:22px, or arcface:0.9 (the face that much smaller).`,
  )
}

const margin = (x: number, y: number, unit: 'share' | 'pixels'): Alignment => ({ kind: 'box', margin: { x, y, unit } })

/**
 * The crop of FaceNet's own code (davidsandberg/facenet): 44 pixels more in width and height, clipped to the picture and scaled to 182, of
 * which the central 160 go through the network.
 */
function facenetBox(face: Face, picture: Picture): Face {
  const { x, y, width, height } = face.box
  const left = Math.max(x - 22, 0)
  const top = Math.max(y - 22, 0)
  const wide = Math.min(x + width + 22, picture.width) - left
  const high = Math.min(y + height + 22, picture.height) - top
  const kept = 160 / 182
  const box = {
    x: left + (wide * (1 - kept)) / 2,
    y: top + (high * (1 - kept)) / 2,
    width: wide * kept,
    height: high * kept,
  }
  return { ...face, box }
}

type Scores = { genuine: number; impostor: number } & Record<(typeof FINISHES)[number], number[]>

function scoresOf(plain: readonly Float32Array[], turned: readonly Float32Array[], subjects: string[]): Scores {
  const unit = plain.map(normalise)
  const pairs = plain.map((vector, i) => normalise(vector.map((value, k) => value + turned[i][k])))
  const lists = { plain: unit, mirrored: pairs, centred: centred(unit), both: centred(pairs) }
  let counts = { genuine: 0, impostor: 0 }
  const rates = FINISHES.map(finish => {
    const { genuine, impostor } = allPairs(packVectors(lists[finish]), subjects, 'cosine')
    counts = { genuine: genuine.distances.length, impostor: impostor.distances.length }
    const sorted = distributions(genuine.distances, impostor.distances)
    return [finish, FMRS.map(fmr => falseNonMatchRate(sorted, thresholdAtFmr(sorted, fmr)).rate)] as const
  })
  return { ...counts, ...(Object.fromEntries(rates) as Record<(typeof FINISHES)[number], number[]>) }
}

function centred(vectors: readonly Float32Array[]): Float32Array[] {
  const mean = new Float64Array(vectors[0].length)
  for (const vector of vectors) for (let k = 0; k < mean.length; k++) mean[k] += vector[k] / vectors.length
  return vectors.map(vector => normalise(vector.map((value, k) => value - mean[k])))
}

function toTable(
  rows: readonly (Scores & { crop: string })[],
  { model, pictures, missed, people }: { model: string; pictures: number; missed: number; people: number },
  { terminal }: CommandContext,
): string {
  const style = styleOf(terminal.stdout, terminal.env)
  const cells = rows.map(row => [
    row.crop,
    ...FINISHES.map(finish => row[finish].map(rate => rate.toFixed(3)).join(' / ')),
  ])
  const [head, ...lines] = table([['crop', ...FINISHES], ...cells], 'lllll')
  return [
    `${model}: ${pictures} pictures of ${people} people (${missed} without a face); all ${rows[0].genuine} pairs of one person and ` +
      `${rows[0].impostor} of two. Cosine distance; share of true pairs refused at false match rates of ${FMRS.join(' / ')}:`,
    '',
    style.bold(head),
    ...lines,
    '',
  ].join('\n')
}
