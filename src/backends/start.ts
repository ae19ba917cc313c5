import type * as Converter from '@tensorflow/tfjs-converter'
import type * as Tf from '@tensorflow/tfjs-core'
import { batchThreadCount, probeMemory, starters } from '#platform/backends'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import {
  type BackendAttempt,
  type BackendName,
  type BackendReport,
  createEngine,
  type Engine,
  forgetBackend,
  tfName,
} from './engine.ts'
import type { BackendOptions } from './options.ts'
import { type Probed, probe } from './probe.ts'
import { type BackendStarter, Unavailable } from './starter.ts'
import { withTimeout } from './timeout.ts'

const DEFAULT_TIMEOUT_MS = 10_000

interface Started {
  readonly name: BackendName
  readonly startMs: number
  readonly slow?: string
  probed?: Probed
}

let queue: Promise<unknown> = Promise.resolve()

/**
 * Starts the TensorFlow.js backend that runs best here, and says why it is that one.
 *
 * Every candidate is loaded, started under a time-out, and made to compute something whose result is checked: TensorFlow.js itself
 * may answer a failed start with `false` and go on with another backend. With no preference given, candidates that work are
 * measured on a short piece of real work, and the answer is kept for the next start.
 *
 * @throws FacewiseError `BACKEND_UNAVAILABLE` with every candidate and its reason; `ENGINE_MISMATCH`; `INVALID_ARGUMENT`.
 */
export function startBackend(options: BackendOptions = {}): Promise<Engine> {
  // The active backend of TensorFlow.js is a global: two starts at once would undo each other.
  const turn = queue.then(() => start(options))
  queue = turn.catch(() => undefined)
  return turn
}

async function start(options: BackendOptions): Promise<Engine> {
  throwIfAborted(options.signal)
  const threads = batchThreadCount(options)
  const { tf, converter } = await loadTensorFlow()
  const preferred = options.prefer === undefined ? [] : [options.prefer].flat()
  const wanted = preferred.length > 0 ? preferred : undefined
  const attempts: BackendAttempt[] = []
  const order = candidates(wanted, options.exclude ?? [], attempts)
  const remembered = wanted || options.remember === false ? undefined : recall(tf)
  if (remembered) order.sort((a, b) => Number(b.name === remembered) - Number(a.name === remembered))

  const working: Started[] = []
  for (const starter of order) {
    throwIfAborted(options.signal)
    // CPU is the last way out: some forty times slower, so it is never measured against the others.
    if (starter.name === 'cpu' && working.length > 0 && !wanted) {
      attempts.push({ name: 'cpu', outcome: 'skipped', reason: 'plain JavaScript, the last way out; not needed' })
      continue
    }
    try {
      const started = await startOne(tf, starter, options)
      working.push(started)
      // A wish, or what was measured before, ends the search.
      if (wanted || started.name === remembered) break
    } catch (error) {
      if (error instanceof FacewiseError) throw error
      attempts.push({
        name: starter.name,
        outcome: 'failed',
        reason: messageOf(error),
        hint: error instanceof Unavailable ? error.hint : undefined,
      })
    }
  }
  if (working.length === 0) throw noneWorks(attempts)

  const chosen = await fastest(tf, working, attempts, remembered)
  if (!(await tf.setBackend(tfName(chosen.name)))) throw noneWorks(attempts)
  for (const starter of order) {
    if (starter.name !== chosen.name && !attempts.some(a => a.name === starter.name)) {
      attempts.push({ name: starter.name, outcome: 'skipped', reason: `${chosen.name} came first` })
    }
  }
  if (working.length > 1 && options.remember !== false) probeMemory.set(memoryKey(tf), chosen.name)
  const report = reportOf(tf, chosen.name, attempts)
  const exclude = options.exclude ?? []
  if (chosen.name !== 'wasm' || threads <= 1) return createEngine(tf, converter, report, exclude)
  return createEngine(tf, converter, { ...report, threads }, exclude, { ...options, count: threads })
}

function candidates(
  wanted: readonly BackendName[] | undefined,
  exclude: readonly BackendName[],
  attempts: BackendAttempt[],
): BackendStarter[] {
  const order = wanted
    ? wanted.map(name => {
        const starter = starters.find(s => s.name === name)
        if (!starter) {
          const known = starters.map(s => s.name).join(', ')
          throw new FacewiseError(
            'INVALID_ARGUMENT',
            `There is no backend "${name}" on this platform; choose among ${known}.`,
          )
        }
        return starter
      })
    : [...starters]
  return order.filter(({ name }) => {
    const out = exclude.includes(name)
    if (out) attempts.push({ name, outcome: 'skipped', reason: 'excluded' })
    return !out
  })
}

async function startOne(tf: typeof Tf, starter: BackendStarter, options: BackendOptions): Promise<Started> {
  const { name } = starter
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const began = performance.now()
  const late = (): Error =>
    new Unavailable(`it did not start within ${timeoutMs} ms`, 'Raise `timeoutMs` if this device is slow.')
  const { version, slow } = await withTimeout(starter.register(tf, options), timeoutMs, late)
  if (version !== undefined && version !== tf.version_core) {
    throw new FacewiseError(
      'ENGINE_MISMATCH',
      `The ${name} backend is TensorFlow.js ${version}, its core ${tf.version_core}. Install all @tensorflow packages in one version.`,
    )
  }
  if (!tf.findBackendFactory(tfName(name))) {
    throw new FacewiseError(
      'ENGINE_MISMATCH',
      `The ${name} backend registered itself with another copy of @tensorflow/tfjs-core than this one. ` +
        'Make one copy of it: `npm dedupe`, or an alias in the bundler.',
    )
  }
  const starting = starter.start?.(tf) ?? tf.setBackend(tfName(name))
  const ok = await withTimeout(starting, timeoutMs, () => {
    forgetBackend(tf, name)
    return late()
  })
  if (!ok || tf.getBackend() !== tfName(name)) throw new Unavailable('TensorFlow.js could not initialise it')
  await withTimeout(computes(tf), timeoutMs, late)
  return { name, startMs: performance.now() - began, slow }
}

/** A convolution small enough to do in the head: a backend that starts and computes rubbish must not be taken. */
async function computes(tf: typeof Tf): Promise<void> {
  const result = tf.tidy(() => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1])
    const filter = tf.tensor4d([1, 10, 100, 1000], [2, 2, 1, 1])
    return tf.conv2d(x, filter, 1, 'valid')
  })
  try {
    const [value] = await result.data()
    if (value !== 4321) throw new Unavailable(`it computes wrong results (${value} for 4321)`)
  } finally {
    result.dispose()
  }
}

/** Measures where there is a choice, and notes what became of each. */
async function fastest(
  tf: typeof Tf,
  working: readonly Started[],
  attempts: BackendAttempt[],
  remembered: BackendName | undefined,
): Promise<Started> {
  const preferred = working.filter(w => !w.slow)
  const field = preferred.length > 0 ? preferred : working
  let chosen = field[0]
  let reason = 'the first that works'
  if (field.length > 1) {
    for (const entry of field) {
      await tf.setBackend(tfName(entry.name))
      entry.probed = await probe(tf, chosen.probed?.ms)
      if (costOf(entry) < costOf(chosen)) chosen = entry
    }
    reason = 'the fastest in a short measurement'
  } else if (chosen.name === remembered) {
    reason = 'the fastest when last measured'
  }
  for (const entry of working) {
    const { name, startMs, probed, slow } = entry
    const measured = { startMs, probeMs: probed?.ms, firstMs: probed?.firstMs }
    if (entry === chosen) attempts.unshift({ name, outcome: 'chosen', reason, ...measured })
    else
      attempts.push({
        name,
        outcome: 'slower',
        reason: slow ?? `works, but ${chosen.name} is faster`,
        ...measured,
      })
  }
  return chosen
}

/**
 * How many times as long as the probe all networks of this library take to compile: on an H100 in Chromium 156 some 30 s against 0.5 on WebGL, 3
 * against 0.35 on WebGPU.
 */
const COMPILED: Partial<Record<BackendName, number>> = { webgl: 60, webgpu: 10 }
/** Over how many calls of networks that is spread: those of a page that looks through a camera for a minute. */
const CALLS = 1500

/** Milliseconds of a call, its share of the compiling included: a fast call does not make up for half a minute of waiting. */
function costOf({ name, probed }: Started): number {
  if (!probed) return Number.POSITIVE_INFINITY
  return probed.ms + ((COMPILED[name] ?? 0) * Math.max(0, probed.firstMs - probed.ms)) / CALLS
}

function reportOf(tf: typeof Tf, chosen: BackendName, attempts: readonly BackendAttempt[]): BackendReport {
  const report = { chosen, attempts, version: tf.version_core }
  if (chosen !== 'wasm') return report
  const backend = tf.backend() as unknown as { wasm?: { tfjs?: { getThreadsCount?(): number } } }
  const threads = tf.env().get('WASM_HAS_MULTITHREAD_SUPPORT') === true ? backend.wasm?.tfjs?.getThreadsCount?.() : 1
  return { ...report, simd: tf.env().get('WASM_HAS_SIMD_SUPPORT') === true, threads: threads ?? 1 }
}

function noneWorks(attempts: readonly BackendAttempt[]): FacewiseError {
  const lines = attempts.map(({ name, reason, hint }) => `\n  ${name}: ${reason}${hint ? ` (${hint})` : ''}`)
  return new FacewiseError('BACKEND_UNAVAILABLE', `No TensorFlow.js backend could be started.${lines.join('')}`)
}

const memoryKey = (tf: typeof Tf): string => `backend/${tf.version_core}`

function recall(tf: typeof Tf): BackendName | undefined {
  const name = probeMemory.get(memoryKey(tf))
  return starters.find(s => s.name === name)?.name
}

/** TensorFlow.js is loaded when it is first needed, so that importing this library does nothing. */
async function loadTensorFlow(): Promise<{ tf: typeof Tf; converter: typeof Converter }> {
  try {
    const tf = await import('@tensorflow/tfjs-core')
    const converter = await import('@tensorflow/tfjs-converter')
    if (converter.version_converter !== tf.version_core) {
      throw new FacewiseError(
        'ENGINE_MISMATCH',
        `@tensorflow/tfjs-converter is ${converter.version_converter}, @tensorflow/tfjs-core ${tf.version_core}. ` +
          'Install all @tensorflow packages in one version.',
      )
    }
    return { tf, converter }
  } catch (error) {
    if (error instanceof FacewiseError) throw error
    throw new FacewiseError(
      'DEPENDENCY_MISSING',
      `TensorFlow.js cannot be loaded: ${messageOf(error)}. ` +
        'If it is missing, run `npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-converter@4.22.0`.',
      { cause: error },
    )
  }
}
