import { type BackendName, type BackendReport, type Engine, startBackend } from '../../backends/index.ts'
import { modelDirectory } from '../../models/directory.node.ts'
import { loadModel, type PackagedName, packagedManifests } from '../../models/index.ts'
import { type ListedModel, listModels } from '../../models/list.node.ts'
import type { RegisterCommand } from '../command.ts'
import { epilogue } from '../epilogue.ts'
import { type Failure, failureOf } from '../failure.ts'
import { backendOption, JSON_OPTION } from '../options.ts'
import { megabytes } from '../progress.ts'
import { count, table } from '../table.ts'
import { type Style, styleOf } from '../terminal.ts'
import { whereOf } from './models/list.ts'

/** What `facewise doctor` finds out; `--json` prints it. */
export interface Diagnosis {
  /** Whether `facewise detect` can work here. */
  readonly ok: boolean
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly tensorflow?: string
  /** The chosen backend with the report of the choice, or why there is none. */
  readonly backend: BackendReport | { readonly error: Failure }
  readonly sharp: { readonly version: string; readonly libvips: string } | { readonly error: Failure }
  readonly models: readonly ModelDiagnosis[]
  /** The models besides: pulled, or to be pulled. Detection needs none of them. */
  readonly modelDirectory: { readonly folder: string; readonly models: readonly ListedModel[] }
  /** What to do about what is missing; empty where nothing is. */
  readonly advice: readonly string[]
}

/** Whether the files of a model are there and right, and its networks run. */
export interface ModelDiagnosis {
  readonly name: string
  readonly files: number
  readonly bytes: number
  /** Milliseconds to read, check and build it. */
  readonly loadMs?: number
  readonly error?: Failure
}

/** What the diagnosis asks; a test gives its own. */
export interface Probes {
  startBackend(prefer: readonly BackendName[] | undefined): Promise<Engine>
  loadModel(name: PackagedName, engine: Engine): Promise<{ dispose(): void }>
  sharpVersions(): Promise<{ readonly sharp?: string; readonly vips?: string }>
}

const PROBES: Probes = {
  startBackend: prefer => startBackend({ prefer, remember: false }),
  loadModel: (name, engine) => loadModel(name, { engine }),
  sharpVersions: async () => (await import('sharp')).default.versions,
}

/** `facewise doctor`. */
export const doctor: RegisterCommand = (program, context) => {
  program
    .command('doctor')
    .description('Shows what runs on this machine, why, and what to do about what is missing.')
    .addOption(backendOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async ({ json, backend }: { json?: boolean; backend?: readonly BackendName[] }) => {
      const { terminal, version } = context
      const diagnosis = await diagnose(version, backend)
      if (!diagnosis.ok) context.fail()
      const text = json ? JSON.stringify(diagnosis) : describe(diagnosis, styleOf(terminal.stdout, terminal.env))
      terminal.stdout.write(`${text}\n`)
    })
}

const HELP = `
Examples:
  facewise doctor
      Which TensorFlow.js backend is chosen and why, which models are there, and what is missing.
  facewise doctor --backend native
      Why the native backend does not start.
  facewise doctor --json | jq .backend
      The same for programs, and for a report of an error.

Exit code: 0 if \`facewise detect\` can work here, otherwise 1.`

/** Tries everything that detection needs. */
export async function diagnose(
  version: string,
  prefer?: readonly BackendName[],
  probes: Probes = PROBES,
): Promise<Diagnosis> {
  const advice: string[] = []
  const attempt = async <T>(action: () => Promise<T>): Promise<{ value: T } | { error: Failure }> => {
    try {
      return { value: await action() }
    } catch (error) {
      return { error: failureOf(error) }
    }
  }
  const sharp = await attempt(probes.sharpVersions)
  if ('error' in sharp) advice.push('Install sharp, which decodes pictures: `npm install sharp`.')

  const engine = await attempt(() => probes.startBackend(prefer))
  if ('error' in engine) {
    advice.push(
      prefer
        ? 'Leave --backend away: the best backend that works here is taken.'
        : 'Install a backend: `npm install @tensorflow/tfjs-backend-wasm@4.22.0` runs on every machine.',
    )
  }

  const models: ModelDiagnosis[] = []
  for (const name of Object.keys(packagedManifests) as PackagedName[]) {
    const files = packagedManifests[name].networks.flatMap(network => [network.graph, ...network.weights])
    const known = { name, files: files.length, bytes: files.reduce((sum, file) => sum + file.bytes, 0) }
    if ('error' in engine) {
      models.push({ ...known, error: { code: engine.error.code, message: 'Not tried: no backend started.' } })
      continue
    }
    const began = performance.now()
    const model = await attempt(() => probes.loadModel(name, engine.value))
    if ('error' in model) {
      models.push({ ...known, error: model.error })
      advice.push(
        model.error.code.startsWith('MODEL_')
          ? `Get the files of the model ${name}: \`npm run build:models\` in a clone, or install the package again.`
          : `The backend ${engine.value.backend} does not run the model ${name}: try another with --backend.`,
      )
    } else {
      models.push({ ...known, loadMs: Math.round(performance.now() - began) })
      model.value.dispose()
    }
  }

  const report = 'error' in engine ? undefined : engine.value.report
  return {
    ok: advice.length === 0,
    version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    tensorflow: report?.version,
    backend: report ?? (engine as { error: Failure }),
    sharp:
      'error' in sharp ? sharp : { version: sharp.value.sharp ?? 'unknown', libvips: sharp.value.vips ?? 'unknown' },
    models,
    modelDirectory: {
      folder: modelDirectory(),
      models: (await listModels()).filter(({ state }) => state !== 'packaged'),
    },
    advice,
  }
}

/** Nothing is wrong where a model is not there: most people need no other than those of the package. */
function stateText(model: ListedModel, style: Style): string {
  const size = `${megabytes(model.bytes)} MB`
  if (model.state === 'pulled') return `${style.good('yes')}  ${size}: pulled, in ${whereOf(model)}`
  if (model.state === 'damaged') return `${style.bad('no')}  damaged: ${whereOf(model)}`
  return `-  not here, ${size} to download; ${whereOf(model)}`
}

const MARKS = { chosen: 'yes', slower: 'works', failed: 'no', skipped: '-' } as const

function describe(diagnosis: Diagnosis, style: Style): string {
  const { backend, sharp, models, modelDirectory, advice, ok } = diagnosis
  const mark = (good: boolean): string => (good ? style.good('yes') : style.bad('no'))
  const lines = [
    ...table(
      [
        ['facewise', diagnosis.version],
        ['Node.js', `${diagnosis.node} on ${diagnosis.platform}`],
        ['TensorFlow.js', diagnosis.tensorflow ?? 'not started'],
      ],
      'll',
    ),
    '',
    style.bold('Backends'),
    ...('error' in backend ? backend.error.message.split('\n') : backendLines(backend)).map(line => `  ${line}`),
    '',
    style.bold('Pictures'),
    `  sharp  ${mark(!('error' in sharp))}  ` +
      ('error' in sharp ? sharp.error.message.split('\n')[0] : `${sharp.version} with libvips ${sharp.libvips}`),
    '',
    style.bold('Models'),
    ...models.map(({ name, files, bytes, loadMs, error }) => {
      const size = `${count(files, 'file')}, ${(bytes / 1e6).toFixed(2)} MB`
      return `  ${name}  ${mark(!error)}  ${error ? error.message : `${size}: all there and unaltered; loaded in ${loadMs} ms`}`
    }),
    ...modelDirectory.models.map(model => `  ${model.name}  ${stateText(model, style)}`),
    '',
    ok
      ? style.good('Everything that detection needs is here.')
      : style.bad('Detection cannot work here yet. What to do:'),
    ...advice.map(line => `  ${line}`),
  ]
  return lines.join('\n')
}

function backendLines({ attempts, chosen, simd, threads }: BackendReport): string[] {
  const rows = attempts.map(({ name, outcome, reason, startMs, probeMs }) => {
    const times = [
      ...(startMs === undefined ? [] : [`started in ${startMs.toFixed(0)} ms`]),
      ...(probeMs === undefined ? [] : [`measured at ${probeMs.toFixed(1)} ms`]),
      ...(name === 'wasm' && chosen === 'wasm'
        ? [`SIMD ${simd ? 'on' : 'off'}, ${count(threads ?? 1, 'thread')}`]
        : []),
    ]
    return [name, MARKS[outcome], `${outcome}: ${reason}${times.length > 0 ? ` (${times.join('; ')})` : ''}`]
  })
  const lines = table(rows, 'lll')
  // A hint stands under its backend, beginning where the reason does.
  return lines.flatMap((line, i) => {
    const { hint } = attempts[i]
    return hint === undefined ? [line] : [line, `${' '.repeat(line.indexOf(rows[i][2]))}${hint}`]
  })
}
