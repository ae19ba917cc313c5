import { Option } from 'commander'
import { PULLED_DTYPES, type PulledDtype } from '../../../models/catalog.ts'
import { filesOf } from '../../../models/directory.node.ts'
import type { PulledModel } from '../../../models/index.ts'
import { pullFrom } from '../../../models/pull.node.ts'
import type { PullProgress } from '../../../models/pull.ts'
import { epilogue } from '../../epilogue.ts'
import { failureOf } from '../../failure.ts'
import { JSON_OPTION } from '../../options.ts'
import { createByteProgress, megabytes } from '../../progress.ts'
import { styleOf } from '../../terminal.ts'
import { isUsage } from './failing.ts'
import { directoryOption, type RegisterModelsCommand } from './register.ts'

interface Options {
  readonly from?: string
  readonly store?: PulledDtype
  readonly dir?: string
  readonly json?: boolean
}

/** `facewise models pull`. */
export const pullCommand: RegisterModelsCommand = (group, context, catalog) => {
  const { stdout, stderr, env } = context.terminal
  group
    .command('pull')
    .description('Downloads a model, checks and converts it, and puts it into the model directory.')
    .argument('<name>', `the model: ${catalog.names.join(', ')}`)
    .option('--from <folder|address>', 'a mirror that holds the published files (default: the public addresses)')
    .addOption(new Option('--store <type>', 'how the weights are stored (default: float16)').choices(PULLED_DTYPES))
    .addOption(directoryOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (name: string, { from, store, dir, json }: Options) => {
      const progress = createByteProgress(stderr)
      try {
        const onProgress = (state: PullProgress): void =>
          progress.show(state.loadedBytes, state.totalBytes, phaseText(state))
        const model = await pullFrom(catalog, name, { from, store, directory: dir, onProgress })
        progress.clear()
        stdout.write(`${json ? JSON.stringify(toJson(model)) : toText(model)}\n`)
      } catch (error) {
        progress.clear()
        if (isUsage(error)) throw error
        context.fail()
        const failure = failureOf(error)
        if (json) stdout.write(`${JSON.stringify({ model: name, error: failure })}\n`)
        stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failure.message}\n`)
      }
    })
}

function phaseText({ phase, loadedFiles, totalFiles, model }: PullProgress): string {
  if (phase === 'wait') return `waiting: ${model} is being pulled by another process`
  if (phase === 'convert') return 'converting'
  if (phase === 'write') return 'writing'
  return `${loadedFiles} of ${totalFiles} files`
}

function sizeOf({ manifest }: PulledModel): number {
  return filesOf(manifest).reduce((sum, file) => sum + file.bytes, 0)
}

function toJson(model: PulledModel): unknown {
  const { manifest, folder, store, pulled } = model
  return { model: manifest.name, pulled, bytes: sizeOf(model), ...(store && { store }), folder }
}

function toText(model: PulledModel): string {
  const { manifest, folder, store, pulled } = model
  const size = `${megabytes(sizeOf(model))} MB${store ? ` as ${store}` : ''}`
  const text = `${manifest.name}  ${pulled ? 'pulled' : 'is there already, whole'}: ${size}, in ${folder}`
  return pulled ? `${text}\n${manifest.licence.spdx}. ${manifest.licence.notice}` : text
}

const HELP = `
Examples:
  facewise models pull facenet-512
      Downloads the public files (94 MB), checks them, and stores 47 MB.
  facewise models pull facenet-512 --from https://mirror.example.com/facenet-512/
  facewise models pull facenet-512 --from /media/usb/facenet-512
      From a mirror: the same files under the same names. They are checked as the public ones are.
  facewise models pull facenet-512 --store uint8 --dir public/models
      Smaller, and into a site's folder, from where browsers load it.

A pull that was stopped goes on where it was. Behind a proxy: NODE_USE_ENV_PROXY=1 with HTTPS_PROXY (Node.js 22.21 or
24 and later); on others download with another program and give the folder to --from.

With --json the line is { "model", "pulled", "bytes", "store"?, "folder" } ("pulled" is false where it was there
already) or { "model", "error": { "code", "message" } }. Exit code: 0 it is there; 1 it could not be had; 2 the call was wrong.`
