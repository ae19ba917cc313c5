import type { Face } from '../../detect/index.ts'
import type { Picture } from '../../image/index.ts'
import { chosenFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { drawFaces } from '../draw.ts'
import { epilogue } from '../epilogue.ts'
import { expandInputs } from '../inputs.ts'
import { lookAtAll } from '../look.ts'
import { createLooker } from '../looker.ts'
import {
  addDetectorOptions,
  DETECTOR_DEFAULTS,
  type DetectorOptions,
  JSON_OPTION,
  pixelLimit,
  wholeNumber,
  workersOption,
} from '../options.ts'
import { count, table } from '../table.ts'
import { type Style, styleOf } from '../terminal.ts'

interface Options extends DetectorOptions {
  readonly faces: FaceChoice
  readonly maxFaces?: number
  readonly draw?: string
  readonly json?: boolean
}

/** `facewise detect`. */
export const detect: RegisterCommand = (program, context) => {
  const command = program
    .command('detect')
    .description('Finds the faces in pictures: boxes, scores and five landmarks.')
    .argument('<file...>', 'pictures, folders, globs ("2024/**/*.jpg"), http(s) addresses, or - for standard input')
    .option('--draw <folder>', 'write copies with the faces drawn in')
  addDetectorOptions(command, DETECTOR_DEFAULTS)
    .addOption(facesOption())
    .option('--max-faces <number>', 'at most this many a picture: the best, largest or most central', wholeNumber)
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (words: string[], options: Options) => {
      const { minFace = DETECTOR_DEFAULTS.minFace, maxFace } = options
      if (maxFace !== undefined && maxFace < minFace) {
        command.error(
          `error: --max-face ${maxFace} is under the smallest face to find, ${minFace}; lower --min-face too`,
        )
      }
      await detectAll(words, options, context)
    })
}

const HELP = `
Examples:
  facewise detect photo.jpg
      A table of the faces in one photo, the surest first.
  facewise detect holiday/ "scans/**/*.png" --draw out
      Every picture of a folder and of a pattern; copies with boxes, landmarks and scores go to out/.
  facewise detect archive/ --workers 4 --json > faces.jsonl
      Four threads share the pictures; lines come in the order of the pictures, and are the same as from one.
  facewise detect group.jpg --min-face 20
      Smaller faces too. Half the size takes four times as long.
  facewise detect group.jpg --thresholds 0.6,0.7,0.95
      Fewer false faces, at the price of some true ones (\`facewise evaluate detection\` measures it).
  facewise detect passport.jpg --faces largest
      Only the main face.
  curl -s https://example.com/photo.jpg | facewise detect - --json | jq '.faces | length'
      From standard input, as JSON for other programs.

With --json each line is
  { "file", "width", "height", "faces": [{ "box": { "x", "y", "width", "height" }, "score", "landmarks": [[x, y], ...] }] }
or { "file", "error": { "code", "message" } }. Coordinates are pixels of the upright picture; landmarks are left eye,
right eye, nose, left and right mouth corner, left and right as seen.`

async function detectAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const inputs = await expandInputs(words)
  const looker = createLooker(options, DETECTOR_DEFAULTS, inputs.length, context.terminal)
  const chosen = { ...chosenFaces(options), maxPixels: pixelLimit(options) }
  const totals = { pictures: 0, faces: 0 }
  const tell = options.json ? jsonTeller(context) : tableTeller(context)
  try {
    const failed = await lookAtAll<Face[]>(
      inputs,
      looker,
      {
        look: ({ detect }, picture) => detect(picture, chosen),
        draw({ width, height }, faces) {
          return faces.length === 0 ? undefined : { width, height, svg: drawFaces({ width, height }, faces) }
        },
        tell(name, picture, faces, drawn) {
          totals.pictures++
          totals.faces += faces.length
          tell(name, picture, faces, drawn)
        },
      },
      options,
      context,
    )
    if (options.json || inputs.length < 2) return
    const rest = failed > 0 ? `; ${failed} failed` : ''
    context.terminal.stdout.write(`\n${count(totals.faces, 'face')} in ${count(totals.pictures, 'picture')}${rest}\n`)
  } finally {
    await looker.dispose()
  }
}

type Teller = (name: string, picture: Picture, faces: readonly Face[], drawn: string | undefined) => void

function jsonTeller({ terminal: { stdout, stderr } }: CommandContext): Teller {
  return (file, { width, height }, faces, drawn) => {
    stdout.write(`${JSON.stringify({ file, width, height, faces: faces.map(toJson) })}\n`)
    if (drawn !== undefined) stderr.write(`${file}: drawn as ${drawn}\n`)
  }
}

/** A face as `--json` prints it: a hundredth of a pixel, and five digits of the score, say all that the network knows. */
export function toJson({ box, score, landmarks }: Face): unknown {
  const pixels = (value: number): number => Math.round(value * 100) / 100
  const { x, y, width, height } = box
  return {
    box: { x: pixels(x), y: pixels(y), width: pixels(width), height: pixels(height) },
    score: Math.round(score * 1e5) / 1e5,
    landmarks: landmarks?.map(([px, py]) => [pixels(px), pixels(py)]),
  }
}

function tableTeller({ terminal: { stdout, env } }: CommandContext): Teller {
  const style = styleOf(stdout, env)
  return (name, { width, height }, faces, drawn) => {
    const size = style.dim(`${width} x ${height}`)
    stdout.write(`${style.bold(name)}  ${size}  ${faces.length === 0 ? 'no faces' : count(faces.length, 'face')}\n`)
    for (const row of faceRows(faces, style)) stdout.write(`  ${row}\n`)
    if (drawn !== undefined) stdout.write(`  drawn as ${drawn}\n`)
  }
}

function faceRows(faces: readonly Face[], style: Style): string[] {
  if (faces.length === 0) return []
  const rows = faces.map(({ box, score }, i) => [
    String(i + 1),
    score.toFixed(4),
    ...[box.x, box.y, box.width, box.height].map(value => value.toFixed(0)),
  ])
  const [head, ...lines] = table([['', 'score', 'x', 'y', 'width', 'height'], ...rows], 'rrrrrr')
  return [style.dim(head), ...lines]
}
