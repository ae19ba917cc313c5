import { messageOf } from '../errors.ts'
import { cpu } from './cpu.ts'
import type { ProbeMemory } from './memory.ts'
import type { BackendOptions } from './options.ts'
import { type BackendStarter, Unavailable } from './starter.ts'
import { blobWorkersAllowed, startWithThreads } from './threads.browser.ts'
import { registerWasm, type WasmPlatform } from './wasm.ts'

const webgpu: BackendStarter = {
  name: 'webgpu',
  async register() {
    const gpu = navigator.gpu as GPU | undefined
    if (!gpu) throw new Unavailable('this browser has no WebGPU (navigator.gpu); it also needs https or localhost')
    const adapter = await adapterOf(gpu)
    if (!adapter) throw new Unavailable('the browser found no GPU that it lets WebGPU use')
    const module = await import('@tensorflow/tfjs-backend-webgpu')
    const { isFallbackAdapter, info } = adapter as {
      isFallbackAdapter?: boolean
      info?: GPUAdapterInfo & { isFallbackAdapter?: boolean }
    }
    const software =
      isFallbackAdapter ||
      info?.isFallbackAdapter ||
      isSoftware(`${info?.vendor} ${info?.architecture} ${info?.description}`)
    return { version: (module as { version_webgpu?: string }).version_webgpu, slow: software ? SOFTWARE : undefined }
  },
}

/** How long to wait before each time that the browser is asked for its GPU. */
const ASKED_AFTER_MS = [0, 100, 200, 400]

/**
 * A browser that was just started says that there is no GPU, until its process for graphics is ready: seen in Chromium 156 on an H100 in
 * every start that asked at once (and reported of others within the first 100 ms). What is chosen is kept, so the answer has to be right.
 */
async function adapterOf(gpu: GPU): Promise<GPUAdapter | null> {
  for (const ms of ASKED_AFTER_MS) {
    if (ms > 0) await new Promise(resolve => setTimeout(resolve, ms))
    const adapter = await gpu.requestAdapter()
    if (adapter) return adapter
  }
  return null
}

const webgl: BackendStarter = {
  name: 'webgl',
  async register() {
    const context = new OffscreenCanvas(1, 1).getContext('webgl2')
    if (!context) throw new Unavailable('this browser gives no WebGL 2 context')
    const details = context.getExtension('WEBGL_debug_renderer_info')
    const renderer = String(context.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : context.RENDERER))
    context.getExtension('WEBGL_lose_context')?.loseContext()
    const { version_webgl: version } = await import('@tensorflow/tfjs-backend-webgl')
    return { version, slow: isSoftware(renderer) ? SOFTWARE : undefined }
  },
}

const SOFTWARE = 'it draws in software here, which is slower than WebAssembly'
const isSoftware = (renderer: string): boolean =>
  /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i.test(renderer)

const platform: WasmPlatform = {
  defaultPaths: () => ({
    // Written out one by one: this is the form that bundlers follow to copy a file and to put in its address.
    'tfjs-backend-wasm.wasm': new URL('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm', import.meta.url)
      .href,
    'tfjs-backend-wasm-simd.wasm': new URL(
      '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
      import.meta.url,
    ).href,
    'tfjs-backend-wasm-threaded-simd.wasm': new URL(
      '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm',
      import.meta.url,
    ).href,
  }),
  resolve: address => address,
  async check(address) {
    const hint = 'Serve the files of @tensorflow/tfjs-backend-wasm/dist and give their folder as `wasmPaths`'
    let response: Response
    try {
      response = await fetch(address)
    } catch (error) {
      throw new Unavailable(`${address} cannot be fetched: ${messageOf(error)}`, hint, { cause: error })
    }
    const bytes = new Uint8Array(await response.arrayBuffer())
    // A single-page server answers a wrong address with its own page and status 200.
    const isWasm = bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d
    if (!response.ok || !isWasm) {
      throw new Unavailable(`${address} is no WebAssembly file (status ${response.status})`, hint)
    }
    try {
      // The smallest module: a policy without 'wasm-unsafe-eval' refuses it with an error that can be read.
      await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    } catch (error) {
      throw new Unavailable(
        `WebAssembly is not allowed here: ${messageOf(error)}`,
        "A Content-Security-Policy needs `script-src 'self' 'wasm-unsafe-eval'`",
        { cause: error },
      )
    }
  },
  threads: blobWorkersAllowed,
}

const wasm: BackendStarter = {
  name: 'wasm',
  register: (tf, options) => registerWasm(tf, options, platform),
  start: startWithThreads,
}

/** In the order in which they are tried. */
export const starters: readonly BackendStarter[] = [webgpu, webgl, wasm, cpu]

const PREFIX = 'facewise/'

export const probeMemory: ProbeMemory = {
  get(key) {
    try {
      return localStorage.getItem(PREFIX + key) ?? undefined
    } catch {
      // No storage in workers and in pages that may not keep anything.
      return undefined
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(PREFIX + key, value)
    } catch {
      // As above.
    }
  },
}

/** In browsers TensorFlow.js' WebAssembly has threads of its own. */
export function batchThreadCount(_options: BackendOptions): number {
  return 1
}
