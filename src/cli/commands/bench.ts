import { availableParallelism } from 'node:os'
import { type BackendName, type BackendReport, type Engine, startBackend } from '../../backends/index.ts'
import { createMtcnn, type Face } from '../../detect/index.ts'
import { createEmbedder, DEFAULT_EMBEDDER } from '../../embed/index.ts'
import { decode, type Picture } from '../../image/index.ts'
import type { CommandContext, RegisterCommand } from '../command.ts'
import { drawnPeople } from '../drawn-people.ts'
import { epilogue } from '../epilogue.ts'
import { type Failure, failureOf } from '../failure.ts'
import { placeOf } from '../looker.ts'
import { BACKENDS, backendOption, JSON_OPTION, wholeNumber } from '../options.ts'
import { createProgress } from '../progress.ts'
import { count, table } from '../table.ts'
import { styleOf } from '../terminal.ts'

/** After this long a measurement ends, however few its runs: plain JavaScript needs minutes for twenty. */
const LONGEST_MS = 5000

const DEFAULT_RUNS = 20

interface Options {
  readonly backend?: readonly BackendName[]
  readonly embedder: string
  readonly runs: number
  readonly json?: boolean
}

/** `facewise bench`. */
export const bench: RegisterCommand = (program, context) => {
  program
    .command('bench')
    .description('Measures how long faces take to find and to embed on this machine, on each backend.')
    .argument('[file]', 'a picture, an http(s) address, or - for standard input (default: four drawn faces)')
    .addOption(backendOption())
    .option(
      '--embedder <name>',
      'the model: a name (see `facewise models list`), or a folder or address with a manifest.json',
      DEFAULT_EMBEDDER,
    )
    .option(
      '--runs <number>',
      `measured runs; fewer where they take over ${LONGEST_MS / 1000} s`,
      wholeNumber,
      DEFAULT_RUNS,
    )
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((file: string | undefined, options: Options) => benchAll(file, options, context))
}

const HELP = `
Examples:
  facewise bench
      Every backend that starts here, on a picture of 1280 x 960 pixels with four drawn faces.
  facewise bench group.jpg --backend wasm
      One backend, on a photo of yours: time depends on its size and on the number of faces.
  facewise bench --embedder facenet-512 --json
      Another embedder (after \`facewise models pull facenet-512\`), for programs.

Times are medians; a first run is not counted unless it alone takes that long. "detect" is one picture, already decoded; "embed" is all its
faces at once (a picture without faces is embedded whole). Nothing else should run meanwhile.

With --json each line is
  { "backend", "file", "width", "height", "faces", "loadMs", "detect": { "ms", "fastestMs", "runs" }, "embed": { "ms", "fastestMs",
  "runs", "model", "faces" } }
or { "backend", "error": { "code", "message" } } for a backend that does not start. "file" is null for the drawn faces. Exit code: 1 if no
backend starts, or one that --backend names does not.`

/** How long something took, in milliseconds. */
interface Timing {
  readonly ms: number
  readonly fastestMs: number
  readonly runs: number
}

/** What is measured on one backend. */
interface Measured {
  readonly backend: BackendName
  readonly report: BackendReport
  readonly faces: number
  /** To load both models, the backend's start not counted. */
  readonly loadMs: number
  readonly detect: Timing
  readonly embed: Timing & { readonly model: string; readonly faces: number }
}

type Result = Measured | { readonly backend: BackendName; readonly error: Failure }

async function benchAll(file: string | undefined, options: Options, context: CommandContext): Promise<void> {
  const { terminal } = context
  const { stdout, stderr } = terminal
  const source = file === '-' ? await terminal.readStdin() : file
  const picture = source === undefined ? await drawnPeople() : await decode(source)
  const { width, height } = picture
  const names = options.backend ?? BACKENDS
  const progress = createProgress(stderr, names.length)
  const results: Result[] = []
  try {
    for (const [i, backend] of names.entries()) {
      progress.show(i, backend)
      const result = await attempt(backend, picture, options)
      results.push(result)
      progress.clear()
      if (!options.json) continue
      const about = { backend, file: file ?? null, width, height }
      if ('error' in result) stdout.write(`${JSON.stringify({ backend, error: result.error })}\n`)
      else stdout.write(`${toJson(about, result)}\n`)
    }
  } finally {
    progress.clear()
  }
  // A backend that is not installed is nothing wrong, unless it was asked for or nothing else is there.
  if (results.every(result => 'error' in result)) context.fail()
  else if (options.backend && results.some(result => 'error' in result)) context.fail()
  if (!options.json) stdout.write(toTable(results, file, picture, context))
}

/** Measures one backend, or says why it cannot be. @throws what is wrong with more than the backend, as a model that is not there. */
async function attempt(backend: BackendName, picture: Picture, options: Options): Promise<Result> {
  let engine: Engine
  try {
    engine = await startBackend({ prefer: backend, remember: false })
  } catch (error) {
    return { backend, error: failureOf(error) }
  }
  return measure(engine, picture, options)
}

async function measure(engine: Engine, picture: Picture, { embedder: name, runs }: Options): Promise<Measured> {
  const began = performance.now()
  using detector = await createMtcnn({ backend: engine })
  using embedder = await createEmbedder(name, { backend: engine, model: placeOf(name) })
  const loadMs = performance.now() - began
  let faces: Face[] = []
  const detect = await timing(runs, async () => {
    faces = await detector.detect(picture)
  })
  const embedded = Math.max(1, faces.length)
  const embed = await timing(runs, () =>
    faces.length > 0 ? embedder.embed(picture, faces) : embedder.embedAligned([picture]),
  )
  const { backend, report } = engine
  const result = { backend, report, faces: faces.length, loadMs, detect }
  return { ...result, embed: { ...embed, model: embedder.id, faces: embedded } }
}

async function timing(runs: number, action: () => Promise<unknown>): Promise<Timing> {
  const times: number[] = []
  const began = performance.now()
  const timed = async (): Promise<number> => {
    const start = performance.now()
    await action()
    return performance.now() - start
  }
  // The first one warms up; where it alone takes as long as all may, it has to count.
  const first = await timed()
  if (first >= LONGEST_MS) times.push(first)
  while (times.length < runs && (times.length === 0 || performance.now() - began < LONGEST_MS))
    times.push(await timed())
  times.sort((a, b) => a - b)
  return { ms: times[times.length >> 1], fastestMs: times[0], runs: times.length }
}

function toJson(about: object, { faces, loadMs, detect, embed }: Measured): string {
  return JSON.stringify({ ...about, faces, loadMs, detect, embed }, (_, value) =>
    typeof value === 'number' ? Math.round(value * 100) / 100 : value,
  )
}

function toTable(
  results: readonly Result[],
  file: string | undefined,
  { width, height }: Picture,
  { terminal: { stdout, env } }: CommandContext,
): string {
  const style = styleOf(stdout, env)
  const rows = results.map(result => {
    const { backend } = result
    if ('error' in result) return [backend, '-', '-', '-', '-', '-']
    const { faces, loadMs, detect, embed } = result
    const milliseconds = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
    return [
      backend,
      milliseconds(loadMs),
      milliseconds(detect.ms),
      String(faces),
      milliseconds(embed.ms),
      milliseconds(embed.ms / embed.faces),
    ]
  })
  const [head, ...lines] = table([['', 'load', 'detect', 'faces', 'embed', 'a face'], ...rows], 'lrrrrr')
  const failures = results.flatMap(result => {
    if (!('error' in result)) return []
    // The first line says only that none started; the next one why.
    const reason = result.error.message.split('\n').at(-1)!.trim()
    return [reason.startsWith(result.backend) ? reason : `${result.backend}: ${reason}`]
  })
  const measured = results.flatMap(result => ('error' in result ? [] : [result]))
  const runs = measured.flatMap(({ detect, embed }) => [detect.runs, embed.runs])
  const [fewest, most] = [Math.min(...runs), Math.max(...runs)]
  return [
    `${style.bold(file ?? 'four drawn faces')}  ${style.dim(`${width} x ${height}`)}  Node.js ${process.versions.node}, ${count(availableParallelism(), 'core')}`,
    `  ${style.dim(head)}`,
    ...lines.map(line => `  ${line}`),
    ...(measured.length > 0
      ? [
          '',
          `Milliseconds, medians of ${fewest === most ? fewest : `${fewest} to ${most}`} runs; embedded by ${measured[0].embed.model}.`,
        ]
      : []),
    ...failures,
    '',
  ].join('\n')
}
