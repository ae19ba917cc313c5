import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileKernel, kernels } from '../../scripts/build-kernels.ts'
import { type Engine, startBackend } from '../../src/backends/index.ts'
import { createFixedPoint, type FixedPoint, type Lease } from '../../src/detect/fixed-point/index.ts'
import { KernelMemory } from '../../src/detect/fixed-point/memory.ts'
import { Sheets } from '../../src/detect/fixed-point/sheets.ts'
import { createMtcnn, type Face } from '../../src/detect/index.ts'
import { cellCount } from '../../src/detect/proposals.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'
import { areaSampler } from '../../src/image/integral.ts'
import { loadModel, type Model } from '../../src/models/load.ts'
import type { NetworkInput } from '../../src/models/network.ts'
import { samplePhoto } from '../data.ts'
import { random } from '../random.ts'

let engine: Engine
let model: Model
let fixedPoint: FixedPoint
let photo: Picture
let lease: Lease

const whole = ({ width, height }: Picture) => ({ x: 0, y: 0, width, height })
const largestDifference = (a: Float32Array, b: Float32Array, every = 1): number => {
  expect(a).toHaveLength(b.length)
  let largest = 0
  for (let i = 0; i < a.length; i += every) largest = Math.max(largest, Math.abs(a[i] - b[i]))
  return largest
}

beforeAll(async () => {
  engine = await startBackend({ prefer: 'wasm' })
  model = await loadModel('mtcnn', { engine })
  fixedPoint = (await createFixedPoint(engine, model))!
  photo = resizeArea(await decode(samplePhoto(1)), 400, 300)
  lease = (await fixedPoint.lease(photo, whole(photo)))!
})
afterAll(() => {
  lease.release()
  model.dispose()
})

test('the kernel in the source is what its AssemblyScript compiles to', async () => {
  const path = fileURLToPath(new URL('../../src/detect/fixed-point/kernel.ts', import.meta.url))
  expect(readFileSync(path, 'utf8')).toBe(await compileKernel(kernels[0]))
})

describe('P-Net', () => {
  /** The photo in the kernel's memory, or in an array of its own. */
  function picture(inKernel: boolean, width: number, height: number): NetworkInput {
    const { scale, shift } = model.network('pnet').normalisation
    const [sheet] = lease.sheets([{ width, height }])
    const out = inKernel ? sheet : new Float32Array(sheet.length)
    lease.sampler.resizeAll([{ width, height, out, offset: 0, stride: width * 3, scale, shift }])
    return { data: out, shape: [1, height, width, 3] }
  }

  test.each([
    [true, 320, 240],
    [false, 320, 240],
    [true, 398, 12],
    [true, 12, 300],
    [true, 14, 14],
    [true, 26, 22],
  ])('in place %s, %i x %i: close to the graph', async (inKernel, width, height) => {
    const input = picture(inKernel, width, height)
    const fixed = lease.network('pnet')!
    const { network: exact, within } = fixed.approximates!
    const [actual] = await fixed.run([input])
    const [expected] = await exact.run([input])
    expect(actual).toHaveLength(cellCount(width) * cellCount(height) * 5)
    expect(largestDifference(actual, expected)).toBeLessThan(within)
    // Not the graph itself.
    if (width * height > 400) expect(largestDifference(actual, expected)).toBeGreaterThan(0)
  })

  test('sizes that the kernel cannot read go through the graph', async () => {
    picture(true, 40, 40)
    const data = new Float32Array(41 * 41 * 3).map(() => 0.25)
    const input: NetworkInput = { data, shape: [1, 41, 41, 3] }
    const [actual] = await lease.network('pnet')!.run([input])
    const [expected] = await model.network('pnet').run([input])
    expect(actual).toEqual(expected)
  })
})

describe('R-Net', () => {
  test.each([1, 2, 7, 130])('%i crops: close to the graph', async count => {
    const side = 24
    const { scale, shift } = model.network('rnet').normalisation
    const data = new Float32Array(count * side * side * 3)
    const { integer } = random(count)
    for (let i = 0; i < count; i++) {
      const x = integer(-20, 360)
      const y = integer(-20, 260)
      const size = integer(20, 120)
      const offset = i * side * side * 3
      lease.sampler.crop(x, y, x + size, y + size, { width: side, height: side, out: data, offset, scale, shift })
    }
    const fixed = lease.network('rnet')!
    const { network: exact, within } = fixed.approximates!
    const input: NetworkInput = { data, shape: [count, side, side, 3] }
    const [actual] = await fixed.run([input])
    const [expected] = await exact.run([input])
    expect(largestDifference(actual, expected)).toBeLessThan(within / 2)
  })
})

test('O-Net has no fixed-point form', () => {
  expect(lease.network('onet')).toBeUndefined()
})

describe('the sampler', () => {
  const regions = [
    { x: 0, y: 0, width: 400, height: 300 },
    { x: 37, y: 11, width: 201, height: 103 },
    { x: 399, y: 299, width: 1, height: 1 },
  ]

  test.each(regions)('gives the same bits as in JavaScript: %o', async region => {
    const own = (await (await createFixedPoint(engine, model))!.lease(photo, region))!
    const here = areaSampler(photo, region)
    const { integer } = random(3)
    const place = { scale: 1 / 128, shift: -127.5 / 128 }
    for (let i = 0; i < 40; i++) {
      const width = integer(1, 60)
      const height = integer(1, 60)
      const target = { ...place, width, height, offset: 5, out: new Float32Array(width * height * 3 + 9) }
      const other = { ...target, out: target.out.slice() }
      const x = integer(-40, 440)
      const y = integer(-40, 340)
      const size = integer(1, 200)
      here.crop(x, y, x + size, y + size, target)
      own.sampler.crop(x, y, x + size, y + size, other)
      expect(other.out).toEqual(target.out)
    }
    // Wider than what the kernel takes at a time, side by side on one sheet, and enlarged.
    const stride = 3 * 4800
    const sizes = [
      { width: 2500, height: 7, offset: 0 },
      { width: 2300, height: 9, offset: 7500 },
    ]
    const [sheet] = own.sheets([{ width: 4800, height: 10 }])
    const expected = new Float32Array(sheet.length)
    here.resizeAll(sizes.map(size => ({ ...place, ...size, stride, out: expected })))
    own.sampler.resizeAll(sizes.map(size => ({ ...place, ...size, stride, out: sheet })))
    expect(sheet.every((value, i) => value === expected[i])).toBe(true)
    own.release()
  })
})

describe('a lease', () => {
  test('is given to one at a time, in the order in which they asked', async () => {
    const one = (await createFixedPoint(engine, model))!
    const order: string[] = []
    const first = (await one.lease(photo, whole(photo)))!
    const waiting = ['second', 'third'].map(async name => {
      const held = (await one.lease(photo, whole(photo)))!
      order.push(name)
      await new Promise(resolve => setTimeout(resolve, 5))
      order.push(`${name} back`)
      held.release()
    })
    await new Promise(resolve => setTimeout(resolve, 5))
    order.push('first back')
    first.release()
    await Promise.all(waiting)
    expect(order).toEqual(['first back', 'second', 'second back', 'third', 'third back'])
  })

  test('is had again after it was given back, in the same memory', async () => {
    const one = (await createFixedPoint(engine, model))!
    const sizes: number[] = []
    for (let i = 0; i < 3; i++) {
      const held = (await one.lease(photo, whole(photo)))!
      const [sheet] = held.sheets([{ width: 400, height: 300 }])
      sizes.push(sheet.buffer.byteLength)
      held.release()
    }
    expect(sizes[1]).toBe(sizes[0])
    expect(sizes[2]).toBe(sizes[0])
  })

  test('pictures that are too large for the kernel lie outside and give the same', async () => {
    const one = (await createFixedPoint(engine, model))!
    const held = (await one.lease(photo, whole(photo)))!
    const memory = (await KernelMemory.create())!
    const sheets = held.sheets([{ width: 4000, height: 3000 }])
    expect(sheets[0].buffer.byteLength).toBe(4000 * 3000 * 12)
    expect(memory.buffer.byteLength).toBeLessThan(2 ** 20)
    const data = sheets[0].subarray(0, 64 * 64 * 3).map((_, i) => Math.sin(i))
    const input: NetworkInput = { data, shape: [1, 64, 64, 3] }
    const [actual] = await held.network('pnet')!.run([input])
    const [expected] = await model.network('pnet').run([input])
    const difference = largestDifference(actual, expected)
    expect(difference).toBeLessThan(0.05)
    expect(difference).toBeGreaterThan(0)
    held.release()
  })
})

test.each([3, 6] as const)('the same faces with and without, photo %i', async number => {
  const faces: Face[][] = []
  for (const fixed of [true, false]) {
    const mtcnn = await createMtcnn({ backend: engine, minFaceSize: 24, fixedPoint: fixed })
    faces.push(await mtcnn.detect(samplePhoto(number)))
    mtcnn.dispose()
  }
  expect(faces[0].length).toBeGreaterThan(1)
  expect(faces[0]).toHaveLength(faces[1].length)
  for (const [i, face] of faces[0].entries()) {
    expect(Math.abs(face.score - faces[1][i].score)).toBeLessThan(1e-5)
    for (const side of ['x', 'y', 'width', 'height'] as const) {
      expect(Math.abs(face.box[side] - faces[1][i].box[side])).toBeLessThan(1e-3)
    }
  }
})

test('pictures that the memory of the kernel has no room for lie outside of it', async () => {
  const memory = (await KernelMemory.create())!
  // WebAssembly's memory ends at 4 GiB; pages that nothing is written to cost nothing.
  while (memory.buffer.byteLength < 2 ** 32 - 2 ** 28) memory.take(2 ** 27)
  const few = new Sheets(memory)
  const sizes = [{ width: 4000, height: 2000 }]
  const inside = few.allocate(sizes)[0]
  expect(inside.buffer).toBe(memory.buffer)
  while (memory.buffer.byteLength < 2 ** 32 - 2 ** 22) memory.take(2 ** 21)
  const full = new Sheets(memory)
  const [sheet] = full.allocate(sizes)
  expect(sheet).toHaveLength(4000 * 2000 * 3)
  expect(sheet.buffer).not.toBe(memory.buffer)
})
