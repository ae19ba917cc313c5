/**
 * `npm run bench`, first part: speed of the cascade beside @vladmandic/face-api, in one process on the WebAssembly backend, and where its
 * time goes. Medians of runs that take turns, so that a machine that is busy for a while slows all alike; the ratios are what to quote.
 */
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { startBackend } from '../src/backends/index.ts'
import { createMtcnn, type Mtcnn, type StageReport } from '../src/detect/index.ts'
import { messageOf } from '../src/errors.ts'
import { decode, resizeArea } from '../src/image/index.ts'
import { samplePhoto } from '../test/data.ts'
import { measureMultiplyAdds } from './multiply-adds.ts'
import { inTurns, median, row } from './timing.ts'

const PHOTOS = [
  [1, 640],
  [3, 710],
  [6, 1200],
] as const

const engine = await startBackend({ prefer: 'wasm' })
const { tf } = engine
const peer = await loadPeer()
const mtcnn = await createMtcnn({ backend: engine })

console.log(
  `Node ${process.version}, ${cpus()[0]?.model.trim()}, TensorFlow.js ${tf.version_core} on ${engine.backend}`,
)
console.log('Milliseconds a picture, medians; the ratio is of the two medians beside it.\n')
row(['photo', 'size', 'MTCNN 40', 'Tiny 416', 'ratio', 'MTCNN 20', 'SSD', 'ratio'])
const details: string[] = []
for (const [number, width] of PHOTOS) {
  const whole = await decode(samplePhoto(number))
  const picture = resizeArea(whole, width, Math.round((whole.height * width) / whole.width))
  const tensor = tf.tensor3d(Int32Array.from(picture.data), [picture.height, picture.width, 3], 'int32')
  const stages: Record<number, StageReport[][]> = { 40: [], 20: [] }
  const detect = (minFaceSize: 20 | 40) => async (): Promise<void> => {
    const reports: StageReport[] = []
    await mtcnn.detect(picture, { minFaceSize, onStage: report => reports.push(report) })
    stages[minFaceSize].push(reports)
  }
  const [ours40, tiny, ours20, ssd] = await inTurns([
    detect(40),
    () => peer.tiny(tensor),
    detect(20),
    () => peer.ssd(tensor),
  ])
  tensor.dispose()
  const ratio = (a: number, b: number): string => (a / b).toFixed(2)
  row([
    `sample${number}`,
    `${picture.width}x${picture.height}`,
    ours40.toFixed(1),
    tiny.toFixed(1),
    ratio(ours40, tiny),
    ours20.toFixed(1),
    ssd.toFixed(1),
    ratio(ours20, ssd),
  ])
  for (const size of [40, 20]) details.push(...describeStages(number, size, stages[size]))
}

console.log('\nWhere the time goes, milliseconds (pictures for the network / network / choosing; boxes that remain)\n')
console.log(['photo', 'min face', 'P-Net', 'R-Net', 'O-Net'].map(cell => cell.padEnd(26)).join(''))
for (const line of details) console.log(line)

console.log('\nMultiply-adds a second\n')
for (const { name, perSecond } of await measureMultiplyAdds(engine)) {
  console.log(`  ${name.padEnd(44)} ${(perSecond / 1e9).toFixed(1)} billion`)
}
mtcnn.dispose()

console.log('\nNative against WebAssembly, milliseconds a picture, minimum face 20\n')
await compareNative()

async function compareNative(): Promise<void> {
  let native: Mtcnn
  try {
    native = await createMtcnn({ backend: { prefer: 'native' }, minFaceSize: 20 })
  } catch (error) {
    console.log(`  not measured: ${messageOf(error).split('\n').slice(1).join(' ').trim()}`)
    return
  }
  const wasm = await createMtcnn({ backend: { prefer: 'wasm' }, minFaceSize: 20 })
  row(['photo', 'size', 'native', 'WASM', 'ratio'])
  for (const [number, width] of PHOTOS) {
    const whole = await decode(samplePhoto(number))
    const picture = resizeArea(whole, width, Math.round((whole.height * width) / whole.width))
    const [a, b] = await inTurns([() => native.detect(picture), () => wasm.detect(picture)])
    row([`sample${number}`, `${picture.width}x${picture.height}`, a.toFixed(1), b.toFixed(1), (a / b).toFixed(2)])
  }
  native.dispose()
  wasm.dispose()
}

function describeStages(photo: number, size: number, runs: StageReport[][]): string[] {
  const cells = (runs[0] ?? []).map((stage, i) => {
    const part = (key: 'prepare' | 'network' | 'select'): string => median(runs.map(run => run[i].time[key])).toFixed(1)
    return `${part('prepare')} / ${part('network')} / ${part('select')}; ${stage.boxes.length}`
  })
  return [[`sample${photo}`, String(size), ...cells].map(cell => cell.padEnd(26)).join('')]
}

type Detection = (tensor: ReturnType<typeof tf.tensor3d>) => Promise<unknown>

/** The peer's two detectors at their own defaults, on the same TensorFlow.js and backend as ours. */
async function loadPeer(): Promise<{ tiny: Detection; ssd: Detection }> {
  const require = createRequire(import.meta.url)
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as {
    nets: Record<'tinyFaceDetector' | 'ssdMobilenetv1', { loadFromDisk(folder: string): Promise<void> }>
    detectAllFaces(input: unknown, options: unknown): Promise<unknown>
    TinyFaceDetectorOptions: new (options: { inputSize: number }) => unknown
    SsdMobilenetv1Options: new () => unknown
  }
  const folder = require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model')
  await faceapi.nets.tinyFaceDetector.loadFromDisk(folder)
  await faceapi.nets.ssdMobilenetv1.loadFromDisk(folder)
  const tiny = new faceapi.TinyFaceDetectorOptions({ inputSize: 416 })
  const ssd = new faceapi.SsdMobilenetv1Options()
  return {
    tiny: tensor => faceapi.detectAllFaces(tensor, tiny),
    ssd: tensor => faceapi.detectAllFaces(tensor, ssd),
  }
}
