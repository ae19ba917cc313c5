import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import type { Command } from 'commander'
import {
  bestAccuracy,
  distributions,
  type EmbedderManifest,
  type Pair,
  type PairScore,
  type Proportion,
  pairDistances,
  parsePairs,
  rateFor,
  scorePairs,
} from '../../../embed/index.ts'
import { FacewiseError, messageOf } from '../../../errors.ts'
import type { FaceChoice } from '../../choice.ts'
import { facesOption } from '../../choice.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { lookAtAll } from '../../look.ts'
import { createLooker, embedderManifest, type OpenedLooker } from '../../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, workersOption } from '../../options.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../../recogniser.ts'
import { table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'

/** The library's own defaults: smaller faces, real or false, could be taken for the one that is meant. */
const DEFAULTS = DETECTOR_DEFAULTS

interface Options extends RecogniserOptions {
  readonly faces: FaceChoice
  readonly train?: string
  readonly json?: boolean
}

/** `facewise evaluate pairs`. */
export function evaluatePairs(group: Command, context: CommandContext): void {
  const command = group
    .command('pairs')
    .description('How well a model tells one person from two, on a list of pairs of pictures.')
    .argument('<csv>', 'path_a,path_b,same (1 or 0); paths are relative to its folder')
    .option('--train <csv>', 'other pairs, of other people, on which the threshold is chosen')
  addRecogniserOptions(command, DEFAULTS)
    .addOption(facesOption('center'))
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((csv: string, options: Options) => evaluate(csv, options, context))
}

const HELP = `
Examples:
  facewise evaluate pairs lfw/pairs-test.csv --train lfw/pairs-train.csv
      The default model: accuracy at the threshold that is best on the training pairs, AUC, EER, TAR at FAR.
  facewise evaluate pairs lfw/pairs-test.csv --embedder facenet-512 --backend native
      FaceNet (after \`facewise models pull facenet-512\`), on the backend that is fastest for it.
  facewise evaluate pairs crops/pairs.csv --aligned
      Pictures that are aligned crops already.

Every pair counts: where no face is found in one of its pictures the pair is an error. Of several faces the most central one counts.`

/** The embeddings of the pictures of some pairs, by path; nothing where no face was found. */
type Embeddings = Map<string, Float32Array | undefined>

async function evaluate(csv: string, options: Options, context: CommandContext): Promise<void> {
  const { stdout } = context.terminal
  const test = await readPairs(csv)
  const train = options.train === undefined ? [] : await readPairs(options.train)
  const manifest = await embedderManifest(options)
  const paths = [...new Set([...test, ...train].flatMap(({ a, b }) => [a, b]))]
  const looker = createLooker(options, DEFAULTS, paths.length, context.terminal)
  const began = performance.now()
  try {
    const embeddings = await embedAll(paths, looker, options, context)
    const { metric } = manifest.embedding
    const chosen = chooseThreshold(train, embeddings, manifest)
    const distances = pairDistances(test, embeddings, metric)
    const score = scorePairs(test, distances, { threshold: chosen?.threshold })
    const missed = [...embeddings.values()].filter(embedding => !embedding).length
    const seconds = (performance.now() - began) / 1000
    const setting: Setting = {
      model: manifest.name,
      metric,
      backend: (await looker.engine()).backend,
      pictures: embeddings.size,
      missed,
      chosen,
      seconds,
    }
    stdout.write(options.json ? `${toJson(score, setting)}\n` : toTable(score, setting, context))
  } finally {
    await looker.dispose()
  }
}

/** Where a threshold comes from. */
interface Chosen {
  readonly threshold: number
  readonly on: string
}

/** The threshold that is best on the training pairs, as in LFW's protocol; without those, the model's own for FMR 1e-2. */
function chooseThreshold(
  train: readonly Pair[],
  embeddings: Embeddings,
  { embedding, name }: EmbedderManifest,
): Chosen | undefined {
  if (train.length > 0) {
    const distances = pairDistances(train, embeddings, embedding.metric)
    const of = (same: boolean): Float64Array => distances.filter((_, i) => train[i].same === same)
    return { threshold: bestAccuracy(distributions(of(true), of(false))).threshold, on: 'the training pairs' }
  }
  if (!embedding.thresholds?.rates.length) return undefined
  const { fmr, threshold } = rateFor(embedding.thresholds.rates, 1e-2, name)
  return { threshold, on: `the model's table, false match rate ${fmr}` }
}

/** Pairs with the paths as they can be opened. */
export async function readPairs(csv: string): Promise<Pair[]> {
  let text: string
  try {
    text = await readFile(csv, 'utf8')
  } catch (error) {
    throw new FacewiseError('INVALID_ARGUMENT', `The list of pairs "${csv}" cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
  const folder = dirname(csv)
  const open = (path: string): string => (isAbsolute(path) ? path : join(folder, path))
  return parsePairs(text).map(({ a, b, same }) => ({ a: open(a), b: open(b), same }))
}

async function embedAll(
  paths: readonly string[],
  looker: OpenedLooker,
  options: Options,
  context: CommandContext,
): Promise<Embeddings> {
  const { aligned, faces } = options
  const call = { keep: faces === 'all' ? 'best' : faces, maxFaces: 1, aligned, maxPixels: pixelLimit(options) } as const
  // What cannot be read has no face; it is named, and counts as an error of its pairs.
  const embeddings: Embeddings = new Map(paths.map(path => [path, undefined]))
  await lookAtAll<Float32Array | undefined>(
    paths.map(name => ({ name })),
    looker,
    {
      look: async ({ represent }, picture) => (await represent(picture, call))[0]?.embedding.vector,
      tell: (path, _, vector) => void embeddings.set(path, vector),
    },
    { maxPixels: options.maxPixels },
    context,
  )
  return embeddings
}

interface Setting {
  readonly model: string
  readonly metric: string
  readonly backend: string
  readonly pictures: number
  readonly missed: number
  readonly chosen: Chosen | undefined
  readonly seconds: number
}

function toTable(score: PairScore, setting: Setting, { terminal }: CommandContext): string {
  const style = styleOf(terminal.stdout, terminal.env)
  const { model, metric, backend, pictures, missed, chosen, seconds } = setting
  const { genuine, impostor, accuracy, bestAccuracy: best, auc, eer, tarAtFar } = score
  const row = (name: string, value: number, at: number | undefined, how: string, part?: Proportion): string[] => [
    name,
    value.toFixed(4),
    part ? `${part.interval[0].toFixed(4)} to ${part.interval[1].toFixed(4)}` : '',
    at === undefined ? '' : at.toFixed(4),
    how,
  ]
  const rows = [
    ...(accuracy && chosen ? [row('accuracy', accuracy.rate, chosen.threshold, `of ${chosen.on}`, accuracy)] : []),
    row('best accuracy', best.rate, best.threshold, 'of these pairs: an upper limit', best),
    row('AUC', auc, undefined, ''),
    row('EER', eer.rate, eer.threshold, ''),
    ...tarAtFar.map(({ far, tar, threshold, measured }) =>
      row(`TAR at FAR ${far}`, tar.rate, threshold, `${measured.count} of ${measured.total} strangers pass`, tar),
    ),
  ]
  const [head, ...lines] = table([['', 'value', '95 % interval', 'threshold', ''], ...rows], 'lrlrl')
  return [
    `${model} on ${backend}: ${genuine} pairs of one person, ${impostor} of two; ${pictures} pictures, ${missed} without a face; ` +
      `${metric} distance; ${seconds.toFixed(1)} s`,
    '',
    style.bold(head),
    ...lines,
    '',
  ].join('\n')
}

function toJson(score: PairScore, { chosen, seconds, ...setting }: Setting): string {
  const round = (_: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value
  return JSON.stringify({ ...setting, chosen, seconds, ...score }, round)
}
