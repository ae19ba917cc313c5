import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { DEFAULT_EMBEDDER, type VectorMatrix } from '../../embed/index.ts'
import { FacewiseError, messageOf } from '../../errors.ts'
import {
  chooseStart,
  cosineDecay,
  decodeCheckpoint,
  embedSamples,
  encodeCheckpoint,
  HEADS,
  type HeadKind,
  head,
  mergeHead,
  type NamedWeight,
  pickSamples,
  plotLog,
  SELECTIONS,
  type Selection,
  saveModel,
  splitPeople,
  train,
  tripletLoss,
  vectorSamples,
} from '../../train/index.ts'
import { type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { failureLine, failureOf } from '../failure.ts'
import {
  createRawEmbedder,
  joinMirrored,
  LEAST_PEOPLE,
  measure,
  peopleOf,
  type RawEmbedder,
  type RawFace,
  ratesOf,
  refuseTooFew,
} from '../learning.ts'
import { inWords, type LearningReport, rounded } from '../learning-report.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, wholeNumber } from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../recogniser.ts'

interface Options extends RecogniserOptions {
  readonly faces: FaceChoice
  readonly name?: string
  readonly head: HeadKind
  readonly start: Start
  readonly selection: Selection
  readonly epochs: number
  readonly seed: number
  readonly plot?: string
  readonly checkpoint?: string
  readonly json?: boolean
}

const STARTS = ['best', 'identity'] as const
type Start = (typeof STARTS)[number]

/** What was right on LFW's training people (`npm run measure:training`), and where to begin elsewhere. */
const LEARNING_RATE = 1e-3
const PATIENCE = 15
/** Of all people, so many are kept to measure on; and of the rest, to choose the best epoch on. */
const MEASURED_SHARE = 0.25
const CHOSEN_SHARE = 1 / 3

/** `facewise finetune`. */
export const finetune: RegisterCommand = (program, context) => {
  const command: Command = program
    .command('finetune')
    .description(
      'Teaches an embedder your own people: masks, helmets, infrared, small faces. Nothing leaves this machine.',
    )
    .argument('<dir>', 'a folder with one folder of pictures a person')
  addRecogniserOptions(command, DETECTOR_DEFAULTS)
    .addOption(facesOption('largest'))
    .option('--name <name>', "the new model is called EMBEDDER+NAME (default: the folder's name)")
    .addOption(new Option('--head <kind>', 'what is learned over the embeddings').choices(HEADS).default('linear'))
    .addOption(
      new Option('--start <which>', 'what the head begins with: the best of whitenings, or the identity')
        .choices(STARTS)
        .default('best'),
    )
    .addOption(
      new Option('--selection <which>', 'which triplets are learned from').choices(SELECTIONS).default('semi-hard'),
    )
    .option('--epochs <n>', 'at most so many', wholeNumber, 60)
    .option('--seed <n>', 'another split of the people and another run', wholeNumber, 1)
    .option('--plot <file>', 'writes the log of the run as an SVG')
    .option('--checkpoint <file>', 'keeps the run there after every epoch, and goes on from there if it exists')
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((folder: string, options: Options) => run(folder, options, context))
}

const HELP = `
Examples:
  facewise finetune people/ --name masks --plot masks.svg
      people/ada/1.jpg, people/ada/2.jpg, people/bob/1.jpg ...: a head over ${DEFAULT_EMBEDDER}, with a plot of how it went.
  facewise verify a.jpg b.jpg --embedder ${DEFAULT_EMBEDDER}+masks
      The new model loads like any other.
  facewise finetune people/ --embedder facenet-512 --head mlp --selection batch-hard --seed 2

How it goes: faces are found and embedded once, each as it is and mirrored. People are split in three: half are learned from; on a
quarter the best epoch is chosen; on the last quarter, which had no say, "before" and "after" are measured and the thresholds of the new
model. The embedder itself stays as it is: a small map over its embeddings is learned by the triplet loss. It begins with the identity, or
with a whitening, which makes directions shorter in which pictures of one person differ: with what is best on the quarter for choosing.

What it takes: ${LEAST_PEOPLE} people with two pictures each or it refuses, some hundred to carry over to strangers; pictures as the app will see them
(with the masks, from the same camera), and plain ones of the same people where both are to be compared. If strangers are told apart no
better, nothing is written, and it says so.

Afterwards enroll everybody anew: embeddings of two models cannot be compared.

With --json one line: { "model", "folder", "people", "pictures", "before", "after", "start", "epoch", "log" }.`

/** A face with its picture's person. */
interface Learner extends RawFace {
  readonly person: string
}

async function run(folder: string, options: Options, context: CommandContext): Promise<void> {
  const name = nameOf(folder, options)
  const pictures = await peopleOf(folder)
  refuseTooFew(
    pictures.map(({ person }) => person),
    'pictures',
  )
  const embedder = await createRawEmbedder(options)
  try {
    const faces = await embedAll(pictures, options, context, embedder)
    refuseTooFew(
      faces.map(({ person }) => person),
      'faces',
    )
    const report = await learn(name, faces, options, context, embedder)
    context.terminal.stdout.write(
      options.json ? `${JSON.stringify(report, rounded)}\n` : inWords(report, context.terminal),
    )
    if (!report.folder) context.fail()
  } finally {
    embedder.dispose()
  }
}

function nameOf(folder: string, { name }: Options): string {
  if (name !== undefined && !/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw new FacewiseError('INVALID_ARGUMENT', `--name takes lower-case letters, digits and . _ -, not "${name}".`)
  }
  return (
    name ??
    (basename(resolve(folder))
      .toLowerCase()
      .replace(/[^a-z0-9._-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') ||
      'own')
  )
}

async function embedAll(
  pictures: readonly { person: string; path: string }[],
  options: Options,
  context: CommandContext,
  embedder: RawEmbedder,
): Promise<Learner[]> {
  const { terminal } = context
  const progress = createProgress(terminal.stderr, pictures.length)
  const faces: Learner[] = []
  let done = 0
  try {
    const inputs = pictures.map(({ path }) => ({ name: path }))
    for await (const input of loadPictures(inputs, terminal, pixelLimit(options))) {
      const { person } = pictures[done]
      progress.show(done++, input.name)
      try {
        if ('error' in input) throw input.error
        faces.push({ person, ...(await embedder.embed(input.picture, true)) })
      } catch (error) {
        context.fail()
        progress.clear()
        terminal.stderr.write(`failed: ${failureLine(input.name, failureOf(error))}\n`)
      }
    }
  } finally {
    progress.clear()
  }
  return faces
}

async function learn(
  name: string,
  faces: readonly Learner[],
  options: Options,
  context: CommandContext,
  { base, engine }: RawEmbedder,
): Promise<LearningReport> {
  const { dimension, centre, mirror } = base.manifest.embedding
  const people = faces.map(({ person }) => person)
  const straight = vectorSamples(
    faces.map(({ vector }) => vector),
    people,
  )
  const mirrored = vectorSamples(
    faces.map(face => face.mirrored ?? face.vector),
    people,
  )
  const outer = splitPeople(people, MEASURED_SHARE, options.seed)
  const inner = splitPeople(
    outer.train.map(i => people[i]),
    CHOSEN_SHARE,
    options.seed,
  )
  const group = {
    learned: inner.train.map(i => outer.train[i]),
    chosen: inner.heldOut.map(i => outer.train[i]),
    measured: outer.heldOut,
  }
  const namesOf = (indices: readonly number[]): string[] => [...new Set(indices.map(i => people[i]))].sort()

  const both = vectorSamples(
    [...group.learned.map(i => faces[i].vector), ...group.learned.map(i => faces[i].mirrored ?? faces[i].vector)],
    [...group.learned, ...group.learned].map(i => people[i]),
  )
  const chosen = pickSamples(straight, group.chosen)
  const start =
    options.start === 'best' ? await chooseStart({ engine, samples: both, heldOut: chosen, centre }) : undefined
  const network = head({ kind: options.head, dimension, centre, from: start?.from })
  const progress = createProgress(context.terminal.stderr, options.epochs)
  const result = await train({
    engine,
    network,
    samples: both,
    heldOut: chosen,
    loss: tripletLoss({ selection: options.selection }),
    optimiser: 'adam',
    learningRate: LEARNING_RATE,
    schedule: cosineDecay,
    epochs: options.epochs,
    patience: PATIENCE,
    batch: { people: 48, pictures: 6 },
    seed: options.seed,
    resume: await checkpointAt(options.checkpoint),
    async onEpoch({ epoch, loss }, checkpoint) {
      progress.show(epoch, `epoch, loss ${loss.toFixed(4)}`)
      if (options.checkpoint) await write(options.checkpoint, encodeCheckpoint(await checkpoint()))
    },
  }).finally(() => progress.clear())
  if (options.plot) {
    const title = `${base.manifest.name}+${name}: ${options.head}, ${options.selection}`
    await write(
      options.plot,
      plotLog(result.log, { title, scoreName: 'triplets in the right order, people chosen on' }),
    )
  }

  const measured = group.measured.map(i => people[i])
  /** As the embedder does it: the mirror image where its manifest says so. */
  const embed = async (weights: readonly NamedWeight[]): Promise<VectorMatrix> => {
    const one = await embedSamples(engine, network, weights, pickSamples(straight, group.measured))
    return joinMirrored(
      one,
      mirror ? await embedSamples(engine, network, weights, pickSamples(mirrored, group.measured)) : undefined,
    )
  }
  const before = await embed(head({ kind: options.head, dimension, centre }).start([dimension], options.seed))
  const after = await embed(result.weights)
  const own = measure(after, measured, measuredOn(measured, name))
  const better = result.bestEpoch > 0 || start?.from !== undefined
  const about = `${options.head}, from ${start?.shrinkage ? `a whitening of shrinkage ${start.shrinkage}` : 'the identity'}, triplets ${options.selection}, epoch ${result.bestEpoch}, seed ${options.seed}, ${namesOf(group.learned).length} people`
  const folder = better
    ? await saveModel(await mergeHead({ base, weights: result.weights, name, about, ...own }))
    : undefined
  return {
    model: `${base.manifest.name}+${name}`,
    folder,
    people: { learned: namesOf(group.learned), chosen: namesOf(group.chosen), measured: namesOf(group.measured) },
    pictures: { learned: group.learned.length, chosen: group.chosen.length, measured: group.measured.length },
    before: ratesOf(before, measured),
    after: ratesOf(after, measured),
    start: start?.shrinkage ? { whitening: start.shrinkage } : 'identity',
    epoch: result.bestEpoch,
    epochs: result.log.length,
    hasThresholds: own.thresholds !== undefined,
    log: result.log,
  }
}

const measuredOn = (people: readonly string[], name: string): string =>
  `All pairs of ${people.length} pictures of ${new Set(people).size} people of the folder "${name}", none of them learned from`

async function checkpointAt(path: string | undefined) {
  return path && existsSync(path) ? decodeCheckpoint(await readFile(path)) : undefined
}

/** Beside it first: a kill while writing must not cost the last good checkpoint. */
async function write(path: string, contents: string | Uint8Array): Promise<void> {
  try {
    await writeFile(`${path}.part`, contents)
    await rename(`${path}.part`, path)
  } catch (error) {
    throw new FacewiseError('OUTPUT_FAILED', `${path} cannot be written: ${messageOf(error)}`, { cause: error })
  }
}
