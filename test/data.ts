import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BackendName } from '../src/backends/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = resolve(root, process.env.FACEWISE_DATA ?? '../shared')

/** The folder with development data, which a user's clone does not have; tests that need it are skipped without it. */
export const developmentData: string | undefined = existsSync(join(folder, 'data', 'detect-dev')) ? folder : undefined

/** One of the six photographs that come with a development dependency, 1920 pixels wide. */
export function samplePhoto(number: 1 | 2 | 3 | 4 | 5 | 6): string {
  return join(root, 'node_modules', '@vladmandic', 'face-api', 'demo', `sample${number}.jpg`)
}

/** The backend of detection tests in Node: `FACEWISE_BACKEND=native` runs the same ones on `@tensorflow/tfjs-node`. */
export const testBackend = (process.env.FACEWISE_BACKEND ?? 'wasm') as BackendName
