import { Worker } from 'node:worker_threads'
import type { BatchThreads, Engine, ThreadLike } from '../backends/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'
import type { NetworkParts, ThreadAnswer, ThreadTask } from './batch-messages.ts'
import type { NetworkInput } from './network.ts'
import type { NetworkCopy } from './spread.ts'

/** One thread with copies of networks. */
interface Thread {
  readonly alive: boolean
  ask(task: ThreadTask, transfer?: readonly ArrayBuffer[]): Promise<readonly Float32Array[]>
  end(): void
}

/** The threads of an engine, started with the first of its networks and ended with the last. */
interface Group {
  readonly threads: Promise<Thread[]>
  networks: number
}

const groups = new WeakMap<Engine, Group>()
let networks = 0

/**
 * Copies a network into the threads of its engine.
 *
 * @throws FacewiseError `WORKER_LOST` if a thread does not start.
 */
export async function copyNetwork(engine: Engine, parts: NetworkParts): Promise<NetworkCopy[]> {
  const { batchThreads } = engine
  if (!batchThreads) return []
  const group = groups.get(engine) ?? { threads: startThreads(batchThreads), networks: 0 }
  groups.set(engine, group)
  group.networks++
  const network = networks++
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    group.networks--
    if (group.networks > 0) return
    groups.delete(engine)
    // Threads that did not start have ended already.
    void group.threads.then(
      threads => {
        for (const thread of threads) thread.end()
      },
      () => {},
    )
  }
  try {
    const threads = await group.threads
    await Promise.all(threads.map(thread => thread.ask({ type: 'load', network, parts })))
    return threads.map(thread => ({
      get alive() {
        return thread.alive
      },
      async run(inputs: readonly NetworkInput[]) {
        const transfer = inputs.map(({ data }) => data.buffer as ArrayBuffer)
        return [...(await thread.ask({ type: 'run', network, inputs }, transfer))]
      },
      dispose() {
        thread.ask({ type: 'dispose', network }).catch(() => {})
        close()
      },
    }))
  } catch (error) {
    close()
    throw error
  }
}

async function startThreads({
  count,
  wasmPaths,
  timeoutMs,
  thread: spawn = spawnThread,
}: BatchThreads): Promise<Thread[]> {
  const threads: Thread[] = []
  try {
    // This thread is one of them.
    for (let i = 1; i < count; i++) threads.push(openThread(spawn()))
    await Promise.all(threads.map(thread => thread.ask({ type: 'start', options: { wasmPaths, timeoutMs } })))
    return threads
  } catch (error) {
    for (const thread of threads) thread.end()
    throw new FacewiseError(
      'WORKER_LOST',
      `A thread for batches did not start: ${messageOf(error)}. Leave \`threads\` away, or see \`thread\` if this program is bundled.`,
      { cause: error },
    )
  }
}

function spawnThread(): ThreadLike {
  return new Worker(new URL('./batch-thread.node.ts', import.meta.url), { name: 'facewise-batch' })
}

function openThread(worker: ThreadLike): Thread {
  const waiting = new Map<number, { resolve(value: readonly Float32Array[]): void; reject(error: Error): void }>()
  let alive = true
  let ids = 0
  const lose = (why: string): void => {
    alive = false
    for (const { reject } of waiting.values()) reject(new Error(why))
    waiting.clear()
  }
  worker.on('message', message => {
    const answer = message as ThreadAnswer
    const call = waiting.get(answer.id)
    waiting.delete(answer.id)
    // A thread that has nothing to do should not keep the program from ending.
    if (waiting.size === 0) worker.unref()
    if ('error' in answer) call?.reject(new Error(answer.error))
    else call?.resolve(answer.value)
  })
  worker.on('error', error => lose(messageOf(error)))
  worker.on('messageerror', error => lose(messageOf(error)))
  worker.on('exit', code => lose(`it ended with code ${code}`))
  return {
    get alive() {
      return alive
    },
    ask(task, transfer = []) {
      return new Promise((resolve, reject) => {
        if (!alive) return reject(new Error('it has ended'))
        const id = ids++
        waiting.set(id, { resolve, reject })
        worker.ref()
        worker.postMessage({ ...task, id }, [...transfer])
      })
    },
    end() {
      lose('it was ended')
      void worker.terminate()
    },
  }
}
