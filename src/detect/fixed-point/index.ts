import type { Engine } from '../../backends/index.ts'
import { type AreaSampler, areaSampler } from '../../image/integral.ts'
import type { Picture } from '../../image/picture.ts'
import type { Region } from '../../image/resize.ts'
import type { Model } from '../../models/load.ts'
import type { Network } from '../../models/network.ts'
import { integralRoom, integrateInKernel } from './integral.ts'
import { KernelMemory } from './memory.ts'
import { fixedPointPnet } from './pnet.ts'
import { fixedPointRnet } from './rnet.ts'
import { Sheets } from './sheets.ts'

/** What one detection uses of the kernel, until it gives it back. */
export interface Lease {
  readonly sampler: AreaSampler
  network(name: string): Network | undefined
  sheets(sizes: readonly { readonly width: number; readonly height: number }[]): Float32Array[]
  release(): void
}

/**
 * P-Net and R-Net in fixed point and the sampler in WebAssembly, for one detection at a time. O-Net is not: most of what reaches it is a face, and would be
 * looked at twice.
 */
export interface FixedPoint {
  /** Waits for those who have it or asked before. @returns nothing where the picture does not fit in memory. */
  lease(picture: Picture, region: Region): Promise<Lease | undefined>
}

/**
 * Gets the fixed-point forms ready.
 *
 * @returns nothing where the backend is another than WebAssembly with SIMD (a GPU is faster), where WebAssembly cannot be compiled
 * from bytes, and for other weights than those of MTCNN.
 */
export async function createFixedPoint(engine: Engine, model: Model): Promise<FixedPoint | undefined> {
  if (engine.backend !== 'wasm' || !engine.report.simd) return undefined
  const memory = await KernelMemory.create()
  if (!memory) return undefined
  const sheets = new Sheets(memory)
  const found = [
    await fixedPointPnet(memory, model.network('pnet'), sheets),
    await fixedPointRnet(memory, model.network('rnet')),
  ]
  const networks = new Map(found.flatMap(network => (network ? [[network.name, network] as const] : [])))
  const room = integralRoom(memory)
  /** When the last one that asked gives it back. */
  let last: Promise<void> = Promise.resolve()
  return {
    async lease(picture, region) {
      let release = (): void => {}
      const before = last
      last = new Promise(resolve => {
        release = resolve
      })
      await before
      const mark = memory.take(0)
      let sampler: AreaSampler
      try {
        sampler = areaSampler(picture, region, (...of) => integrateInKernel(memory, room, ...of))
      } catch (error) {
        // No memory left for the picture: the graph models do without.
        memory.giveBack(mark)
        release()
        if (error instanceof RangeError) return undefined
        throw error
      }
      return {
        sampler,
        network: name => networks.get(name),
        sheets: sizes => sheets.allocate(sizes),
        release() {
          sheets.clear()
          memory.giveBack(mark)
          release()
        },
      }
    },
  }
}
