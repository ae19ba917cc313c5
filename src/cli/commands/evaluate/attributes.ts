import type { Command } from 'commander'
import { type AgeErrors, ageBand, ageErrors, type Confusion, confusion } from '../../../attributes/evaluation.ts'
import {
  type AgeGender,
  type Classifier,
  createAgeGenderClassifier,
  createEmotionClassifier,
  DEFAULT_AGE_GENDER_MODEL,
  DEFAULT_EMOTION_MODEL,
  EMOTIONS,
  type Emotion,
  strongestEmotion,
} from '../../../attributes/index.ts'
import { type Engine, startBackend } from '../../../backends/index.ts'
import { createMtcnn, type Face, type Mtcnn, oneFace } from '../../../detect/index.ts'
import { clopperPearson } from '../../../embed/index.ts'
import { FacewiseError } from '../../../errors.ts'
import type { Picture } from '../../../image/index.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { affectsAll, failureLine, failureOf } from '../../failure.ts'
import { placeOf } from '../../looker.ts'
import {
  addDetectorOptions,
  DETECTOR_DEFAULTS,
  type DetectorOptions,
  detectorSettings,
  JSON_OPTION,
  pixelLimit,
} from '../../options.ts'
import { loadPictures } from '../../pictures.ts'
import { createProgress } from '../../progress.ts'
import { count, table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'
import { type LabelledFacePicture, readAttributeLabels } from './attribute-labels.ts'

interface Options extends DetectorOptions {
  readonly detect?: boolean
  readonly emotionModel: string
  readonly ageGenderModel: string
  readonly mirror?: boolean
  readonly json?: boolean
}

/** `facewise evaluate attributes`. */
export function evaluateAttributes(group: Command, context: CommandContext): void {
  const command = group
    .command('attributes')
    .description('How well emotion, age and gender are read, on labelled pictures of faces; split by groups.')
    .argument('<folder>', 'holds labels.json and the pictures')
    .option('--detect', 'look for the face in each picture; without it a picture is a crop of one face')
    .option('--emotion-model <name>', 'a name, or a folder or address with a manifest.json', DEFAULT_EMOTION_MODEL)
    .option('--age-gender-model <name>', 'the same for age and gender', DEFAULT_AGE_GENDER_MODEL)
    .option('--mirror', 'average with the mirrored face, in twice the time')
  addDetectorOptions(command, DETECTOR_DEFAULTS)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((folder: string, options: Options) => evaluate(folder, options, context))
}

const HELP = `
Examples:
  facewise evaluate attributes data/my-faces
      Accuracy and confusion matrix of emotions, error of ages, accuracy of genders: whatever is labelled.
  facewise evaluate attributes data/photos --detect
      Photos in which the face has to be found first. Where none is found nothing is guessed; their number is told.
  facewise evaluate attributes data/my-faces --emotion-model models/my-emotions
      Other weights: a folder with a manifest.json.

labels.json is a list of { "file", "emotion"?, "age"?, "gender"?, ... }; the pictures lie in images/, beside it or in images.tar. Every
other key with up to 12 values is a group by which the figures are split. Or { "label_names", "width", "height", "channels", "labels" }:
emotions of pictures whose bytes follow each other in images.bin.`

/** A labelled picture and what was guessed of it. */
interface Guess {
  readonly labels: LabelledFacePicture
  readonly emotion?: Emotion
  readonly ageGender?: AgeGender
}

interface Run {
  readonly guesses: readonly Guess[]
  readonly pictures: number
  /** Pictures in which no face was found, or that could not be read. */
  readonly missed: number
  readonly models: readonly string[]
  readonly backend: string
  readonly seconds: number
}

/** Pictures that are classified together. */
const BATCH = 16

async function evaluate(folder: string, options: Options, context: CommandContext): Promise<void> {
  const { stdout } = context.terminal
  const set = await readAttributeLabels(folder)
  try {
    const emotions = set.pictures.some(({ emotion }) => emotion !== undefined)
    const ages = set.pictures.some(({ age, gender }) => age !== undefined || gender !== undefined)
    if (!emotions && !ages) {
      throw new FacewiseError('INVALID_ARGUMENT', `labels.json in "${folder}" names no emotion, age or gender.`)
    }
    const strange = set.pictures.find(({ emotion }) => emotion && !(EMOTIONS as readonly string[]).includes(emotion))
    if (strange) {
      throw new FacewiseError(
        'INVALID_ARGUMENT',
        `"${strange.emotion}" is none of the emotions ${EMOTIONS.join(', ')}.`,
      )
    }
    const run = await guessAll(set.pictures, { emotions, ages }, options, context)
    const report = reportOf(run.guesses)
    stdout.write(options.json ? `${toJson(report, run)}\n` : toText(report, run, context))
  } finally {
    await set.dispose()
  }
}

async function guessAll(
  labelled: readonly LabelledFacePicture[],
  wanted: { readonly emotions: boolean; readonly ages: boolean },
  options: Options,
  context: CommandContext,
): Promise<Run> {
  const settings = detectorSettings(options, DETECTOR_DEFAULTS)
  const backend: Engine = await startBackend(settings.backend && 'prefer' in settings.backend ? settings.backend : {})
  const { emotionModel, ageGenderModel, mirror } = options
  const open: { dispose(): void }[] = []
  const keep = <T extends { dispose(): void }>(part: T): T => {
    open.push(part)
    return part
  }
  const began = performance.now()
  const progress = createProgress(context.terminal.stderr, labelled.length)
  try {
    const emotion = wanted.emotions
      ? keep(await createEmotionClassifier(emotionModel, { backend, model: placeOf(emotionModel), mirror }))
      : undefined
    const ageGender = wanted.ages
      ? keep(await createAgeGenderClassifier(ageGenderModel, { backend, model: placeOf(ageGenderModel), mirror }))
      : undefined
    const detector = options.detect ? keep(await createMtcnn({ ...settings, backend })) : undefined
    const guesses: Guess[] = []
    let missed = 0
    for await (const batch of batches(labelled, options, context, () => missed++)) {
      progress.show(guesses.length + missed, '')
      const cut = await cutOut(batch, detector)
      missed += batch.length - cut.length
      const scores = emotion ? await classify(emotion, cut) : []
      const described = ageGender ? await classify(ageGender, cut) : []
      cut.forEach(({ labels }, i) => {
        guesses.push({
          labels,
          emotion: scores[i] && strongestEmotion(scores[i]),
          ageGender: described[i],
        })
      })
    }
    const models = [emotion, ageGender].flatMap(part => (part ? [part.manifest.name] : []))
    const seconds = (performance.now() - began) / 1000
    return { guesses, pictures: labelled.length, missed, models, backend: backend.backend, seconds }
  } finally {
    progress.clear()
    for (const part of open) part.dispose()
  }
}

interface Loaded {
  readonly labels: LabelledFacePicture
  readonly picture: Picture
  readonly face?: Face
}

/** The pictures, some at a time; what cannot be read is named and counted by `miss`. */
async function* batches(
  labelled: readonly LabelledFacePicture[],
  options: Options,
  context: CommandContext,
  miss: () => void,
): AsyncGenerator<Loaded[]> {
  let batch: Loaded[] = []
  const push = (item: Loaded): boolean => batch.push(item) === BATCH
  const take = (): Loaded[] => {
    const full = batch
    batch = []
    return full
  }
  const files = labelled.filter(item => 'path' in item)
  for (const item of labelled) {
    if ('picture' in item && push({ labels: item, picture: item.picture })) yield take()
  }
  let at = 0
  const inputs = files.map(({ path }) => ({ name: path }))
  for await (const input of loadPictures(inputs, context.terminal, pixelLimit(options))) {
    const labels = files[at++]
    if ('picture' in input) {
      if (push({ labels, picture: input.picture })) yield take()
    } else {
      if (affectsAll(input.error)) throw input.error
      miss()
      context.fail()
      context.terminal.stderr.write(`failed: ${failureLine(input.name, failureOf(input.error))}\n`)
    }
  }
  if (batch.length > 0) yield take()
}

/** With a detector, the most central face of each picture; pictures without one fall away. */
async function cutOut(batch: readonly Loaded[], detector: Mtcnn | undefined): Promise<Loaded[]> {
  if (!detector) return [...batch]
  const found: Loaded[] = []
  for (const item of batch) {
    const faces = await detector.detect(item.picture)
    if (faces.length > 0) found.push({ ...item, face: oneFace(faces, item.picture, 'center') })
  }
  return found
}

async function classify<T>(classifier: Classifier<T>, items: readonly Loaded[]): Promise<T[]> {
  if (items.every(({ face }) => face === undefined)) {
    return classifier.classifyAligned(items.map(({ picture }) => picture))
  }
  const results: T[] = []
  for (const { picture, face } of items) results.push(...(await classifier.classify(picture, [face!])))
  return results
}

/** The figures of one part of the pictures. */
interface Split {
  readonly by: string
  readonly value: string
  readonly age?: AgeErrors
  readonly gender?: { readonly correct: number; readonly total: number }
  readonly emotion?: { readonly correct: number; readonly total: number }
}

interface Report {
  readonly emotion?: Confusion
  /** Of all, then by gender, by age band and by every other group. */
  readonly splits: readonly Split[]
}

/** A key with more values than this is no group: a name, a date. */
const MOST_VALUES = 12

function reportOf(guesses: readonly Guess[]): Report {
  const withEmotion = guesses.filter(({ labels, emotion }) => labels.emotion !== undefined && emotion !== undefined)
  const split = (by: string, value: string, part: readonly Guess[]): Split => {
    const aged = part.filter(({ labels, ageGender }) => labels.age !== undefined && ageGender)
    const gendered = part.filter(({ labels, ageGender }) => labels.gender !== undefined && ageGender)
    const felt = part.filter(({ labels, emotion }) => labels.emotion !== undefined && emotion !== undefined)
    const right = (list: readonly Guess[], ok: (guess: Guess) => boolean) =>
      list.length === 0 ? undefined : { correct: list.filter(ok).length, total: list.length }
    return {
      by,
      value,
      age:
        aged.length === 0
          ? undefined
          : ageErrors(
              aged.map(({ labels }) => labels.age!),
              aged.map(({ ageGender }) => ageGender!.age),
            ),
      gender: right(gendered, ({ labels, ageGender }) => labels.gender === ageGender!.gender.label),
      emotion: right(felt, ({ labels, emotion }) => labels.emotion === emotion),
    }
  }
  const splitBy = (by: string, groupOf: (labels: LabelledFacePicture) => string | undefined): Split[] => {
    const values = [...new Set(guesses.flatMap(({ labels }) => groupOf(labels) ?? []))]
    if (values.length < 2 || values.length > MOST_VALUES) return []
    values.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    return values.map(value =>
      split(
        by,
        value,
        guesses.filter(({ labels }) => groupOf(labels) === value),
      ),
    )
  }
  const keys = [...new Set(guesses.flatMap(({ labels }) => Object.keys(labels.groups)))]
  return {
    emotion:
      withEmotion.length === 0
        ? undefined
        : confusion(
            EMOTIONS,
            withEmotion.map(({ labels }) => labels.emotion!),
            withEmotion.map(({ emotion }) => emotion!),
          ),
    splits: [
      split('all', '', guesses),
      ...splitBy('gender', ({ gender }) => gender),
      ...splitBy('age', ({ age }) => (age === undefined ? undefined : ageBand(age))),
      ...keys.flatMap(key => splitBy(key, ({ groups }) => groups[key])),
    ],
  }
}

function toText({ emotion, splits }: Report, run: Run, { terminal }: CommandContext): string {
  const style = styleOf(terminal.stdout, terminal.env)
  const { guesses, pictures, missed, models, backend, seconds } = run
  const lines = [
    `${models.join(', ')} on ${backend}: ${count(guesses.length, 'face')} of ${count(pictures, 'picture')}` +
      `${missed > 0 ? `, ${missed} without` : ''}; ${seconds.toFixed(1)} s`,
    '',
  ]
  if (emotion) {
    const [head, ...rows] = table(
      [
        ['', ...emotion.labels, 'recall', 'precision'],
        ...emotion.perLabel.map(({ label, recall, precision }, i) => [
          label,
          ...emotion.counts[i].map(String),
          share(recall),
          share(precision),
        ]),
      ],
      'l'.padEnd(emotion.labels.length + 3, 'r'),
    )
    const [low, high] = clopperPearson(emotion.correct, emotion.total)
    lines.push(
      `emotion: ${share(emotion.accuracy)} right (${share(low)} to ${share(high)}), ${share(emotion.balancedAccuracy)} in the mean over emotions`,
      '',
      style.bold(head),
      ...rows,
      '',
      'Rows: the label; columns: what it was taken for.',
      '',
    )
  }
  const [all] = splits
  const columns = [
    ...(all.emotion ? ['emotion'] : []),
    ...(all.age ? ['age: mean error', 'bias', 'within 5'] : []),
    ...(all.gender ? ['gender', '95 % interval'] : []),
  ]
  if (!all.emotion || splits.length > 1) {
    const cells = splits.map(({ by, value, age, gender, emotion: felt }) => [
      by,
      value,
      String(Math.max(age?.count ?? 0, gender?.total ?? 0, felt?.total ?? 0)),
      ...(all.emotion ? [felt ? share(felt.correct / felt.total) : '-'] : []),
      ...(all.age ? (age ? [age.mae.toFixed(2), signed(age.bias), share(age.withinFive)] : ['-', '-', '-']) : []),
      ...(all.gender ? (gender ? [share(gender.correct / gender.total), interval(gender)] : ['-', '-']) : []),
    ])
    const [head, ...rows] = table([['', '', 'faces', ...columns], ...cells], 'llr'.padEnd(columns.length + 3, 'r'))
    lines.push(style.bold(head), ...rows, '')
    if (all.age) lines.push('Ages in years; bias above 0: taken for older.', '')
  }
  return lines.join('\n')
}

const share = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(3))
const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(2)}`
const interval = ({ correct, total }: { correct: number; total: number }): string => {
  const [low, high] = clopperPearson(correct, total)
  return `${share(low)} to ${share(high)}`
}

function toJson({ emotion, splits }: Report, { guesses, ...run }: Run): string {
  const round = (_: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
  return JSON.stringify({ ...run, faces: guesses.length, emotion, splits }, round)
}
