import type * as Tf from '@tensorflow/tfjs-core'
import type { Engine } from '../backends/index.ts'
import { FacewiseError, messageOf } from '../errors.ts'

/** TensorFlow.js with its gradients. */
export type TensorFlow = typeof Tf

/**
 * Makes the TensorFlow.js of `engine` able to learn. Its core alone knows no gradients in Node; the whole package
 * (`@tensorflow/tfjs`, an optional peer) registers them with the same core.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` where it is not installed, with the command that installs it; `ENGINE_MISMATCH` where it
 *   brought another copy of the core.
 */
export async function withGradients(engine: Engine): Promise<TensorFlow> {
  const { tf } = engine
  const known = (): boolean => tf.getGradient('BatchMatMul') !== undefined
  if (!known()) {
    try {
      await import('@tensorflow/tfjs')
    } catch (error) {
      throw new FacewiseError(
        'DEPENDENCY_MISSING',
        `Training needs the gradients of TensorFlow.js: run \`npm install @tensorflow/tfjs@${tf.version_core}\`. (${firstLine(error)})`,
        { cause: error },
      )
    }
    if (!known()) {
      throw new FacewiseError(
        'ENGINE_MISMATCH',
        '@tensorflow/tfjs brought another copy of @tensorflow/tfjs-core than this library uses: `npm dedupe`, or one version of both.',
      )
    }
  }
  engine.activate()
  return tf
}

/**
 * Throws where the backend of `engine` cannot train convolutions: WebAssembly has no gradient of their filters.
 *
 * @throws FacewiseError `BACKEND_UNAVAILABLE` that names the backends that can.
 */
export function requireConvolutionGradients({ tf, backend }: Engine): void {
  if (tf.getKernel('Conv2DBackpropFilter', backend === 'native' ? 'tensorflow' : backend)) return
  throw new FacewiseError(
    'BACKEND_UNAVAILABLE',
    `The backend ${backend} has no gradient of convolutions. Start "native" (Node), "webgpu" or "webgl" (browser) or "cpu" (slow); a head over a finished embedder trains on every backend.`,
  )
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0]
