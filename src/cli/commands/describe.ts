import type { AttributeName, DescribedFace } from '../../facewise/index.ts'
import type { Picture } from '../../image/index.ts'
import { chosenFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { ATTRIBUTES, addDescriberOptions, type DescriberOptions } from '../describer.ts'
import { descriptionRows, toJson } from '../description.ts'
import { drawDescriptions } from '../draw-description.ts'
import { epilogue } from '../epilogue.ts'
import { expandInputs } from '../inputs.ts'
import { type Look, lookAtAll } from '../look.ts'
import { createLooker } from '../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, wholeNumber, workersOption } from '../options.ts'
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
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
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
  const { aligned, attributes = ATTRIBUTES, liveness } = options
  const inputs = await expandInputs(words)
  const looker = createLooker(options, DETECTOR_DEFAULTS, inputs.length, context.terminal)
  const names: AttributeName[] = liveness ? [...attributes, 'liveness'] : [...attributes]
  const call = { ...chosenFaces(options), aligned, attributes: names, maxPixels: pixelLimit(options) }
  const tell = options.json ? jsonTeller(context) : tableTeller(context)
  try {
    const look: Look<DescribedFace[]> = {
      look: ({ describe }, picture) => describe(picture, call),
      draw: drawDescriptions,
      tell,
    }
    await lookAtAll(inputs, looker, look, options, context)
  } finally {
    await looker.dispose()
  }
}

type Teller = (name: string, picture: Picture, faces: readonly DescribedFace[], drawn: string | undefined) => void

function jsonTeller({ terminal: { stdout, stderr } }: CommandContext): Teller {
  return (file, { width, height }, faces, drawn) => {
    stdout.write(`${JSON.stringify({ file, width, height, faces: faces.map(toJson) })}\n`)
    if (drawn !== undefined) stderr.write(`${file}: drawn as ${drawn}\n`)
  }
}

function tableTeller({ terminal: { stdout, env } }: CommandContext): Teller {
  const style = styleOf(stdout, env)
  return (name, { width, height }, faces, drawn) => {
    const found = faces.length === 0 ? 'no faces' : count(faces.length, 'face')
    stdout.write(`${style.bold(name)}  ${style.dim(`${width} x ${height}`)}  ${found}\n`)
    for (const row of descriptionRows(faces, style)) stdout.write(`  ${row}\n`)
    if (drawn !== undefined) stdout.write(`  drawn as ${drawn}\n`)
  }
}
