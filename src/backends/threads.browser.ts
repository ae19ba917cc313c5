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
