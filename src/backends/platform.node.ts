import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FacewiseError, messageOf } from '../errors.ts'
import { cpu } from './cpu.ts'
import { cacheFile } from './memory.node.ts'
import type { ProbeMemory } from './memory.ts'
import type { BackendOptions } from './options.ts'
import { type BackendStarter, Unavailable } from './starter.ts'
import { registerWasm, WASM_FILES } from './wasm.ts'

/** A variable, so that bundlers of server code do not look for a package that is optional. */
const NATIVE_PACKAGE = '@tensorflow/tfjs-node'

const NATIVE_HINT =
  'Optional; several times faster on large networks: `npm install @tensorflow/tfjs-node@4.22.0`; where its download is blocked, `scripts/native-backend.mjs` builds it'

const native: BackendStarter = {
  name: 'native',
  async register(tf) {
    const node = Number(process.versions.node.split('.')[0])
    // libtensorflow greets on stderr otherwise; whoever set a level keeps it.
    process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
    try {
      createRequire(import.meta.url).resolve(NATIVE_PACKAGE)
    } catch {
      throw new Unavailable(`${NATIVE_PACKAGE} is not installed`, NATIVE_HINT)
    }
    try {
      await import(/* webpackIgnore: true */ /* @vite-ignore */ NATIVE_PACKAGE)
    } catch (error) {
      const why = messageOf(error).split('\n')[0]
      const hint =
        node >= 23
          ? 'As published it breaks on Node 23 and later: use Node 20 or 22, or `scripts/native-backend.mjs`, which mends it'
          : NATIVE_HINT
      throw new Unavailable(`${NATIVE_PACKAGE} does not load on this Node ${process.versions.node}: ${why}`, hint, {
        cause: error,
      })
    }
    return { version: tf.version_core }
  },
}

const wasm: BackendStarter = {
  name: 'wasm',
  register: (tf, options) =>
    registerWasm(tf, options, {
      defaultPaths() {
        const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))
        return Object.fromEntries(WASM_FILES.map(file => [file, join(folder, file)]))
      },
      resolve: address => (address.startsWith('file:') ? fileURLToPath(address) : address),
      async check(path) {
        try {
          await access(path)
        } catch (error) {
          throw new Unavailable(`there is no file ${path}`, 'Check `wasmPaths`', { cause: error })
        }
      },
      async threads() {
        return 'its Node build has no threads'
      },
    }),
}

/** In the order in which they are tried. */
export const starters: readonly BackendStarter[] = [native, wasm, cpu]

export const probeMemory: ProbeMemory = cacheFile('backend.json')

const MAX_THREADS = 64

/**
 * Over how many threads batches are split: TensorFlow.js' WebAssembly has none in Node.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names the option.
 */
export function batchThreadCount({ threads = 1 }: BackendOptions): number {
  if (typeof threads === 'boolean') return threads ? Math.min(availableParallelism(), MAX_THREADS) : 1
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `\`threads\` is true, false or a whole number from 1 to ${MAX_THREADS}; got ${threads}.`,
  )
}
