import { statSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { startBackend } from '../../backends/index.ts'
import { createMtcnn, type Detector } from '../../detect/index.ts'
import { type FacewiseError, isFacewiseError } from '../../errors.ts'
import {
  createFacewise,
  DEFAULT_MIN_QUALITY,
  type EnrollOptions,
  type Enrolment,
  type Facewise,
} from '../../facewise/index.ts'
import { DEFAULT_MAX_PIXELS, type ImageInput } from '../../image/index.ts'
import { type EmbeddingStore, type Metadata, memoryStore, openStore, redactUrl } from '../../store/index.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { affectsAll, type Failure, failureLine, failureOf } from '../failure.ts'
import { addGalleryOptions, assertOfModel, type GalleryOptions } from '../gallery.ts'
import { expandInputs } from '../inputs.ts'
import { embedderManifest, lookerSettings } from '../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit } from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
import { count, table } from '../table.ts'
import { styleOf } from '../terminal.ts'
import { openExisting } from './store/existing.ts'

interface Options extends GalleryOptions {
  readonly templates?: EnrollOptions['templates']
  readonly minQuality?: number
  readonly duplicates?: EnrollOptions['duplicates']
  readonly replace?: boolean
  readonly metadata?: Metadata
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** `facewise enroll`. */
export const enroll: RegisterCommand = (program, context) => {
  const command = program
    .command('enroll')
    .description('Remembers a person by pictures, so that `facewise identify` knows them.')
    .argument('<subject>', 'the name under which the person is remembered')
    .argument('<file...>', 'pictures of this one person, folders, globs, http(s) addresses, or - for standard input')
  addGalleryOptions(command, DETECTOR_DEFAULTS)
    .option('--templates <which>', 'what is stored: mean (default), all, best, or a number of the best', templates)
    .option('--min-quality <score>', `the least quality, 0 to 1 (default: ${DEFAULT_MIN_QUALITY})`, quality)
    .addOption(
      new Option(
        '--duplicates <how>',
        'what to do with somebody who is enrolled under another name (default: refuse)',
      ).choices(['refuse', 'report', 'ignore']),
    )
    .option('--replace', 'remove earlier templates of the person once the new ones are stored')
    .option('--metadata <key=value>', 'stored with every template; may be given several times', metadata)
    .option('--dry-run', 'say what would be taken, and store nothing')
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (subject: string, words: string[], options: Options) => {
      refuseFileAsName(subject, command)
      await enrollPerson(subject, words, options, context)
    })
}

const HELP = `
Examples:
  facewise enroll ada photos/ada/ --store file:faces.db
      All pictures of a folder, as one person. Several pictures make one template, their mean.
  facewise enroll ada selfie.jpg --store file:faces.db --metadata door=north --metadata floor=2
      Values are numbers, true or false, or text; "2" in double quotes is text.
  facewise enroll ada photos/ada/ --store file:faces.db --dry-run
      Which pictures are good enough, and what is wrong with the others.
  facewise enroll ada new/ --store file:faces.db --replace
      New pictures in place of the old ones.

Each picture has to show one face, good enough (--min-quality) and of the same person as most of the others; bystanders may
be half as large. The others are left out, each with what to do about it.

With --json there is a line a picture, { "file", "accepted", "quality"?, "reasons": [{ "code", "message" }] } or { "file", "error":
{ "code", "message" } }, and a last one, { "subject", "templates": [ids], "duplicates": [{ "subject", "distance" }], "error"? }. Exit code: 0 all
pictures were taken; 1 some were not, or (with "error") the person was refused and nothing was stored; 2 the call was wrong.`

/** A picture that is given where the name belongs would become a person of that name. */
function refuseFileAsName(subject: string, command: Command): void {
  if (!/\.(jpe?g|png|webp|gif|avif)$/i.test(subject) || !statSync(subject, { throwIfNoEntry: false })?.isFile()) return
  command.error(`error: "${subject}" is a picture; the person's name comes first: facewise enroll NAME ${subject}`)
}

async function enrollPerson(
  subject: string,
  words: readonly string[],
  options: Options,
  context: CommandContext,
): Promise<void> {
  const { stdout, stderr, env } = context.terminal
  const manifest = await embedderManifest(options)
  await using store = await storeFor(options, text => stderr.write(`${text}\n`))
  await assertOfModel(store, options.store, manifest)
  const report = options.json ? jsonReport(context) : tableReport(context)
  const pictures = await readable(words, options, context, (name, failure) => {
    context.fail()
    if (options.json) stdout.write(`${JSON.stringify({ file: name, error: failure })}\n`)
    stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failureLine(name, failure)}\n`)
  })
  const names = pictures.map(({ name }) => name)
  if (pictures.length === 0) {
    const message = `"${subject}" was not enrolled: no picture could be read.`
    context.fail()
    report.refused(subject, [], { code: 'ENROLMENT_REFUSED', message })
    return
  }
  const progress = createProgress(stderr, pictures.length)
  let looked = 0
  const settings = lookerSettings(options, DETECTOR_DEFAULTS)
  const backend = await startBackend(settings.backend)
  using mtcnn = await createMtcnn({ ...settings.detector, backend })
  const detector: Detector = {
    ...mtcnn,
    detect(input, call) {
      progress.show(looked, names[looked % names.length])
      looked++
      return mtcnn.detect(input, call)
    },
  }
  await using people = await createFacewise({ ...settings, backend, store, detector })
  try {
    const earlier = options.replace ? await store.count({ subject }) : 0
    const inputs = pictures.map(({ input }) => input)
    const answer = await askToEnroll(people, subject, inputs, options)
    progress.clear()
    const { frames } = answer.enrolment
    report.frames(names, frames)
    if (answer.refusal || frames.some(({ accepted }) => !accepted)) context.fail()
    if (answer.refusal) report.refused(subject, answer.enrolment.duplicates, failureOf(answer.refusal))
    else report.enrolled(answer.enrolment, options, earlier)
  } finally {
    progress.clear()
  }
}

/** What an enrolment did; of a refused one, what was found and why it was refused. */
interface Answer {
  readonly enrolment: Enrolment
  readonly refusal?: FacewiseError
}

async function askToEnroll(
  people: Facewise,
  subject: string,
  inputs: readonly ImageInput[],
  options: Options,
): Promise<Answer> {
  const call: EnrollOptions = {
    templates: options.templates,
    minQuality: options.minQuality,
    duplicates: options.duplicates,
    replace: options.replace,
    metadata: options.metadata,
    dryRun: options.dryRun,
    aligned: options.aligned,
  }
  try {
    return { enrolment: await people.enroll(subject, inputs, call) }
  } catch (error) {
    if (!isFacewiseError(error) || error.code !== 'ENROLMENT_REFUSED') throw error
    // A refusal has one message for all; what is wrong with which picture a second look tells.
    return { enrolment: await people.enroll(subject, inputs, { ...call, dryRun: true }), refusal: error }
  }
}

/** The store; a dry run makes none. */
async function storeFor({ store: url, dryRun }: Options, warn: (text: string) => void): Promise<EmbeddingStore> {
  if (!dryRun) {
    if (/^memory:/i.test(url)) warn('warning: a store in memory is gone when this command ends; give file:faces.db')
    return openStore(url)
  }
  try {
    return await openExisting(url)
  } catch (error) {
    const onDisk = /^(file|lancedb):/i.test(url)
    if (!onDisk || !isFacewiseError(error) || error.code !== 'STORE_UNAVAILABLE') throw error
    warn(`warning: whether this person is enrolled already was not looked for. ${error.message}`)
    return memoryStore()
  }
}

/** The pictures that can be read, to be decoded again when they are looked at: a folder of photos would not fit in memory. */
async function readable(
  words: readonly string[],
  options: Options,
  { terminal }: CommandContext,
  failed: (name: string, failure: Failure) => void,
): Promise<{ readonly name: string; readonly input: ImageInput }[]> {
  const inputs = await expandInputs(words)
  const found: { name: string; input: ImageInput }[] = []
  for await (const loaded of loadPictures(inputs, terminal, pixelLimit(options))) {
    const { name } = loaded
    if ('error' in loaded) {
      if (affectsAll(loaded.error)) throw loaded.error
      failed(name, failureOf(loaded.error))
      continue
    }
    const { picture } = loaded
    const once = name === '-' || /^https?:/.test(name) || picture.width * picture.height > DEFAULT_MAX_PIXELS
    found.push({ name, input: once ? picture : name })
  }
  return found
}

/** How results are told. */
interface Report {
  frames(names: readonly string[], frames: Enrolment['frames']): void
  enrolled(enrolment: Enrolment, options: Options, earlier: number): void
  refused(subject: string, duplicates: Enrolment['duplicates'], failure: Failure): void
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

function jsonReport({ terminal: { stdout, stderr } }: CommandContext): Report {
  const line = (value: unknown): void => stdout.write(`${JSON.stringify(value)}\n`)
  const listed = (duplicates: Enrolment['duplicates']) =>
    duplicates.map(({ subject, distance }) => ({ subject, distance: rounded(distance) }))
  return {
    frames(names, frames) {
      frames.forEach(({ accepted, quality, reasons }, i) => {
        line({ file: names[i], accepted, quality: quality && Math.round(quality.score * 1e4) / 1e4, reasons })
      })
    },
    enrolled({ subject, templates: stored, duplicates }) {
      line({ subject, templates: stored, duplicates: listed(duplicates) })
    },
    refused(subject, duplicates, error) {
      line({ subject, templates: [], duplicates: listed(duplicates), error })
      stderr.write(`refused: ${error.message}\n`)
    },
  }
}

function tableReport({ terminal: { stdout, stderr, env } }: CommandContext): Report {
  const style = styleOf(stdout, env)
  const also = (duplicates: Enrolment['duplicates']): string =>
    duplicates.map(({ subject, distance }) => `"${subject}" (distance ${distance.toFixed(3)})`).join(', ')
  return {
    frames(names, frames) {
      const rows = frames.map(({ accepted, quality, reasons }, i) => [
        names[i],
        accepted ? 'taken' : 'not taken',
        quality ? `quality ${quality.score.toFixed(2)}` : '',
        reasons.map(({ message }) => message).join(' '),
      ])
      table(rows, 'llll').forEach((row, i) => {
        const { accepted } = frames[i]
        const [name] = rows[i]
        stdout.write(`${name}${row.slice(name.length).replace(/(not )?taken/, accepted ? style.good : style.bad)}\n`)
      })
    },
    enrolled({ subject, frames, templates: stored, duplicates }, { store, dryRun }, earlier) {
      const taken = frames.filter(({ accepted }) => accepted).length
      const of = `${taken} of ${count(frames.length, 'picture')}`
      if (dryRun) {
        stdout.write(`\n${subject}: ${of} would be taken; nothing was stored (--dry-run)\n`)
      } else {
        const instead = earlier > 0 ? ` in place of ${earlier}` : ''
        const where = redactUrl(store)
        stdout.write(
          `\n${style.bold(subject)}: ${count(stored.length, 'template')} from ${of} stored in ${where}${instead}\n`,
        )
      }
      if (duplicates.length > 0) stdout.write(`The same person seems to be enrolled as ${also(duplicates)}\n`)
    },
    refused(_, __, { message }) {
      stderr.write(`${styleOf(stderr, env).bad('refused:')} ${message}\n`)
    },
  }
}

function templates(text: string): NonNullable<EnrollOptions['templates']> {
  if (text === 'mean' || text === 'all' || text === 'best') return text
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value > 0) return value
  throw new InvalidArgumentError('Give mean, all, best, or how many of the best.')
}

function quality(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('Give a quality from 0 to 1; 0 takes every face.')
}

/** One `key=value`, added to those before. */
function metadata(text: string, earlier: Metadata = {}): Metadata {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (key === undefined) throw new InvalidArgumentError('Give a name and a value, as in door=north.')
  return { ...earlier, [key]: scalar(value) }
}

/** A number where it is written as numbers are (`007` is not), `true`, `false`, else text; text in double quotes is always that. */
function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  if (text !== '' && String(Number(text)) === text && Number.isFinite(Number(text))) return Number(text)
  return /^".*"$/s.test(text) ? text.slice(1, -1) : text
}
