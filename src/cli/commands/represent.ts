import type { RepresentedFace } from '../../facewise/index.ts'
import { chosenFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { expandInputs } from '../inputs.ts'
import { lookAtAll } from '../look.ts'
import { createLooker, embedderManifest } from '../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, wholeNumber, workersOption } from '../options.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../recogniser.ts'
import { count, table } from '../table.ts'
import { styleOf } from '../terminal.ts'
import { toJson } from './detect.ts'

interface Options extends RecogniserOptions {
  readonly faces: FaceChoice
  readonly maxFaces?: number
  readonly json?: boolean
}

/** `facewise represent`. */
export const represent: RegisterCommand = (program, context) => {
  const command = program
    .command('represent')
    .description('Turns the faces of pictures into embeddings: numbers that are near for one person.')
    .argument('<file...>', 'pictures, folders, globs ("2024/**/*.jpg"), http(s) addresses, or - for standard input')
  addRecogniserOptions(command, DETECTOR_DEFAULTS)
    .addOption(facesOption())
    .option('--max-faces <number>', 'at most this many a picture: the best, largest or most central', wholeNumber)
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((words: string[], options: Options) => representAll(words, options, context))
}

const HELP = `
Examples:
  facewise represent photo.jpg --json > faces.jsonl
      The embedding of every face, for a program or a database.
  facewise represent team/ --faces largest --embedder facenet-512 --json
      One face a picture, by FaceNet (after \`facewise models pull facenet-512\`).
  facewise represent crops/ --aligned --json
      Pictures that are aligned crops already.

With --json each line is
  { "file", "width", "height", "faces": [{ "box", "score", "landmarks", "model", "vector": [...] }] }
or { "file", "error": { "code", "message" } }. Only vectors with the same "model" can be compared.`

async function representAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { stdout, env } = context.terminal
  const { name: model, embedding } = await embedderManifest(options)
  const inputs = await expandInputs(words)
  const looker = createLooker(options, DETECTOR_DEFAULTS, inputs.length, context.terminal)
  const call = { ...chosenFaces(options), aligned: options.aligned, maxPixels: pixelLimit(options) }
  const style = styleOf(stdout, env)
  try {
    await lookAtAll<RepresentedFace[]>(
      inputs,
      looker,
      {
        look: ({ represent }, picture) => represent(picture, call),
        tell(file, { width, height }, faces) {
          if (options.json) {
            stdout.write(`${JSON.stringify({ file, width, height, faces: faces.map(withVector) })}\n`)
            return
          }
          const size = style.dim(`${width} x ${height}`)
          stdout.write(
            `${style.bold(file)}  ${size}  ${faces.length === 0 ? 'no faces' : count(faces.length, 'face')}\n`,
          )
          for (const row of rows(faces)) stdout.write(`  ${row}\n`)
        },
      },
      options,
      context,
    )
    if (!options.json) stdout.write(`\n${model}: ${embedding.dimension} numbers a face; --json prints them all.\n`)
  } finally {
    await looker.dispose()
  }
}

function withVector({ embedding, ...face }: RepresentedFace): unknown {
  // Seven digits are all that a float32 has.
  const vector = Array.from(embedding.vector, value => Number(value.toPrecision(7)))
  return { ...(toJson(face) as object), model: embedding.model, vector }
}

function rows(faces: readonly RepresentedFace[]): string[] {
  if (faces.length === 0) return []
  const cells = faces.map(({ box, score, embedding: { vector } }, i) => [
    String(i + 1),
    score.toFixed(4),
    ...[box.x, box.y, box.width, box.height].map(value => value.toFixed(0)),
    `${Array.from(vector.subarray(0, 4), value => value.toFixed(3)).join(' ')} ...`,
  ])
  return table([['', 'score', 'x', 'y', 'width', 'height', 'embedding'], ...cells], 'rrrrrrl')
}
