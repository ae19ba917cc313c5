/**
 * `npm run bench`, second part: speed of the embedders, the default one beside the same network of @vladmandic/face-api, FaceNet in its
 * three sizes. In a process of its own: what ran before in the memory of WebAssembly changes times by a tenth and more.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, startBackend } from '../src/backends/index.ts'
import { createMtcnn, oneFace } from '../src/detect/index.ts'
import { alignCrops, createEmbedder, type Embedder } from '../src/embed/index.ts'
import { decode, type Picture } from '../src/image/index.ts'
import { type PulledDtype, pullModel } from '../src/models/index.ts'
import { samplePhoto } from '../test/data.ts'
import { sourceThread } from '../test/models/threads.ts'
import { measureMultiplyAdds } from './multiply-adds.ts'
import { inTurns, row } from './timing.ts'

/** Faces that go through a network together. */
const BATCH = 8

/** Threads over which they are split, this one included. */
const THREADS = 2

/** Multiply-adds of one face through the networks: their convolutions and dense layers by their shapes. */
const DLIB_MULTIPLY_ADDS = 0.27e9
const FACENET_MULTIPLY_ADDS = 1.417e9

await benchRecognition(await startBackend({ prefer: 'wasm' }))

async function benchRecognition(engine: Engine): Promise<void> {
  const rates = await measureMultiplyAdds(engine)
  const best = Math.max(...rates.filter(({ name }) => name.startsWith('3x3')).map(({ perSecond }) => perSecond))
  const photo = await decode(samplePhoto(1))
  const detector = await createMtcnn({ backend: engine })
  const face = oneFace(await detector.detect(photo), photo, 'largest')
  detector.dispose()

  const embedder = await createEmbedder(undefined, { backend: engine })
  const crop = cropFor(embedder, photo, face)
  const crops = Array.from({ length: BATCH }, () => crop)
  const peer = await loadPeer(engine, crop)
  const threaded = await createEmbedder(undefined, {
    backend: await startBackend({ prefer: 'wasm', threads: THREADS, thread: sourceThread }),
  })
  const [one, theirs, batch, aligned, split] = await inTurns([
    () => embedder.embedAligned([crop]),
    peer,
    () => embedder.embedAligned(crops),
    () => embedder.embed(photo, [face]),
    () => threaded.embedAligned(crops),
  ])
  embedder.dispose()
  threaded.dispose()
  console.log('\nThe default embedder, milliseconds a face, medians\n')
  row([
    '',
    'one face',
    'face-api',
    'ratio',
    `of ${BATCH}`,
    'ratio',
    `${THREADS} threads`,
    'ratio',
    'aligned',
    'share of rate',
  ])
  const share = (multiplyAdds: number, ms: number): string => (((multiplyAdds / ms) * 1000) / best).toFixed(2)
  row([
    'dlib-resnet-128',
    one.toFixed(1),
    theirs.toFixed(1),
    (one / theirs).toFixed(2),
    (batch / BATCH).toFixed(1),
    (batch / BATCH / one).toFixed(2),
    (split / BATCH).toFixed(1),
    (split / BATCH / one).toFixed(2),
    aligned.toFixed(1),
    share(DLIB_MULTIPLY_ADDS, batch / BATCH),
  ])
  console.log(
    `\none face: a crop of the network's size. aligned: found in the photo and turned. share of rate: multiply-adds a second of the batch on one thread, of the ` +
      `${(best / 1e9).toFixed(1)} billion of large 3x3 convolutions.`,
  )
  await benchFacenet(engine, photo, face, share)
}

async function benchFacenet(
  engine: Engine,
  photo: Picture,
  face: Parameters<Embedder['embed']>[1][number],
  share: (multiplyAdds: number, ms: number) => string,
): Promise<void> {
  console.log('\nFaceNet-512 without its mirrored half, milliseconds, medians\n')
  const published = join(process.env.FACEWISE_DATA ?? '../shared', 'models', 'facenet-512')
  if (!existsSync(published)) {
    console.log(`  not measured: ${published} is not there (FACEWISE_DATA names the folder of data).`)
    return
  }
  const directory = mkdtempSync(join(tmpdir(), 'facewise-bench-'))
  try {
    const loaded: { store: PulledDtype; embedder: Embedder; megabytes: number; load: number; first: number }[] = []
    for (const store of ['float32', 'float16', 'uint8'] as const) {
      const { manifest, folder } = await pullModel('facenet-512', {
        from: published,
        store,
        directory: join(directory, store),
      })
      const megabytes = manifest.networks[0].weights.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
      const began = performance.now()
      const embedder = await createEmbedder('facenet-512', {
        backend: engine,
        mirror: false,
        model: { source: folder },
      })
      const ready = performance.now()
      await embedder.embed(photo, [face])
      loaded.push({ store, embedder, megabytes, load: ready - began, first: performance.now() - ready })
    }
    const crop = cropFor(loaded[0].embedder, photo, face)
    const crops = Array.from({ length: BATCH }, () => crop)
    const times = await inTurns(
      loaded.flatMap(({ embedder }) => [() => embedder.embedAligned([crop]), () => embedder.embedAligned(crops)]),
    )
    row(['stored as', 'MB', 'load', 'first call', 'one face', `of ${BATCH}`, 'ratio', 'share of rate'])
    loaded.forEach(({ store, megabytes, load, first }, i) => {
      const [one, batch] = times.slice(i * 2, i * 2 + 2)
      row([
        store,
        megabytes.toFixed(1),
        load.toFixed(0),
        first.toFixed(0),
        one.toFixed(0),
        (batch / BATCH).toFixed(0),
        (batch / BATCH / one).toFixed(2),
        share(FACENET_MULTIPLY_ADDS, Math.min(one, batch / BATCH)),
      ])
    })
    for (const { embedder } of loaded) embedder.dispose()
    console.log('\nload: read, check, decode, and run once. first call: the next one, with alignment.')
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The aligned face as a picture of the network's own size. */
function cropFor({ manifest }: Embedder, photo: Picture, face: Parameters<Embedder['embed']>[1][number]): Picture {
  const [height, width] = manifest.networks[0].inputSize as [number, number]
  const floats = alignCrops(photo, [face], manifest.embedding.alignment, { width, height }, { mean: 0, divisor: 1 })
  return { data: Uint8Array.from(floats, Math.round), width, height }
}

/** The same network of the peer, on a crop of the size that it wants. */
async function loadPeer(engine: Engine, { data, width, height }: Picture): Promise<() => Promise<unknown>> {
  const require = createRequire(import.meta.url)
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js') as {
    nets: { faceRecognitionNet: { loadFromDisk(folder: string): Promise<void> } }
    computeFaceDescriptor(input: unknown): Promise<unknown>
  }
  await faceapi.nets.faceRecognitionNet.loadFromDisk(
    require.resolve('@vladmandic/face-api/package.json').replace(/package\.json$/, 'model'),
  )
  const tensor = engine.tf.tensor3d(Int32Array.from(data), [height, width, 3], 'int32')
  return () => faceapi.computeFaceDescriptor(tensor)
}
