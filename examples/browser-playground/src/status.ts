/** The line in the page's head: which backend runs, and what is being loaded. */
const NAMES: Record<string, string> = { wasm: 'WebAssembly', webgl: 'WebGL', webgpu: 'WebGPU', cpu: 'JavaScript' }

const place = (): HTMLElement => document.querySelector<HTMLElement>('[data-part="backend"]')!

let backend = ''

/** Says which backend of TensorFlow.js was chosen. */
export function showBackend(name: string, simd = false): void {
  backend = `Runs on ${NAMES[name] ?? name}${simd ? ' with SIMD' : ''}`
  place().textContent = backend
}

/** Says how far loading is, of all models that were asked for. */
export function showLoading(loaded: number, total: number): void {
  const done = loaded >= total
  place().textContent = done ? backend : `Loading models: ${megabytes(loaded)} of ${megabytes(total)} MB`
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
