import type { Picture } from '../../image/index.ts'
import { chooseFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { addDescriberOptions, createDescriber, type DescriberOptions, type Description } from '../describer.ts'
import { descriptionRows, toJson } from '../description.ts'
import { drawDescriptions } from '../draw-description.ts'
import { prepareDrawings, writeDrawing } from '../drawings.ts'
import { failureLine, failureOf } from '../failure.ts'
import { expandInputs } from '../inputs.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, wholeNumber } from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
import { count } from '../table.ts'
import { styleOf } from '../terminal.ts'

interface Options extends DescriberOptions {
  readonly faces: FaceChoice
  readonly maxFaces?: number
  readonly draw?: string
  readonly json?: boolean
}

/** `facewise describe`. */
export const describe: RegisterCommand = (program, context) => {
  const command = program
    .command('describe')
    .description('Says what faces look like: emotion, age, gender, head pose, quality.')
    .argument('<file...>', 'pictures, folders, globs ("2024/**/*.jpg"), http(s) addresses, or - for standard input')
    .option('--draw <folder>', 'write copies with the faces and what they look like drawn in')
  addDescriberOptions(command, DETECTOR_DEFAULTS)
    .addOption(facesOption())
    .option('--max-faces <number>', 'at most this many a picture: the best, largest or most central', wholeNumber)
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action(async (words: string[], options: Options) => {
      if (options.aligned && options.attributes?.includes('pose')) {
        command.error(
          'error: --attributes pose needs landmarks, which --aligned does not look for; leave one of them out',
        )
      }
      await describeAll(words, options, context)
    })
}

const HELP = `
Examples:
  facewise describe photo.jpg
      A line for each face, the surest first.
  facewise describe party/ --draw out
      Every picture of a folder; copies with a panel beside each face go to out/.
  facewise describe portraits/ --attributes age-gender,quality --faces largest
      Two things of the main face alone; networks for the others are not loaded.
  facewise describe crops/ --aligned --json
      Pictures that are aligned crops already.
  facewise describe photo.jpg --json | jq '.faces[] | select(.emotion.happy > 0.5) | .age'
      For other programs.

With --json each line is
  { "file", "width", "height", "faces": [{ "box", "score", "landmarks", "emotion": { "angry", "disgust", "fear", "happy", "sad",
  "surprise", "neutral" }, "age", "gender": { "label", "score" }, "pose": { "yaw", "pitch", "roll" }, "quality",
  "qualityReasons": [{ "code", "message" }], "liveness": { "score" } }] }
or { "file", "error": { "code", "message" } }. Emotions sum to 1. The pose is in degrees, left and right as seen in the picture: yaw over 0
looks right, pitch over 0 up, roll over 0 is turned clockwise. Quality is from 0 to 1; reasons are there only where something is wrong.

An emotion is what a face shows, not what a person feels; age and gender are by appearance, and wrong for many people. Nothing of this
is a ground to decide about anyone, and the liveness score alone is no gate.`

async function describeAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { terminal } = context
  const { stdout, stderr, env } = terminal
  const inputs = await expandInputs(words)
  const names = inputs.map(input => input.name)
  const drawings = options.draw === undefined ? undefined : await prepareDrawings(options.draw, names)
  const progress = createProgress(stderr, inputs.length)
  const describer = createDescriber(options, DETECTOR_DEFAULTS)
  const line = (value: unknown): void => stdout.write(`${JSON.stringify(value)}\n`)
  const tell = options.json
    ? (file: string, { width, height }: Picture, found: readonly Description[], drawn: string | undefined): void => {
        line({ file, width, height, faces: found.map(toJson) })
        if (drawn !== undefined) stderr.write(`${file}: drawn as ${drawn}\n`)
      }
    : (name: string, { width, height }: Picture, found: readonly Description[], drawn: string | undefined): void => {
        const style = styleOf(stdout, env)
        const faces = found.length === 0 ? 'no faces' : count(found.length, 'face')
        stdout.write(`${style.bold(name)}  ${style.dim(`${width} x ${height}`)}  ${faces}\n`)
        for (const row of descriptionRows(found, style)) stdout.write(`  ${row}\n`)
        if (drawn !== undefined) stdout.write(`  drawn as ${drawn}\n`)
      }
  let done = 0
  try {
    for await (const input of loadPictures(inputs, terminal, pixelLimit(options))) {
      progress.show(done++, input.name)
      const { name } = input
      try {
        if ('error' in input) throw input.error
        const { picture } = input
        const found = await describer.describe(picture, faces => chooseFaces(faces, picture, options))
        const drawn = drawings?.pathFor(name)
        if (drawn !== undefined) await writeDrawing(drawn, picture, drawDescriptions(picture, found))
        progress.clear()
        tell(name, picture, found, drawn)
      } catch (error) {
        if (describer.stoppedBy(error)) throw error
        context.fail()
        progress.clear()
        const failure = failureOf(error)
        if (options.json) line({ file: name, error: failure })
        stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failureLine(name, failure)}\n`)
      }
    }
  } finally {
    progress.clear()
    describer.dispose()
  }
}
