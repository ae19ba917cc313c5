/**
 * `tsx examples/browser-playground/measure.ts`: how many bytes each panel loads until its first result, and how long the page's thread is busy at
 * a time while photos are grouped.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type Browser, type CDPSession, chromium } from 'playwright'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { serve } from './serve.ts'

const SAMPLES = [1, 2, 3, 4, 5, 6].map(number =>
  fileURLToPath(new URL(`../../node_modules/@vladmandic/face-api/demo/sample${number}.jpg`, import.meta.url)),
)
/** Each sample so many times: 60 photos, 210 faces. */
const COPIES = 10

/** For each panel: where its photos go, and what is there when it is done. */
const PANELS = {
  stages: { inputs: ['input[type=file]'], done: '[data-step=landmarks][data-count]' },
  describe: { inputs: ['input[type=file]'], done: '.card' },
  compare: { inputs: ['.side:first-child input[type=file]', '.side:last-child input[type=file]'], done: '.verdict' },
  group: { inputs: ['label:first-child input[type=file]'], done: '.person' },
} as const
type PanelName = keyof typeof PANELS

const KINDS: Record<string, string> = { '.js': 'scripts', '.wasm': 'WebAssembly', '.bin': 'models', '.json': 'models' }

const dist = mkdtempSync(join(tmpdir(), 'facewise-playground-'))
const { server, address } = await serve({ outDir: dist, port: 0 })
const browser = await chromium.launch(chromiumLaunchOptions())
try {
  console.log('Bytes until the first result of a panel that is opened alone (with gzip in brackets), in thousands\n')
  for (const panel of Object.keys(PANELS) as PanelName[]) await bytesOf(browser, panel)
  await tasksOfGrouping(browser)
} finally {
  await browser.close()
  await server.close()
  rmSync(dist, { recursive: true, force: true })
}

async function bytesOf(browser: Browser, panel: PanelName): Promise<void> {
  const page = await (await browser.newContext()).newPage()
  const files = new Set<string>()
  page.on('request', request => {
    if (request.url().startsWith(address)) files.add(new URL(request.url()).pathname)
  })
  const { inputs, done } = PANELS[panel]
  await page.goto(`${address}#${panel}`)
  for (const input of inputs) await page.locator(`#${panel} ${input}`).setInputFiles(SAMPLES[0])
  await page.locator(`#${panel} ${done}`).first().waitFor({ timeout: 60_000 })
  await page.close()
  const sums = new Map<string, { plain: number; packed: number }>()
  for (const path of files) {
    const bytes = readFileSync(join(dist, path.endsWith('/') ? `${path}index.html` : path))
    const kind = KINDS[extname(path)] ?? 'page'
    const { plain, packed } = sums.get(kind) ?? { plain: 0, packed: 0 }
    sums.set(kind, { plain: plain + bytes.length, packed: packed + gzipSync(bytes).length })
  }
  const all = [...sums.values()]
  sums.set('together', {
    plain: all.reduce((sum, { plain }) => sum + plain, 0),
    packed: all.reduce((sum, { packed }) => sum + packed, 0),
  })
  const words = ['page', 'scripts', 'WebAssembly', 'models', 'together'].map(kind => {
    const { plain, packed } = sums.get(kind) ?? { plain: 0, packed: 0 }
    return `${kind} ${(plain / 1000).toFixed(0)} (${(packed / 1000).toFixed(0)})`
  })
  console.log(`${panel.padEnd(10)}${words.join('   ')}`)
}

async function tasksOfGrouping(browser: Browser): Promise<void> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage()
  const session = await page.context().newCDPSession(page)
  await page.goto(`${address}#group`)
  await page.locator('#group[data-ready]').waitFor()
  const group = page.locator('#group')
  const files = Array.from({ length: COPIES }, () => SAMPLES).flat()
  const reading = await traced(session, async () => {
    await group.locator(PANELS.group.inputs[0]).setInputFiles(files)
    await page.locator('#group:not([aria-busy]) .person').first().waitFor({ timeout: 300_000 })
  })
  const faces = await group.locator('.person .face').count()
  const moving = await traced(session, async () => {
    await group.locator('input[name=fmr]').fill('0')
    await page.locator('#group[data-grouped-at="0.0001"]').waitFor()
  })
  console.log(
    `\nGrouping ${files.length} photos, ${faces} faces: the page's longest tasks, milliseconds of processor time\n`,
  )
  for (const [name, tasks] of [
    ['while reading', reading],
    ['at another limit', moving],
  ] as const) {
    const longest = tasks.sort((a, b) => b - a).slice(0, 3)
    console.log(`${name.padEnd(18)}${longest.map(ms => ms.toFixed(1)).join('   ')}`)
  }
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** The tasks of the page's thread while `action` runs, from the browser's trace: processor time, which other programs do not add to. */
async function traced(session: CDPSession, action: () => Promise<void>): Promise<number[]> {
  const events: TraceEvent[] = []
  const collect = ({ value }: { value: unknown }): unknown => events.push(...(value as TraceEvent[]))
  session.on('Tracing.dataCollected', collect)
  const complete = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.start', { categories: 'toplevel,disabled-by-default-devtools.timeline,__metadata' })
  await action()
  await session.send('Tracing.end')
  await complete
  session.off('Tracing.dataCollected', collect)
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const onMain = ({ pid, tid }: TraceEvent): boolean => mains.some(main => main.pid === pid && main.tid === tid)
  const tasks = events.filter(event => event.ph === 'X' && /RunTask$/.test(event.name) && onMain(event))
  if (tasks.length === 0) throw new Error("The trace has no tasks of the page's thread.")
  return tasks.map(({ tdur = 0 }) => tdur / 1000)
}
