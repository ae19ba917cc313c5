/**
 * `npm run measure:web`: what the page of `examples/web-auth` costs the browser, by Chromium's own trace: bytes until the first use, time to the
 * first box about a face, and the longest tasks of the page's main thread during a capture and in the live view. WebAssembly, one thread.
 *
 * The film before the simulated camera is made of frames in the folder that `FACEWISE_DATA` names.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CDPSession, Page } from 'playwright'
import { developmentData } from '../test/data.ts'
import { ONE_TURN, turningPerson, writeFilm } from '../test/examples/web-auth/camera.ts'
import { buildPage } from '../test/examples/web-auth/page-site.ts'
import { heading, launch, SLOW, showFace, signUp, visit } from '../test/examples/web-auth/page-visit.ts'
import { testServer } from '../test/examples/web-auth/server.ts'

const ROUNDS = 3
const LIVE_MS = 8000

interface TraceEvent {
  name: string
  ph: string
  pid: number
  tid: number
  /** Microseconds: by the clock, and of the processor. */
  dur?: number
  tdur?: number
  args?: { name?: string; data?: { encodedDataLength?: number } }
}

/** What a stretch of a visit cost. */
interface Cost {
  readonly bytes: number
  /** Of the page's main thread, in milliseconds of the processor, the longest first. */
  readonly tasks: readonly number[]
}

if (!developmentData) throw new Error('FACEWISE_DATA names the folder with the recordings; it is not there.')
const folder = mkdtempSync(join(tmpdir(), 'facewise-measure-web-'))
const server = await testServer({ ...ONE_TURN, FACEWISE_WEB_PAGE: await buildPage(join(folder, 'page')) })
try {
  const rounds: Awaited<ReturnType<typeof round>>[] = []
  for (let i = 0; i < ROUNDS; i++)
    rounds.push(await round(i, await writeFilm(join(folder, 'film.y4m'), turningPerson(developmentData, 6))))
  const megabytes = (of: (each: (typeof rounds)[number]) => number): string => `${(of(rounds[0]) / 1e6).toFixed(2)} MB`
  const middle = (of: (each: (typeof rounds)[number]) => number): string => `${median(rounds.map(of)).toFixed(0)} ms`
  const row = (name: string, value: string): void => console.log(name.padEnd(58) + value.padStart(10))
  console.log(`Chromium, WebAssembly; times are medians of ${ROUNDS} rounds\n`)
  row(
    'start page, bytes',
    megabytes(each => each.start.bytes),
  )
  row(
    'from the start page to the first box, bytes',
    megabytes(each => each.first.bytes),
  )
  row(
    'live view on top of that, bytes',
    megabytes(each => each.live.bytes),
  )
  row(
    'first box after the button, first visit',
    middle(each => each.cold),
  )
  row(
    'first box after the button, in the same visit',
    middle(each => each.warm),
  )
  row(
    'capture: longest task of the page, processor time',
    middle(each => each.capture.tasks[0]),
  )
  row(
    'capture: next',
    middle(each => each.capture.tasks[1]),
  )
  row(
    'live view: longest task of the page, processor time',
    middle(each => each.live.tasks[0]),
  )
  row(
    'live view: next',
    middle(each => each.live.tasks[1]),
  )
} finally {
  await server.remove()
  rmSync(folder, { recursive: true, force: true })
}

async function round(number: number, film: string) {
  const browser = await launch(film)
  try {
    const { page, context } = await visit(browser, 'about:blank')
    await page.addInitScript(noteBoxes)
    const session = await context.newCDPSession(page)
    const start = await traced(session, async () => {
      await page.goto(server.url)
      await heading(page, 'Come in.').waitFor(SLOW)
    })
    await signUp(page, { name: 'Ada', email: `ada-${number}@example.org` })
    const first = await traced(session, async () => {
      await showFace(page)
      await boxes(page, 1)
    })
    const capture = await traced(session, () => heading(page, 'Your face is added').waitFor(SLOW))
    await page.getByRole('link', { name: 'Live' }).first().click()
    const live = await traced(session, async () => {
      await page.getByRole('button', { name: 'Start the camera' }).click()
      await page.locator('.live-card .share', { hasText: '%' }).first().waitFor(SLOW)
      await page.waitForTimeout(LIVE_MS)
    })
    const [cold, warm] = (await boxes(page, 2)).split(' ').map(Number)
    return { start, first, capture, live, cold, warm }
  } finally {
    await browser.close()
  }
}

/**
 * Runs in the page: writes down how long each first box came after its button, where a test can read it; under the page's policy nothing
 * can be asked of it otherwise.
 */
function noteBoxes(): void {
  let pressed: number | undefined
  addEventListener(
    'click',
    ({ target }) => {
      if ((target as Element).closest('button')?.textContent === 'Start the camera') pressed = performance.now()
    },
    true,
  )
  new MutationObserver(() => {
    if (pressed === undefined || !document.querySelector('.face-frame:not([hidden]), .live-frame')) return
    const { dataset } = document.documentElement
    dataset.boxes = `${dataset.boxes ?? ''} ${(performance.now() - pressed).toFixed(0)}`.trim()
    pressed = undefined
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['hidden'] })
}

/** The times of so many boxes, once there are. */
async function boxes(page: Page, count: number): Promise<string> {
  const pattern = Array(count).fill('\\d+').join(' ')
  const element = page.locator('html[data-boxes]')
  await element.waitFor({ ...SLOW, state: 'attached' })
  for (let i = 0; i < 600; i++) {
    const text = (await element.getAttribute('data-boxes')) ?? ''
    if (new RegExp(`^${pattern}`).test(text)) return text
    await page.waitForTimeout(100)
  }
  throw new Error(`There were no ${count} boxes about faces.`)
}

/** What the browser did while `action` ran. */
async function traced(session: CDPSession, action: () => Promise<void>): Promise<Cost> {
  const events: TraceEvent[] = []
  const collect = ({ value }: { value: object[] }): number => events.push(...(value as TraceEvent[]))
  session.on('Tracing.dataCollected', collect)
  const complete = new Promise(resolve => session.once('Tracing.tracingComplete', resolve))
  const categories = 'toplevel,devtools.timeline,disabled-by-default-devtools.timeline,__metadata'
  await session.send('Tracing.start', { categories })
  await action()
  await session.send('Tracing.end')
  await complete
  session.off('Tracing.dataCollected', collect)
  const mains = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
  const isMain = ({ pid, tid }: TraceEvent): boolean => mains.some(main => main.pid === pid && main.tid === tid)
  const tasks = events.filter(event => event.ph === 'X' && /RunTask$/.test(event.name) && isMain(event))
  if (tasks.length < 2) throw new Error('The trace has no tasks of the main thread.')
  const finished = events.filter(({ name }) => name === 'ResourceFinish')
  return {
    bytes: finished.reduce((sum, { args }) => sum + Math.max(0, args?.data?.encodedDataLength ?? 0), 0),
    tasks: tasks.map(({ tdur = 0 }) => tdur / 1000).sort((a, b) => b - a),
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
