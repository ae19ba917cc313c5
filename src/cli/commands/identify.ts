import { InvalidArgumentError } from 'commander'
import type { EmbedderManifest } from '../../embed/index.ts'
import { DEFAULT_FPIR, galleryLimit, type IdentifiedFace } from '../../facewise/index.ts'
import type { Picture } from '../../image/index.ts'
import { redactUrl } from '../../store/index.ts'
import { chosenFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { drawIdentities } from '../draw-identities.ts'
import type { Overlay } from '../drawings.ts'
import { epilogue } from '../epilogue.ts'
import { addGalleryOptions, assertOfModel, type GalleryOptions } from '../gallery.ts'
import { expandInputs } from '../inputs.ts'
import { lookAtAll } from '../look.ts'
import { createLooker, embedderManifest } from '../looker.ts'
import {
  DETECTOR_DEFAULTS,
  JSON_OPTION,
  pixelLimit,
  positiveNumber,
  rate,
  wholeNumber,
  workersOption,
} from '../options.ts'
import { count, table } from '../table.ts'
import { type Style, styleOf } from '../terminal.ts'
import { toJson } from './detect.ts'
import { openExisting } from './store/existing.ts'

interface Options extends GalleryOptions {
  readonly fpir?: number
  readonly threshold?: number
  readonly margin?: number
  readonly faces: FaceChoice
  readonly maxFaces?: number
  readonly draw?: string
  readonly json?: boolean
}

/** `facewise identify`. */
export const identify: RegisterCommand = (program, context) => {
  const command = program
    .command('identify')
    .description('Says whose faces pictures show, of the people that `facewise enroll` remembers.')
    .argument('<file...>', 'pictures, folders, globs ("2024/**/*.jpg"), http(s) addresses, or - for standard input')
    .option('--draw <folder>', 'write copies with the names drawn in')
  addGalleryOptions(command, DETECTOR_DEFAULTS)
    .option(
      '--fpir <rate>',
      `how many strangers in how many may be taken for somebody; the limit follows from it and from the size of the store (default: ${DEFAULT_FPIR})`,
      rate,
    )
    .option('--threshold <distance>', "a limit of your own instead, in the model's metric", positiveNumber)
    .option('--margin <distance>', 'how much nearer than the next person a match has to be (default: 0)', notNegative)
    .addOption(facesOption())
    .option('--max-faces <number>', 'at most this many a picture: the best, largest or most central', wholeNumber)
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((words: string[], options: Options) => identifyAll(words, options, context))
}

const HELP = `
Examples:
  facewise identify door.jpg --store file:faces.db
      Who is in the picture; people who are not enrolled are "unknown".
  facewise identify party/ --store file:faces.db --draw out
      Every picture of a folder; copies with the names go to out/.
  facewise identify door.jpg --store file:faces.db --fpir 1e-3 --margin 0.02
      More careful: fewer strangers are taken for somebody, and more of the enrolled are not recognised.
  facewise identify door.jpg --store file:faces.db --json | jq -r '.faces[].match.subject // "unknown"'
      For other programs.

With --json each line is
  { "file", "width", "height", "faces": [{ "box", "score", "landmarks", "match": { "subject", "distance" } | null }] }
or { "file", "error": { "code", "message" } }. Strangers are an answer too: the exit code is 0.`

async function identifyAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  await using store = await openExisting(options.store)
  const manifest = await embedderManifest(options)
  await assertOfModel(store, options.store, manifest)
  const templates = await store.count()
  if (templates === 0) {
    const where = redactUrl(options.store)
    context.terminal.stderr.write(
      `warning: nobody is enrolled in ${where}, so everybody is unknown; see \`facewise enroll --help\`\n`,
    )
  }
  const inputs = await expandInputs(words)
  const looker = createLooker(options, DETECTOR_DEFAULTS, inputs.length, context.terminal, store)
  const { aligned, fpir, threshold, margin } = options
  const call = { ...chosenFaces(options), aligned, fpir, threshold, margin, maxPixels: pixelLimit(options) }
  const tell = options.json ? jsonTeller(context) : tableTeller(context)
  const totals: Totals = { pictures: 0, faces: 0, known: 0 }
  try {
    await lookAtAll<IdentifiedFace[]>(
      inputs,
      looker,
      {
        look: ({ identify }, picture) => identify(picture, call),
        draw: drawingOf,
        tell(name, picture, faces, drawn) {
          totals.pictures++
          totals.faces += faces.length
          totals.known += faces.filter(({ match }) => match).length
          tell(name, picture, faces, drawn)
        },
      },
      options,
      context,
    )
    if (totals.pictures > 0) explainLimit(manifest, templates, totals, options, context)
  } finally {
    await looker.dispose()
  }
}

function drawingOf({ width, height }: Picture, faces: readonly IdentifiedFace[]): Overlay | undefined {
  if (faces.length === 0) return undefined
  const named = faces.map(face => ({ face, subject: face.match?.subject }))
  return { width, height, svg: drawIdentities({ width, height }, named) }
}

/** What has been looked at. */
interface Totals {
  pictures: number
  faces: number
  known: number
}

/** How near a face has to be, and what that is worth; a warning where it is worth less than was asked for. */
function explainLimit(
  manifest: EmbedderManifest,
  templates: number,
  { pictures, faces, known }: Totals,
  { fpir = DEFAULT_FPIR, threshold, json }: Options,
  { terminal: { stdout, stderr } }: CommandContext,
): void {
  const sum = `${known} of ${count(faces, 'face')} in ${count(pictures, 'picture')} recognised`
  if (threshold !== undefined) {
    if (!json) stdout.write(`\n${sum}, at a distance of at most ${threshold}\n`)
    return
  }
  if (templates === 0) return
  const limit = galleryLimit(manifest, fpir, templates)
  const share = percent(limit.fpir ?? fpir)
  if (!json) {
    stdout.write(
      `\n${sum}, at a distance of at most ${limit.threshold.toFixed(4)}: among ${count(templates, 'template')} about ${share} of strangers would pass\n`,
    )
  }
  // Interpolation leaves a hair between what was wanted and what the limit gives.
  if (limit.fpir !== undefined && limit.fpir > fpir * 1.01) {
    stderr.write(
      `warning: among ${count(templates, 'template')} about ${share} of strangers are taken for somebody, more than --fpir ${fpir}: the strictest limit that "${manifest.name}" was measured at is in use\n`,
    )
  }
}

function percent(value: number): string {
  return `${Number((value * 100).toPrecision(2))} %`
}

type Teller = (name: string, picture: Picture, faces: readonly IdentifiedFace[], drawn: string | undefined) => void

function jsonTeller({ terminal: { stdout, stderr } }: CommandContext): Teller {
  return (file, { width, height }, found, drawn) => {
    const faces = found.map(({ match, ...face }) => ({
      ...(toJson(face) as object),
      match: match && { subject: match.subject, distance: Number(match.distance.toPrecision(6)) },
    }))
    stdout.write(`${JSON.stringify({ file, width, height, faces })}\n`)
    if (drawn !== undefined) stderr.write(`${file}: drawn as ${drawn}\n`)
  }
}

function tableTeller({ terminal: { stdout, env } }: CommandContext): Teller {
  const style = styleOf(stdout, env)
  return (name, { width, height }, faces, drawn) => {
    const size = style.dim(`${width} x ${height}`)
    stdout.write(`${style.bold(name)}  ${size}  ${faces.length === 0 ? 'no faces' : count(faces.length, 'face')}\n`)
    for (const row of rows(faces, style)) stdout.write(`  ${row}\n`)
    if (drawn !== undefined) stdout.write(`  drawn as ${drawn}\n`)
  }
}

function rows(faces: readonly IdentifiedFace[], style: Style): string[] {
  if (faces.length === 0) return []
  const cells = faces.map(({ box, match }, i) => [
    String(i + 1),
    match?.subject ?? 'unknown',
    match ? match.distance.toFixed(4) : '',
    ...[box.x, box.y, box.width, box.height].map(value => value.toFixed(0)),
  ])
  const [head, ...lines] = table([['', 'who', 'distance', 'x', 'y', 'width', 'height'], ...cells], 'rlrrrrr')
  return [style.dim(head), ...lines.map((line, i) => (faces[i].match ? line : style.dim(line)))]
}

/** A number from 0. */
function notNegative(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('Give a number, 0 or more.')
  return value
}
