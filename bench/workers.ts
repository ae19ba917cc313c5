/**
 * `tsx bench/workers.ts [node | chromium]`: what workers are worth. In Node, photos a second without a worker and with one, two and more; in Chromium, how
 * long the page's thread was kept busy at a time while faces are found, on the page and in a worker.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type CDPSession, chromium } from 'playwright'
import { createServer } from 'vite'
import { chromiumLaunchOptions } from '../scripts/chromium.ts'
import { decode, type Picture } from '../src/image/index.ts'
import { createFacewise } from '../src/index.ts'
import { createFacewiseWorker } from '../src/worker/index.ts'
import { samplePhoto } from '../test/data.ts'
import { sourceWorker } from '../test/worker/threads.ts'
import { median, row } from './timing.ts'

const PHOTOS = 12
const ROUNDS = 3
const DETECTIONS = 25
const backend = { prefer: 'wasm' } as const

interface Finder {
  represent(picture: string | Picture): Promise<unknown>
  warmup(): Promise<void>
  dispose(): Promise<void>
}

const [part] = process.argv.slice(2)
if (part !== 'chromium') await pools()
if (part !== 'node') await page()

async function pools(): Promise<void> {
  const counts = [1, 2, 4].filter(count => count <= Math.max(2, availableParallelism()))
  const finders: [name: string, finder: Finder][] = [
    ['none', await createFacewise({ backend })],
    ...(await Promise.all(
      counts.map(async workers => {
        const fw = await createFacewiseWorker({ backend, workers, worker: sourceWorker })
        return [String(workers), fw] as [string, Finder]
      }),
    )),
  ]
  const photos = Array.from({ length: PHOTOS }, (_, i) => samplePhoto(((i % 6) + 1) as 1))
  const pictures = await Promise.all(photos.map(path => decode(path)))
  const rates = finders.map((): number[] => [])
  const decoded = finders.map((): number[] => [])
  for (const [, finder] of finders) {
    await finder.warmup()
    await finder.represent(photos[0])
  }
  // By turns, so that whatever else the machine does meets all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, finder]] of finders.entries()) {
      const began = performance.now()
      await Promise.all(photos.map(path => finder.represent(path)))
      rates[i].push((PHOTOS * 1000) / (performance.now() - began))
      const next = performance.now()
      await Promise.all(pictures.map(picture => finder.represent(picture)))
      decoded[i].push((PHOTOS * 1000) / (performance.now() - next))
    }
  }
  const columns = [rates, decoded].map(of => of.map(median))
  console.log(
    `\nNode, ${availableParallelism()} cores: ${PHOTOS} photos of 1920 pixels at once, faces found and embedded, from files and of pixels; medians of ${ROUNDS}\n`,
  )
  row(['workers', 'files/s', 'to one', 'pictures/s', 'to one'])
  for (const [i, [name]] of finders.entries()) {
    row([name, ...columns.flatMap(medians => [medians[i].toFixed(2), (medians[i] / medians[1]).toFixed(2)])])
  }
  for (const [, finder] of finders) await finder.dispose()
}

/** Time of the page's main thread, task by task, from the browser's own trace: processor time, which other programs do not add to. */
async function page(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const html = '<!doctype html><title>t</title>'
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'error',
    server: { port: 0, host: '127.0.0.1', watch: null, hmr: false },
    appType: 'custom',
    optimizeDeps: {
      include: [
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-converter',
        '@tensorflow/tfjs-backend-wasm',
        'image-size',
        'valibot',
      ],
    },
    plugins: [
      {
        name: 'page',
        configureServer: ({ middlewares }) => {
          middlewares.use('/bench.html', (_, response) => response.setHeader('content-type', 'text/html').end(html))
        },
      },
    ],
  })
  await server.listen()
  const browser = await chromium.launch(chromiumLaunchOptions())
  try {
    const tab = await browser.newPage()
    await tab.goto(`${server.resolvedUrls!.local[0]}bench.html`)
    const session = await tab.context().newCDPSession(tab)
    console.log(
      `\nChromium: ${DETECTIONS} detections on a photo of 1920 pixels; the page's longest tasks, milliseconds\n`,
    )
    row(['where', 'longest', 'next', 'wall, longest', 'a detection'])
    for (const where of ['page', 'worker'] as const) {
      // Given as text: the page's modules are not this program's.
      const prepare = `(async () => {
        const { createFacewise } = await import('/src/index.ts')
        const { createFacewiseWorker } = await import('/src/worker/index.ts')
        const create = ${where === 'worker'} ? createFacewiseWorker : createFacewise
        window.fw = await create({ backend: { prefer: 'wasm' } })
        window.image = new Image()
        window.image.src = '/node_modules/@vladmandic/face-api/demo/sample1.jpg'
        await window.image.decode()
        for (let i = 0; i < 3; i++) await window.fw.detect(window.image)
      })()`
      const work = `(async () => {
        for (let i = 0; i < ${DETECTIONS}; i++) await window.fw.detect(window.image)
        return window.fw.detect(window.image).then(faces => faces.length)
      })()`
      await tab.evaluate(prepare)
      const began = performance.now()
      let faces = 0
      const tasks = await traced(session, async () => {
        faces = (await tab.evaluate(work)) as number
      })
      if (faces !== 3) throw new Error(`Three faces are in the photo; ${faces} were found.`)
      const cpu = tasks.map(task => task.cpuMs).sort((a, b) => b - a)
      const wall = Math.max(...tasks.map(task => task.wallMs))
      const each = (performance.now() - began) / (DETECTIONS + 1)
      row([where, cpu[0].toFixed(1), cpu[1].toFixed(1), wall.toFixed(1), each.toFixed(0)])
      await tab.evaluate('window.fw.dispose()')
    }
  } finally {
    await browser.close()
    await server.close()
  }
}

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  dur?: number
  tdur?: number
  args?: { name?: string }
}

/** The tasks of the page's main thread while `action` runs. */
async function traced(session: CDPSession, action: () => Promise<void>): Promise<{ cpuMs: number; wallMs: number }[]> {
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])))
  const complete = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.start', { categories: 'toplevel,disabled-by-default-devtools.timeline,__metadata' })
  await action()
  await session.send('Tracing.end')
  await complete
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const isMain = ({ pid, tid }: TraceEvent): boolean => mains.some(main => main.pid === pid && main.tid === tid)
  const tasks = events.filter(event => event.ph === 'X' && /RunTask$/.test(event.name) && isMain(event))
  if (tasks.length === 0) throw new Error('The trace has no tasks of the main thread.')
  return tasks.map(({ dur = 0, tdur = 0 }) => ({ cpuMs: tdur / 1000, wallMs: dur / 1000 }))
}
