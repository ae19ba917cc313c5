import { chooseFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { type Failure, failureLine, failureOf } from '../failure.ts'
import { expandInputs } from '../inputs.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, wholeNumber } from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
import { addRecogniserOptions, createRecogniser, type RecognisedFace, type RecogniserOptions } from '../recogniser.ts'
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
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
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
  const { terminal } = context
  const { stdout, stderr, env } = terminal
  const inputs = await expandInputs(words)
  const progress = createProgress(stderr, inputs.length)
  const recogniser = createRecogniser(options, DETECTOR_DEFAULTS)
  const failed = (name: string, failure: Failure): void => {
    context.fail()
    if (options.json) stdout.write(`${JSON.stringify({ file: name, error: failure })}\n`)
    stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failureLine(name, failure)}\n`)
  }
  let done = 0
  try {
    for await (const input of loadPictures(inputs, terminal, pixelLimit(options))) {
      progress.show(done++, input.name)
      try {
        if ('error' in input) throw input.error
        const { picture, name } = input
        const faces = await recogniser.recognise(picture, found => chooseFaces(found, picture, options))
        progress.clear()
        if (options.json) {
          const line = { file: name, width: picture.width, height: picture.height, faces: faces.map(withVector) }
          stdout.write(`${JSON.stringify(line)}\n`)
        } else {
          const style = styleOf(stdout, env)
          const size = style.dim(`${picture.width} x ${picture.height}`)
          stdout.write(`${style.bold(name)}  ${size}  ${count(faces.length, 'face')}\n`)
          for (const row of rows(faces)) stdout.write(`  ${row}\n`)
        }
      } catch (error) {
        if (recogniser.stoppedBy(error)) throw error
        progress.clear()
        failed(input.name, failureOf(error))
      }
    }
    if (!options.json) {
      const { manifest } = await recogniser.embedder()
      stdout.write(`\n${manifest.name}: ${manifest.embedding.dimension} numbers a face; --json prints them all.\n`)
    }
  } finally {
    progress.clear()
    recogniser.dispose()
  }
}

function withVector({ face, embedding }: RecognisedFace): unknown {
  // Seven digits are all that a float32 has.
  const vector = Array.from(embedding.vector, value => Number(value.toPrecision(7)))
  return { ...(toJson(face) as object), model: embedding.model, vector }
}

function rows(faces: readonly RecognisedFace[]): string[] {
  if (faces.length === 0) return []
  const cells = faces.map(({ face: { box, score }, embedding: { vector } }, i) => [
    String(i + 1),
    score.toFixed(4),
    ...[box.x, box.y, box.width, box.height].map(value => value.toFixed(0)),
    `${Array.from(vector.subarray(0, 4), value => value.toFixed(3)).join(' ')} ...`,
  ])
  return table([['', 'score', 'x', 'y', 'width', 'height', 'embedding'], ...cells], 'rrrrrrl')
}
