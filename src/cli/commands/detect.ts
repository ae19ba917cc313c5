import { createMtcnn, type Face, type Mtcnn } from '../../detect/index.ts'
import type { Picture } from '../../image/index.ts'
import { chooseFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { drawFaces } from '../draw.ts'
import { prepareDrawings, writeDrawing } from '../drawings.ts'
import { affectsAll, type Failure, failureLine, failureOf } from '../failure.ts'
import { expandInputs } from '../inputs.ts'
import {
  addDetectorOptions,
  DETECTOR_DEFAULTS,
  type DetectorOptions,
  detectorSettings,
  JSON_OPTION,
  pixelLimit,
  wholeNumber,
} from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
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
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
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
  const { terminal } = context
  const inputs = await expandInputs(words)
  const drawings =
    options.draw === undefined
      ? undefined
      : await prepareDrawings(
          options.draw,
          inputs.map(input => input.name),
        )
  const progress = createProgress(terminal.stderr, inputs.length)
  const report = options.json ? jsonReport(context) : tableReport(context)
  // Started by the first picture: to learn of a misspelt name nobody should wait for a network.
  let detector: Mtcnn | undefined
  let done = 0
  const settle = (write: () => void): void => {
    progress.clear()
    write()
    done++
  }
  try {
    if (inputs.length > 0) progress.show(0, inputs[0].name)
    for await (const input of loadPictures(inputs, terminal, pixelLimit(options))) {
      progress.show(done, input.name)
      const { name } = input
      try {
        if ('error' in input) throw input.error
        detector ??= await createMtcnn(detectorSettings(options, DETECTOR_DEFAULTS))
        const faces = chooseFaces(await detector.detect(input.picture), input.picture, options)
        const drawn = drawings?.pathFor(name)
        if (drawn !== undefined) {
          const { width, height } = input.picture
          const overlay = { width, height, svg: drawFaces(input.picture, faces) }
          await writeDrawing(drawn, input.picture, faces.length > 0 ? overlay : undefined)
        }
        settle(() => report.found(name, input.picture, faces, drawn))
      } catch (error) {
        if (affectsAll(error)) throw error
        context.fail()
        settle(() => report.failed(name, failureOf(error)))
      }
    }
  } finally {
    progress.clear()
    detector?.dispose()
  }
  report.end()
}

/** How results are told. */
interface Report {
  found(name: string, picture: Picture, faces: readonly Face[], drawn: string | undefined): void
  failed(name: string, failure: Failure): void
  end(): void
}

function jsonReport({ terminal: { stdout, stderr } }: CommandContext): Report {
  const line = (value: unknown): void => stdout.write(`${JSON.stringify(value)}\n`)
  return {
    found(file, { width, height }, faces, drawn) {
      line({ file, width, height, faces: faces.map(toJson) })
      if (drawn !== undefined) stderr.write(`${file}: drawn as ${drawn}\n`)
    },
    failed(file, error) {
      line({ file, error })
      stderr.write(`failed: ${failureLine(file, error)}\n`)
    },
    end() {},
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

function tableReport({ terminal }: CommandContext): Report {
  const { stdout, stderr, env } = terminal
  const out = styleOf(stdout, env)
  const err = styleOf(stderr, env)
  const totals = { pictures: 0, faces: 0, failed: 0 }
  return {
    found(name, picture, faces, drawn) {
      totals.pictures++
      totals.faces += faces.length
      const size = out.dim(`${picture.width} x ${picture.height}`)
      stdout.write(`${out.bold(name)}  ${size}  ${faces.length === 0 ? 'no faces' : count(faces.length, 'face')}\n`)
      for (const row of faceRows(faces, out)) stdout.write(`  ${row}\n`)
      if (drawn !== undefined) stdout.write(`  drawn as ${drawn}\n`)
    },
    failed(name, failure) {
      totals.failed++
      stderr.write(`${err.bad('failed:')} ${failureLine(name, failure)}\n`)
    },
    end() {
      const { pictures, faces, failed } = totals
      if (pictures + failed < 2) return
      const rest = failed > 0 ? `; ${failed} failed` : ''
      stdout.write(`\n${count(faces, 'face')} in ${count(pictures, 'picture')}${rest}\n`)
    },
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
