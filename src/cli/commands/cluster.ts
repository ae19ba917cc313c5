import { cluster as clusterVectors, DEFAULT_FMR } from '../../embed/index.ts'
import { limitFor } from '../../embed/verification.ts'
import type { RepresentedFace } from '../../facewise/index.ts'
import { chosenFaces, type FaceChoice, facesOption } from '../choice.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { expandInputs } from '../inputs.ts'
import { lookAtAll } from '../look.ts'
import { createLooker, embedderManifest } from '../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, positiveNumber, rate, workersOption } from '../options.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../recogniser.ts'
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
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
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

/** A face, and on which picture it is. */
type FoundFace = RepresentedFace & { readonly file: string }

async function clusterAll(words: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { stdout, env } = context.terminal
  const manifest = await embedderManifest(options)
  // A rate that was not measured should be known before all pictures are looked at.
  const { threshold } = limitFor(manifest, manifest.name, true, options)
  const inputs = await expandInputs(words)
  const looker = createLooker(options, DETECTOR_DEFAULTS, inputs.length, context.terminal)
  const call = { ...chosenFaces(options), aligned: options.aligned, maxPixels: pixelLimit(options) }
  const found: FoundFace[] = []
  try {
    const failed = await lookAtAll<RepresentedFace[]>(
      inputs,
      looker,
      {
        look: ({ represent }, picture) => represent(picture, call),
        tell(file, _, faces) {
          for (const face of faces) found.push({ ...face, file })
        },
      },
      options,
      context,
    )
    const vectors = found.map(({ embedding }) => embedding.vector)
    const { groups } = clusterVectors(vectors, { threshold, metric: manifest.embedding.metric })
    groups.forEach((members, i) => {
      const faces = members.map(member => found[member])
      if (options.json) {
        const listed = faces.map(({ file, embedding: _, ...face }) => ({ file, ...(toJson(face) as object) }))
        stdout.write(`${JSON.stringify({ person: i + 1, faces: listed })}\n`)
        return
      }
      const style = styleOf(stdout, env)
      stdout.write(`${style.bold(`person ${i + 1}`)}  ${count(faces.length, 'face')}\n`)
      for (const { file, box } of faces) {
        const where = [box.x, box.y, box.width, box.height].map(value => value.toFixed(0)).join(' ')
        stdout.write(`  ${file}  ${style.dim(where)}\n`)
      }
    })
    if (options.json) return
    const people = groups.length === 1 ? '1 person' : `${groups.length} people`
    const rest = failed > 0 ? `; ${failed} failed` : ''
    stdout.write(`\n${people} in ${count(found.length, 'face')} of ${count(inputs.length, 'picture')}${rest}\n`)
  } finally {
    await looker.dispose()
  }
}
