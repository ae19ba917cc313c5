import type * as Tf from '@tensorflow/tfjs-core'
import { messageOf } from '../errors.ts'

const PATIENCE_MS = 1000

/**
 * Whether the threaded WebAssembly build can start here: `true`, or why not. It runs workers from `blob:` addresses, which load their
 * script from another; under a policy that forbids either, its start never ends. So the same is tried here with two small ones.
 */
export async function blobWorkersAllowed(): Promise<true | string> {
  if (!globalThis.crossOriginIsolated) return 'the page is not cross-origin isolated (COOP and COEP headers)'
  const script = URL.createObjectURL(new Blob(['postMessage(1)'], { type: 'text/javascript' }))
  const outer = URL.createObjectURL(new Blob([`importScripts(${JSON.stringify(script)})`], { type: 'text/javascript' }))
  let worker: Worker | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    return await new Promise<true | string>(resolve => {
      const refused = "the page's policy forbids workers from blob: (script-src and worker-src)"
      timer = setTimeout(() => resolve(refused), PATIENCE_MS)
      worker = new Worker(outer)
      worker.onmessage = () => resolve(true)
      worker.onerror = () => resolve(refused)
    })
  } catch (error) {
    return messageOf(error)
  } finally {
    clearTimeout(timer)
    worker?.terminate()
    URL.revokeObjectURL(script)
    URL.revokeObjectURL(outer)
  }
}

/** How long the threaded build may take: its workers answer within a second where they work. */
const THREADS_PATIENCE_MS = 4000

/**
 * Starts the WebAssembly backend, with threads where it was set up for them, and without where they fail: TensorFlow.js sends its own
 * source text to the workers, which does not survive every minifier, and then its start never ends.
 */
export async function startWithThreads(tf: typeof Tf): Promise<boolean> {
  if ('wasm' in tf.engine().registry || tf.env().get('WASM_HAS_MULTITHREAD_SUPPORT') !== true)
    return tf.setBackend('wasm')
  let timer: ReturnType<typeof setTimeout> | undefined
  let onError: ((event: Event) => void) | undefined
  const failed = new Promise<false>(resolve => {
    timer = setTimeout(resolve, THREADS_PATIENCE_MS, false)
    onError = event => {
      // The workers' own errors, which are dealt with here and need not alarm the page.
      event.preventDefault()
      resolve(false)
    }
    globalThis.addEventListener('error', onError)
  })
  try {
    if (await Promise.race([tf.setBackend('wasm'), failed])) return true
  } finally {
    clearTimeout(timer)
    if (onError) globalThis.removeEventListener('error', onError)
  }
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  return tf.setBackend('wasm')
}
