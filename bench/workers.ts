/**
 * `tsx bench/workers.ts [node | chromium]`: what workers are worth. In Node, photos a second without a worker and with one, two and more, what a photo costs
 * the processor, and what two processes give that share nothing: the most that a second worker can. In Chromium, how long the page's thread was kept busy
 * at a time while faces are found, on the page and in a worker.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type CDPSession, chromium } from 'playwright'
import { createServer } from 'vite'
import { chromiumLaunchOptions } from '../scripts/chromium.ts'
import { median, row } from './timing.ts'
import { PHOTOS, startPool, type Time, timeWork, type Work } from './worker-work.ts'

const ROUNDS = 3
const DETECTIONS = 25

const [part] = process.argv.slice(2)
if (part !== 'chromium') await pools()
if (part !== 'node') await page()
process.exit(0)

async function pools(): Promise<void> {
  const counts = [0, 1, 2, 4].filter(count => count <= Math.max(2, availableParallelism()))
  const processes = await Promise.all([startProcess(), startProcess()])
  const setups: [name: string, photos: number, run: (work: Work) => Promise<Time>][] = []
  for (const count of counts) {
    const pool = await startPool(count)
    setups.push([count === 0 ? 'none' : String(count), PHOTOS, work => timeWork(pool, work)])
  }
  setups.push(['1 process', PHOTOS, work => processes[0].time(work)])
  setups.push(['2 processes', 2 * PHOTOS, work => together(processes, work)])
  const works = ['files', 'pictures'] as const
  const times = works.map(() => setups.map((): Time[] => []))
  // By turns, so that whatever else the machine does meets all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, [, , run]] of setups.entries()) {
      for (const [w, work] of works.entries()) times[w][i].push(await run(work))
    }
  }
  for (const { end } of processes) end()

  const cores = availableParallelism()
  console.log(
    `\nNode, ${cores} cores: ${PHOTOS} photos of 1920 pixels at once, faces found and embedded; best of ${ROUNDS}. Processor time is of all threads.`,
  )
  for (const [w, work] of works.entries()) {
    console.log('')
    row([work, 'a second', 'to one', 'CPU ms each', 'cores used'])
    // The best: what disturbs can only slow down. Processor time does not depend on it.
    const best = times[w].map(of => Math.min(...of.map(({ wall }) => wall)))
    const cpu = times[w].map(of => median(of.map(time => time.cpu)))
    const rate = (i: number): number => (setups[i][1] * 1000) / best[i]
    for (const [i, [name, photos]] of setups.entries()) {
      const one = name.includes('process') ? setups.findIndex(([each]) => each === '1 process') : 1
      const cells = [rate(i), rate(i) / rate(one), cpu[i] / photos, cpu[i] / best[i]]
      row([name, ...cells.map((value, k) => value.toFixed(k === 2 ? 0 : 2))])
    }
    // What two workers cost has to be shared by the cores.
    const most = (cores * best[1]) / cpu[2]
    console.log(`${cores} cores without a pause would do ${most.toFixed(2)} times what one worker does.`)
  }
  console.log('')
}

interface Process {
  time(work: Work): Promise<Time>
  end(): void
}

/** Starts a process that does the work of one worker. */
async function startProcess(): Promise<Process> {
  const child = fork(fileURLToPath(new URL('./worker-process.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the process ended with code ${code}`)
  })
  ended.catch(() => {})
  const answer = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, 'message'), ended])
    return message
  }
  await answer()
  return {
    async time(work) {
      child.send(work)
      return (await answer()) as Time
    },
    end: () => void child.send('end'),
  }
}

async function together(processes: readonly Process[], work: Work): Promise<Time> {
  const began = performance.now()
  const each = await Promise.all(processes.map(({ time }) => time(work)))
  return { wall: performance.now() - began, cpu: each.reduce((sum, { cpu }) => sum + cpu, 0) }
}

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
