import type { io } from '@tensorflow/tfjs-core'
import type { BackendOptions } from '../backends/index.ts'
import type { Manifest } from './manifest.ts'
import type { NetworkInput } from './network.ts'

/** What a network is made of. */
export interface NetworkParts {
  readonly manifest: Manifest
  /** Its name in the manifest. */
  readonly name: string
  readonly artifacts: io.ModelArtifacts
}

/** What a thread is asked to do. Each is answered once. */
export type ThreadTask =
  | { readonly type: 'start'; readonly options: Pick<BackendOptions, 'wasmPaths' | 'timeoutMs'> }
  | { readonly type: 'load'; readonly network: number; readonly parts: NetworkParts }
  | { readonly type: 'run'; readonly network: number; readonly inputs: readonly NetworkInput[] }
  | { readonly type: 'dispose'; readonly network: number }

export type ThreadRequest = ThreadTask & { readonly id: number }

export type ThreadAnswer =
  | { readonly id: number; readonly value: readonly Float32Array[] }
  | { readonly id: number; readonly error: string }
