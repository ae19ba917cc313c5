import { Option } from 'commander'
import { type FaceRule, oneFace } from '../../detect/index.ts'
import type { Embedding, Verification } from '../../embed/index.ts'
import { limitFor, verifyEmbeddings } from '../../embed/verification.ts'
import { FacewiseError } from '../../errors.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { lookAtAll } from '../look.ts'
import { createLooker, embedderManifest } from '../looker.ts'
import { DETECTOR_DEFAULTS, JSON_OPTION, pixelLimit, positiveNumber, rate } from '../options.ts'
import { addRecogniserOptions, type RecogniserOptions } from '../recogniser.ts'

interface Options extends RecogniserOptions {
  readonly faces: FaceRule
  readonly fmr?: number
  readonly threshold?: number
  readonly json?: boolean
}

/** `facewise verify`. */
export const verify: RegisterCommand = (program, context) => {
  const command = program
    .command('verify')
    .description('Says whether two pictures show the same person.')
    .argument('<a>', 'a picture, an http(s) address, or - for standard input')
    .argument('<b>', 'another')
  addRecogniserOptions(command, DETECTOR_DEFAULTS)
    .addOption(
      new Option('--faces <which>', 'which face counts where a picture has several; "only" makes that an error')
        .choices(['largest', 'center', 'best', 'only'])
        .default('largest'),
    )
    .option('--fmr <rate>', 'how many strangers in how many may pass as the same person (default: 1e-3)', rate)
    .option('--threshold <distance>', "a limit of your own instead, in the model's metric", positiveNumber)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((a: string, b: string, options: Options) => verifyPair([a, b], options, context))
}

const HELP = `
Examples:
  facewise verify passport.jpg selfie.jpg
      The largest face of each, at a false match rate of one in a thousand.
  facewise verify a.jpg b.jpg --fmr 1e-2 --embedder facenet-512
      A looser limit, by FaceNet (after \`facewise models pull facenet-512\`).
  facewise verify a.jpg b.jpg --faces only --json
      Refuses pictures with more than one face; the answer for a program.

With --json the answer is { "same", "distance", "metric", "threshold", "fmr", "fnmr", "confidence", "model" }: the false match and false
non-match rates that the model's own table has for the threshold, and how likely the two are one person if both were as likely before. Two
strangers are an answer too: the exit code is 0. A picture that cannot be read or has no face gives { "file", "error" } and exit code 1.`

async function verifyPair(files: readonly string[], options: Options, context: CommandContext): Promise<void> {
  const { aligned, faces: rule, fmr, threshold } = options
  if (files[0] === '-' && files[1] === '-') {
    throw new FacewiseError('INVALID_ARGUMENT', 'Only one of the two pictures can come from standard input.')
  }
  const manifest = await embedderManifest(options)
  limitFor(manifest, manifest.name, true, { fmr, threshold })
  const looker = createLooker(options, DETECTOR_DEFAULTS, 1, context.terminal)
  const chosen = rule === 'only' ? {} : { keep: rule, maxFaces: 1 }
  const call = { ...chosen, aligned, maxPixels: pixelLimit(options) }
  const found: Embedding[] = []
  try {
    await lookAtAll<Embedding>(
      files.map(name => ({ name })),
      looker,
      {
        async look({ represent }, picture) {
          const faces = await represent(picture, call)
          oneFace(faces, picture, rule)
          return faces[0].embedding
        },
        tell: (_name, _picture, embedding) => void found.push(embedding),
      },
      options,
      context,
    )
    if (found.length < 2) return
    const answer = verifyEmbeddings(found[0], found[1], manifest, manifest.name, true, { fmr, threshold })
    context.terminal.stdout.write(options.json ? `${toJson(answer)}\n` : sentence(answer))
  } finally {
    await looker.dispose()
  }
}

function toJson({ same, distance, metric, threshold, fmr, fnmr, confidence, model }: Verification): string {
  return JSON.stringify({ same, distance, metric, threshold, fmr, fnmr, confidence, model }, (_, value) =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value,
  )
}

function sentence({ same, distance, metric, threshold, fmr, fnmr, confidence, model }: Verification): string {
  const rates =
    fmr === undefined || fnmr === undefined
      ? ''
      : `\n  at this limit ${share(fmr)} of strangers pass and ${share(fnmr)} of true pairs are refused (${model}, as measured)`
  const sure = confidence === undefined ? '' : `\n  confidence ${percent(confidence)}, both being as likely before`
  return [
    same ? 'The same person' : 'Different people',
    `: ${metric} distance ${distance.toFixed(3)}, ${same ? 'at most' : 'over'} ${threshold.toFixed(3)}`,
    rates,
    sure,
    '\n',
  ].join('')
}

const share = (value: number): string =>
  value < 0.01 ? `${Number((value * 1000).toPrecision(2))} in 1000` : `${Number((value * 100).toPrecision(2))} %`

/** Never a round 0 or 100: nothing is that sure. */
function percent(value: number): string {
  const clipped = Math.min(Math.max(value * 100, 0.1), 99.9)
  return `${clipped.toFixed(clipped > 1 && clipped < 99 ? 0 : 1)} %`
}
