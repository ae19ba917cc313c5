import { parentPort } from 'node:worker_threads'
import { type Engine, startBackend } from '../backends/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'
import type { ThreadAnswer, ThreadRequest, ThreadTask } from './batch-messages.ts'
import { buildNetwork } from './build.ts'
import type { Network } from './network.ts'

// Runs in a thread: its copies of networks take parts of batches. The listener is set before anything is awaited: what is sent before
// that is lost.
serve()

function serve(): void {
  const port = parentPort
  if (!port) throw new FacewiseError('INVALID_ARGUMENT', 'This file is run by startBackend({ threads }), in a thread.')
  const networks = new Map<number, Network>()
  let engine: Engine | undefined

  async function work(task: ThreadTask): Promise<Float32Array[]> {
    switch (task.type) {
      case 'start':
        engine = await startBackend({ ...task.options, prefer: 'wasm' })
        return []
      case 'load':
        networks.set(task.network, buildNetwork(engine!, task.parts))
        return []
      case 'run':
        return networks.get(task.network)!.run(task.inputs)
      case 'dispose':
        networks.get(task.network)?.dispose()
        networks.delete(task.network)
        return []
    }
  }

  port.on('message', async ({ id, ...task }: ThreadRequest) => {
    try {
      const value = await work(task as ThreadTask)
      port.postMessage({ id, value } satisfies ThreadAnswer, [
        ...new Set(value.map(({ buffer }) => buffer as ArrayBuffer)),
      ])
    } catch (error) {
      port.postMessage({ id, error: messageOf(error) } satisfies ThreadAnswer)
    }
  })
}
