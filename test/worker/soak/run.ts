import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { isFacewiseError } from '../../../src/errors.ts'
import { memoryStore } from '../../../src/store/index.ts'
import { createFacewiseWorker, type FacewiseWorker } from '../../../src/worker/index.ts'
import { random } from '../../random.ts'
import { recordCalls, type SoakCall } from './calls.ts'
import { measure, type Sample } from './measure.ts'
import { makePictures } from './pictures.ts'

/** How a soak goes. */
export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** How often the pool is left alone and measured. */
  readonly samples: number
  /** Mean time from one killed worker to the next, and from one disposed pool to the next. */
  readonly killEverySeconds: number
  readonly disposeEverySeconds: number
  /** Hears of each measurement. */
  readonly onSample?: (report: SoakReport) => void
}

/** What came of it. */
export interface SoakReport {
  /** Calls by how they ended: `right`, or the code of their error. */
  readonly ended: Map<string, number>
  killed: number
  disposed: number
  readonly samples: Sample[]
  /** What should not have happened. */
  readonly wrong: string[]
}

const LANES = 6
/** Within which every call has to settle; the slowest start new workers on a busy machine. */
const SETTLED_WITHIN_MS = 120_000
const ABORTED_SHARE = 0.15

interface Thread {
  readonly worker: Worker
  readonly port: MessagePort
  alive: boolean
}

/**
 * Mixed calls on a pool of two workers, good ones and wrong ones, of which some are aborted, while workers are killed and the pool is now
 * and then disposed and created anew.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seconds, seed } = options
  const chance = random(seed)
  const report: SoakReport = { ended: new Map(), killed: 0, disposed: 0, samples: [], wrong: [] }
  const folder = mkdtempSync(join(tmpdir(), 'facewise-soak-'))
  const store = await memoryStore()
  const threads: Thread[] = []
  /** Counts what disturbs calls, so that each knows whether it may have been disturbed: also when a killed worker is gone at last. */
  let disturbances = 0
  const create = (): Promise<FacewiseWorker> =>
    createFacewiseWorker({
      backend: { prefer: 'wasm' },
      workers: 2,
      attributes: ['emotion', 'age-gender', 'pose', 'quality', 'liveness'],
      store,
      worker: () =>
        spawn(threads, () => {
          disturbances++
        }),
    })
  /** The pool; calls wait for the next one while it is created anew. */
  let pool = create()
  const pictures = await makePictures(folder)
  const calls = await recordCalls(await pool, pictures, chance)
  const stays = await store.count()

  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  let nextKill = chance.float(0, 2 * options.killEverySeconds)
  let nextDisposal = chance.float(0.5, 2) * options.disposeEverySeconds

  async function disturb(): Promise<void> {
    if (elapsed() > nextKill) {
      nextKill = elapsed() + chance.float(0, 2 * options.killEverySeconds)
      const alive = threads.filter(thread => thread.alive)
      if (alive.length > 0) {
        disturbances++
        report.killed++
        await chance.pick(alive).worker.terminate()
      }
    }
    if (elapsed() > nextDisposal) {
      nextDisposal = elapsed() + chance.float(0.5, 1.5) * options.disposeEverySeconds
      report.disposed++
      const old = await pool
      // In the same turn: calls that begin later wait for the next pool.
      disturbances++
      pool = old.dispose().then(create)
      await pool
    }
  }

  async function one(call: SoakCall): Promise<void> {
    const fw = await pool
    const controller = new AbortController()
    const willAbort = chance.float() < ABORTED_SHARE
    const timer = willAbort ? setTimeout(() => controller.abort(), chance.float(0, 200)) : undefined
    const before = disturbances
    let limit: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      limit = setTimeout(() => reject(new Error('it did not settle')), SETTLED_WITHIN_MS)
    })
    let outcome = 'right'
    try {
      const answer = await Promise.race([call.run(fw, controller.signal), late])
      if (call.code) throw new Error(`expected ${call.code}, got an answer`)
      call.check(answer)
    } catch (error) {
      const code = isFacewiseError(error) ? error.code : undefined
      const allowed =
        code === call.code ||
        (code === 'ABORTED' && controller.signal.aborted) ||
        ((code === 'WORKER_LOST' || code === 'DISPOSED') && disturbances > before)
      if (!code || !allowed) report.wrong.push(`${call.name}: ${error}`)
      outcome = code ?? 'wrong'
    } finally {
      clearTimeout(timer)
      clearTimeout(limit)
    }
    report.ended.set(outcome, (report.ended.get(outcome) ?? 0) + 1)
  }

  async function stretch(until: number): Promise<void> {
    const lane = async (): Promise<void> => {
      while (elapsed() < until) await one(calls.any())
    }
    const lanes = Promise.all(Array.from({ length: LANES }, lane))
    while (elapsed() < until) {
      await disturb()
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    await lanes
  }

  const unhandled = (reason: unknown): void => void report.wrong.push(`nobody handled: ${reason}`)
  process.on('unhandledRejection', unhandled)
  try {
    for (let sample = 1; sample <= options.samples; sample++) {
      await stretch((seconds * sample) / options.samples)
      // Alone, and with everything loaded, all workers are alike.
      await (await pool).warmup()
      const templates = await store.count()
      if (templates !== stays) report.wrong.push(`${templates} templates are stored instead of ${stays}`)
      const tensors = await Promise.all(threads.filter(({ alive }) => alive).map(tensorsOf))
      report.samples.push(await measure(elapsed(), tensors))
      options.onSample?.(report)
    }
  } finally {
    await (await pool).dispose()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
    process.off('unhandledRejection', unhandled)
  }
  return report
}

function spawn(threads: Thread[], onExit: () => void): Worker {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL('./counted-worker.mjs', import.meta.url), {
    workerData: { port: port2 },
    transferList: [port2],
  })
  const thread: Thread = { worker, port: port1, alive: true }
  threads.push(thread)
  port1.unref()
  // Before the pool hears of it.
  worker.on('exit', () => {
    onExit()
    thread.alive = false
    port1.close()
    threads.splice(threads.indexOf(thread), 1)
  })
  return worker
}

function tensorsOf({ port }: Thread): Promise<number> {
  return new Promise(resolve => {
    port.once('message', resolve)
    port.postMessage('count')
  })
}
