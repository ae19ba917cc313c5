import { DEFAULT_FMR } from '../../embed/index.ts'
import { chooseFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { failureLine, failureOf } from '../failure.ts'
import { expandInputs } from '../inputs.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, positiveNumber, rate } from '../options.ts'
import { loadPictures } from '../pictures.ts'
import { createProgress } from '../progress.ts'
import { addRecogniserOptions, createRecogniser, type RecognisedFace, type RecogniserOptions } from '../recogniser.ts'
import { count } from '../table.ts'
import { styleOf } from '../terminal.ts'
import { toJson } from './detect.ts'

interface Options extends RecogniserOptions {
  readonly faces: FaceChoice
  readonly fmr?: number
  readonly threshold?: number
  readonly json?: boolean
}

/** `facewise cluster`. */
export const cluster: RegisterCommand = (program, context) => {
  const command = program
    .command('cluster')
    .description('Groups the faces of many pictures by person.')
    .argument('<file...>', 'folders, globs or pictures')
  addRecogniserOptions(command, DETECTOR_DEFAULTS)
    .addOption(facesOption())
    .option(
      '--fmr <rate>',
      `false match rate of the limit under which groups are joined (default: ${DEFAULT_FMR})`,
      rate,
    )
    .option('--threshold <distance>', "a limit of your own instead, in the model's metric", positiveNumber)
    .option(...JSON_OPTION)
    .addHelpText('after', HELP)
    .action((words: string[], options: Options) => clusterAll(words, options, context))
}

const HELP = `
Examples:
  facewise cluster holiday/
      Who is on which picture, the person with most pictures first.
  facewise cluster holiday/ --json | jq -r 'select(.person == 1) | .faces[].file'
      The pictures of the first person.
  facewise cluster holiday/ --embedder facenet-512 --fmr 1e-4
      By FaceNet, more careful not to join two people.

With --json each line is one person: { "person", "faces": [{ "file", "box", "score", "landmarks" }] }; a picture that fails gives
{ "file", "error": { "code", "message" } }.`

async function clusterAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { terminal } = context
  const { stdout, stderr, env } = terminal
  const inputs = await expandInputs(words)
  const progress = createProgress(stderr, inputs.length)
  const recogniser = createRecogniser(options, DETECTOR_DEFAULTS)
  const found: (RecognisedFace & { file: string })[] = []
  let done = 0
  let failures = 0
  try {
    for await (const input of loadPictures(inputs, terminal, pixelLimit(options))) {
      progress.show(done++, input.name)
      try {
        if ('error' in input) throw input.error
        const { picture, name } = input
        const faces = await recogniser.recognise(picture, all => chooseFaces(all, picture, options))
        for (const face of faces) found.push({ ...face, file: name })
      } catch (error) {
        if (recogniser.stoppedBy(error)) throw error
        failures++
        context.fail()
        progress.clear()
        const failure = failureOf(error)
        if (options.json) stdout.write(`${JSON.stringify({ file: input.name, error: failure })}\n`)
        stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failureLine(input.name, failure)}\n`)
      }
    }
    progress.clear()
    const embeddings = found.map(({ embedding }) => embedding)
    const embedder = await recogniser.embedder()
    const { groups } = embedder.cluster(embeddings, options)
    groups.forEach((members, i) => {
      const faces = members.map(member => found[member])
      if (options.json) {
        const listed = faces.map(({ file, face }) => ({ file, ...(toJson(face) as object) }))
        stdout.write(`${JSON.stringify({ person: i + 1, faces: listed })}\n`)
        return
      }
      const style = styleOf(stdout, env)
      stdout.write(`${style.bold(`person ${i + 1}`)}  ${count(faces.length, 'face')}\n`)
      for (const { file, face } of faces) {
        const { x, y, width, height } = face.box
        const where = [x, y, width, height].map(value => value.toFixed(0)).join(' ')
        stdout.write(`  ${file}  ${style.dim(where)}\n`)
      }
    })
    if (!options.json) {
      const people = groups.length === 1 ? '1 person' : `${groups.length} people`
      const rest = failures > 0 ? `; ${failures} failed` : ''
      stdout.write(`\n${people} in ${count(found.length, 'face')} of ${count(inputs.length, 'picture')}${rest}\n`)
    }
  } finally {
    progress.clear()
    recogniser.dispose()
  }
}
