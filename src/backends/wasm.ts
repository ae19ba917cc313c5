import type * as Tf from '@tensorflow/tfjs-core'
import { messageOf } from '../errors.ts'
import type { BackendOptions } from './options.ts'
import { type Registered, Unavailable } from './starter.ts'

/** The three builds of the backend; TensorFlow.js takes the one that fits. */
export const WASM_FILES = [
  'tfjs-backend-wasm.wasm',
  'tfjs-backend-wasm-simd.wasm',
  'tfjs-backend-wasm-threaded-simd.wasm',
] as const

/** What differs between platforms. */
export interface WasmPlatform {
  /** Address or path of each file by name, where `wasmPaths` is not given. */
  defaultPaths(): Readonly<Record<string, string>>
  /** The form of an address that TensorFlow.js can read here. */
  resolve(address: string): string
  /** @throws Unavailable if the file is not there. */
  check(address: string): Promise<void>
  /** Whether threads can be used, or why not. */
  threads(): Promise<true | string>
}

/** Loads the WebAssembly backend and tells it where its files are; the part that both platforms share. */
export async function registerWasm(
  tf: typeof Tf,
  options: BackendOptions,
  platform: WasmPlatform,
): Promise<Registered> {
  let wasm: typeof import('@tensorflow/tfjs-backend-wasm')
  try {
    wasm = await import('@tensorflow/tfjs-backend-wasm')
  } catch (error) {
    const hint = `run \`npm install @tensorflow/tfjs-backend-wasm@${tf.version_core}\``
    throw new Unavailable(`its package cannot be loaded: ${messageOf(error)}`, hint, { cause: error })
  }
  const { version_wasm: version } = wasm
  // Once it runs, its paths and threads are settled; to set them again is an error of TensorFlow.js. (Its `findBackend` would be the
  // way to ask, but that starts the backend.)
  if ('wasm' in tf.engine().registry) return { version }

  const threaded = options.threads !== false && (await platform.threads()) === true
  if (!threaded) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false)
  else if (typeof options.threads === 'number') wasm.setThreadsCount(options.threads)

  const [simd, multithread] = await Promise.all([
    tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'),
    tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT'),
  ])
  const paths = resolvePaths(options.wasmPaths, platform)
  await platform.check(paths[WASM_FILES[multithread && simd ? 2 : simd ? 1 : 0]])
  wasm.setWasmPaths(paths)
  return { version }
}

function resolvePaths(wasmPaths: BackendOptions['wasmPaths'], platform: WasmPlatform): Record<string, string> {
  if (wasmPaths === undefined) return { ...platform.defaultPaths() }
  const given =
    typeof wasmPaths === 'string'
      ? Object.fromEntries(WASM_FILES.map(file => [file, wasmPaths.replace(/\/*$/, '/') + file]))
      : { ...platform.defaultPaths(), ...wasmPaths }
  return Object.fromEntries(Object.entries(given).map(([file, address]) => [file, platform.resolve(address)]))
}
