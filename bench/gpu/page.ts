/**
 * The page of `npm run bench:gpu`: measures the library on one backend, which its address names (`?case=webgl`), and sends what it found
 * to `result` on its own server, part by part, so that a browser that dies leaves what it had.
 */
import { type BackendOptions, type Engine, startBackend } from '../../src/backends/index.ts'
import type { Face } from '../../src/detect/index.ts'
import { createEmbedder } from '../../src/embed/index.ts'
import { decode, type Picture, resizeArea } from '../../src/image/index.ts'
import { createFacewise } from '../../src/index.ts'
import { inTurns, median } from '../timing.ts'
import { learnHead, learnNetwork } from './learning.ts'
import type { CaseName, FoundFace, Parts, Sent } from './results.ts'

const parameters = new URLSearchParams(location.search)
const name = parameters.get('case') as CaseName
const rounds = Number(parameters.get('rounds') ?? 15)
/** How many detections are watched for leaks: 210. */
const WATCHED = 14 * rounds

const OPTIONS: Record<CaseName, BackendOptions> = {
  choice: {},
  'choice-one-thread': { threads: false },
  wasm: { prefer: 'wasm', threads: false },
  'wasm-threads': { prefer: 'wasm' },
  webgl: { prefer: 'webgl' },
  webgpu: { prefer: 'webgpu' },
}
const options: BackendOptions = { ...OPTIONS[name], remember: false, timeoutMs: 120_000 }

/** The parts to measure; all by default. */
const only = parameters.get('only')?.split(',')

const PHOTOS = [
  new URL('../../node_modules/@vladmandic/face-api/demo/sample1.jpg', import.meta.url),
  new URL('../../node_modules/@vladmandic/face-api/demo/sample2.jpg', import.meta.url),
  new URL('../../node_modules/@vladmandic/face-api/demo/sample3.jpg', import.meta.url),
  new URL('../../node_modules/@vladmandic/face-api/demo/sample4.jpg', import.meta.url),
  new URL('../../node_modules/@vladmandic/face-api/demo/sample5.jpg', import.meta.url),
  new URL('../../node_modules/@vladmandic/face-api/demo/sample6.jpg', import.meta.url),
]
const photos = Number(parameters.get('photos') ?? PHOTOS.length)
/** As they are, and as an app with a camera has its frames. */
const [LARGE, SMALL] = (parameters.get('widths') ?? '1920,640').split(',').map(Number)

async function send(sent: Sent): Promise<void> {
  await fetch('result', { method: 'POST', body: JSON.stringify(sent) })
}

/** Runs one part and sends what it gives; an error is a result too, and does not keep the others from being measured. */
async function part<N extends keyof Parts>(of: N, measure: () => Promise<Parts[N]>): Promise<void> {
  if (only && of !== 'environment' && !only.includes(of)) return
  document.title = `${name}: ${of}`
  try {
    await send({ case: name, part: of, value: await measure() })
  } catch (error) {
    await send({ case: name, part: of, error: error instanceof Error ? error.message : String(error) })
  }
}

/** What a browser tells of an adapter; `description` and `driver` with `--enable-webgpu-developer-features` only. */
const GPU_INFO = ['vendor', 'architecture', 'description', 'driver']

/** What a browser says of the graphics that it draws with. */
async function environment(): Promise<Parts['environment']> {
  const adapter = await navigator.gpu?.requestAdapter()
  // Newer than the types of WebGPU that TensorFlow.js wants.
  const info = (adapter as { info?: Record<string, string> } | null | undefined)?.info
  const context = new OffscreenCanvas(1, 1).getContext('webgl2')
  const details = context?.getExtension('WEBGL_debug_renderer_info')
  const webgl = context && String(context.getParameter(details?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER))
  context?.getExtension('WEBGL_lose_context')?.loseContext()
  return {
    browser: navigator.userAgent,
    cores: navigator.hardwareConcurrency,
    isolated: crossOriginIsolated,
    webgpu: adapter ? GPU_INFO.map(key => info?.[key] || '?').join(', ') : 'none',
    webgl: webgl ?? 'none',
  }
}

const timed = async <T>(action: () => Promise<T>): Promise<[ms: number, result: T]> => {
  const began = performance.now()
  const result = await action()
  return [performance.now() - began, result]
}

const found = ({ box, score, landmarks }: Face): FoundFace => ({
  box: [box.x, box.y, box.width, box.height],
  score,
  points: Object.values(landmarks ?? {}).flatMap(point => [...point]),
})

const memoryOf = ({ tf }: Engine): Parts['memory']['before'] => {
  const { numTensors, numBytes, ...more } = tf.memory()
  return { tensors: numTensors, bytes: numBytes, gpuBytes: (more as { numBytesInGPU?: number }).numBytesInGPU }
}

async function measureAll(): Promise<void> {
  const whole = await Promise.all(PHOTOS.slice(0, photos).map(async photo => decode(await (await fetch(photo)).blob())))
  const [pictures, small] = [LARGE, SMALL].map(wide =>
    whole.map(picture => {
      const { width, height } = picture
      return width === wide ? picture : resizeArea(picture, wide, Math.round((height * wide) / width))
    }),
  )
  const group = pictures[0]

  const [startMs, fw] = await timed(async () => {
    const created = await createFacewise({ backend: options })
    await created.engine()
    return created
  })
  const engine = await fw.engine()
  for (const flag of parameters.getAll('tf')) engine.tf.env().set(flag, true)
  await part('first', async () => {
    const calls = [() => fw.detect(group), () => fw.represent(group), () => fw.describe(group)]
    const first: number[] = []
    const second: number[] = []
    for (const call of calls) first.push((await timed(call))[0])
    for (const call of calls) second.push((await timed(call))[0])
    return { startMs, first, second, threads: engine.report.threads, simd: engine.report.simd }
  })

  await part('detect', async () => {
    const all = [...pictures, ...small]
    const firstMs: number[] = []
    for (const picture of all) firstMs.push((await timed(() => fw.detect(picture)))[0])
    const ms = await inTurns(
      all.map(picture => () => fw.detect(picture)),
      rounds,
    )
    const faces: FoundFace[][] = []
    for (const picture of all) faces.push((await fw.detect(picture)).map(found))
    return { sizes: all.map(({ width, height }) => `${width}x${height}`), firstMs, ms, faces }
  })

  const crops = pictures.map(picture => {
    const side = Math.floor(Math.min(picture.width, picture.height) / 2)
    return cut(picture, side >> 1, side >> 1, side, side)
  })
  await part('roundTrip', async () => {
    const { tf } = engine
    const once = async (): Promise<void> => {
      engine.activate()
      // So many that TensorFlow.js does not do it on the processor.
      const sum = tf.tidy(() => tf.add(tf.tensor1d(new Float32Array(4096)), 1))
      await sum.data()
      sum.dispose()
    }
    const [ms] = await inTurns([once], 50)
    return { ms }
  })

  await part('embed', async () => embedTimes(engine, 'dlib-resnet-128', crops, rounds))

  await part('describe', async () => {
    const [ms] = await inTurns([() => fw.describe(group)], rounds)
    const numbers = (await fw.describe(group)).map(({ emotion, age, gender }) => [
      ...(emotion ? Object.values(emotion).filter(value => typeof value === 'number') : []),
      (age ?? 0) / 100,
      ...(gender ? Object.values(gender).filter(value => typeof value === 'number') : []),
    ])
    return { ms, numbers }
  })

  await part('track', async () => {
    const followed: number[] = []
    const searched: number[] = []
    for (let round = 0; round < 2; round++) {
      const frames = fw.track(panned(small[0], 60), { attributes: [] })
      for (;;) {
        const [ms, { value }] = await timed(() => frames.next())
        if (!value) break
        // The first round makes the shapes known.
        if (round > 0) (value.searched ? searched : followed).push(ms)
      }
    }
    return { followed: median(followed), searched: median(searched) }
  })

  await part('memory', async () => {
    const once = async (i: number): Promise<unknown> => fw.represent(small[i % small.length])
    for (let i = 0; i < small.length; i++) await once(i)
    const before = memoryOf(engine)
    for (let i = 0; i < WATCHED; i++) await once(i)
    return { calls: WATCHED, before, after: memoryOf(engine) }
  })

  for (const dimension of [128, 512]) {
    await part(dimension === 128 ? 'head128' : 'head512', () => learnHead(engine, dimension))
  }
  await part('network', () => learnNetwork(engine))
  const facenet = parameters.get('facenet')
  if (facenet) {
    await part('facenet', () =>
      embedTimes(engine, 'facenet-512', crops, Math.min(rounds, 3), new URL(facenet, location.href)),
    )
  }
  await fw.dispose()
}

/** Milliseconds of 1, 8 and 32 faces at once, and the embeddings of `crops`. */
async function embedTimes(
  engine: Engine,
  model: string,
  crops: readonly Picture[],
  times: number,
  source?: URL,
): Promise<Parts['embed']> {
  const [loadMs, embedder] = await timed(() => createEmbedder(model, { backend: engine, model: source && { source } }))
  try {
    const batch = (count: number): Picture[] => Array.from({ length: count }, (_, i) => crops[i % crops.length])
    const [one, eight, many] = await inTurns(
      [1, 8, 32].map(count => () => embedder.embedAligned(batch(count))),
      times,
    )
    const embeddings = (await embedder.embedAligned(crops)).map(({ vector }) => [...vector])
    return { loadMs, one, eight, many, embeddings }
  } finally {
    embedder.dispose()
  }
}

/** A film: a window that moves over a picture and back. */
function panned(picture: Picture, count: number): Picture[] {
  const [width, height] = [picture.width - 80, picture.height - 40]
  return Array.from({ length: count }, (_, i) =>
    cut(picture, Math.round(40 + 40 * Math.sin(i / 9)), Math.round(20 + 20 * Math.cos(i / 7)), width, height),
  )
}

function cut({ data, width }: Picture, x: number, y: number, columns: number, rows: number): Picture {
  const out = new Uint8Array(columns * rows * 3)
  for (let row = 0; row < rows; row++) {
    const from = ((y + row) * width + x) * 3
    out.set(data.subarray(from, from + columns * 3), row * columns * 3)
  }
  return { data: out, width: columns, height: rows }
}

if (name === 'choice' || name === 'choice-one-thread') {
  await part('choice', async () => {
    const [ms, { report }] = await timed(() => startBackend(options))
    return { ms, report }
  })
} else {
  try {
    await measureAll()
  } catch (error) {
    await send({ case: name, part: 'first', error: error instanceof Error ? error.message : String(error) })
  }
}
// Last, since a browser that was asked for its graphics has started them.
await part('environment', environment)
document.title = 'done'
await send({ case: name, part: 'end' })
