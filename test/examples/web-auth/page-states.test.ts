/**
 * Every page and every refusal as people meet it: readable for those who hear it (axe), in light and in dark, on a phone and on a desk.
 * The server's answers are made here; what it really answers, `page.test.ts` and its own tests see.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Account, RefusalCode, SessionState } from '../../../examples/web-auth/protocol.ts'
import { PROBLEMS } from '../../../examples/web-auth/web/problem-words.ts'
import { buildPage, servePage } from './page-site.ts'
import { enterPassword, heading, launch, SLOW, visit } from './page-visit.ts'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const PHONE = { width: 360, height: 740 }
const DESK = { width: 1280, height: 800 }

const OUT: SessionState = { stage: 'anonymous', csrf: 'c' }
const HALF: SessionState = { stage: 'password', csrf: 'c', account: { name: 'Ada', hasFace: true } }
const IN: SessionState = { stage: 'full', csrf: 'c', account: { name: 'Ada', hasFace: true } }
const ACCOUNT: Account = {
  name: 'Ada',
  email: 'ada@example.org',
  createdAt: '2026-11-20T10:00:00Z',
  consent: { version: '2026-1', at: '2026-11-20T10:00:00Z' },
  faceAlone: false,
  findable: true,
  face: { enrolledAt: '2026-11-20T10:02:00Z' },
  events: [{ at: '2026-11-20T10:02:00Z', what: 'enrolment', outcome: 'done' }],
}

type Answer = readonly [status: number, body: object]
const refusal = (code: RefusalCode, rest: object = {}): Answer => [
  400,
  { error: { code, message: 'This was refused, for a reason.', ...rest } },
]

let folder: string
let site: { address: string; close(): void }
let browser: Browser

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-states-'))
  site = await servePage(await buildPage(join(folder, 'page')))
  browser = await launch('')
}, 120_000)
afterAll(async () => {
  await browser?.close()
  site?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The app at a page, with a server that answers as it is told. */
async function open(hash: string, session: SessionState, answers: Record<string, Answer> = {}): Promise<Page> {
  // axe is put into the page from outside, which its policy does not let in.
  const { page } = await visit(browser, 'about:blank', { bypassCSP: true, viewport: PHONE, reducedMotion: 'reduce' })
  page.setDefaultTimeout(20_000)
  await page.route('**/api/**', route => {
    const key = `${route.request().method()} ${new URL(route.request().url()).pathname.replace('/api', '')}`
    const usual: Record<string, Answer> = { 'GET /session': [200, session], 'GET /account': [200, ACCOUNT] }
    const [status, json] = answers[key] ?? usual[key] ?? refusal('not-found')
    return route.fulfill({ status, json })
  })
  await page.goto(`${site.address}${hash}`)
  await page.addScriptTag({ path: axe })
  await page.locator('#main [data-ready], #main .problem').first().waitFor()
  return page
}

/** Nothing that axe finds, in either colour and size, and nothing wider than the screen. */
async function check(page: Page, sizes = [PHONE, DESK]): Promise<void> {
  for (const size of sizes) {
    await page.setViewportSize(size)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const found = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run())
      const where = `${size.width} px, ${colorScheme}`
      const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ')}`)
      expect(said, where).toEqual([])
      expect(found.passes.length).toBeGreaterThan(10)
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(wide, `${size.width} px`).toBeLessThanOrEqual(size.width)
  }
}

const press = (page: Page, name: string) => page.getByRole('button', { name }).click()

async function toUpload(page: Page): Promise<void> {
  await page.getByLabel('Your password').fill('a lamp by the door')
  await press(page, 'Go on')
  await press(page, 'Use photos instead')
}

async function upload(page: Page): Promise<void> {
  const buffer = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#888888' } })
    .png()
    .toBuffer()
  await page.getByLabel('Choose photos').setInputFiles([{ name: 'me.png', mimeType: 'image/png', buffer }])
}

describe('every page', () => {
  const states: Record<
    string,
    [hash: string, SessionState, Record<string, Answer>?, ((page: Page) => Promise<unknown>)?]
  > = {
    start: ['#/', OUT],
    'start, logged in': ['#/', IN],
    'sign-up': ['#/sign-up', OUT],
    'sign-up with mistakes': ['#/sign-up', OUT, {}, page => press(page, 'Sign up')],
    'log-in': ['#/log-in', OUT],
    'log-in, refused': [
      '#/log-in',
      OUT,
      { 'POST /log-in/password': refusal('refused') },
      async page => {
        await enterPassword(page, 'ada@example.org')
        await page.locator('.complaint').waitFor()
      },
    ],
    'the face after the password': ['#/log-in', HALF],
    'recovery code': ['#/log-in', HALF, {}, page => press(page, 'Use a recovery code')],
    'the password before a new face': ['#/face', IN],
    upload: ['#/face', IN, {}, toUpload],
    'a face is added': [
      '#/face',
      IN,
      {
        'POST /account/face': [
          200,
          { accepted: 1, refused: [{ code: 'a', message: 'Too dark.' }], recoveryCodes: ['a1-b2', 'c3-d4'] },
        ],
      },
      async page => {
        await toUpload(page)
        await upload(page)
        await heading(page, 'Your face is added').waitFor()
      },
    ],
    'no picture could be used': [
      '#/face',
      IN,
      { 'POST /account/face': [200, { accepted: 0, refused: [{ code: 'a', message: 'Too dark.' }] }] },
      async page => {
        await toUpload(page)
        await upload(page)
        await heading(page, 'No picture could be used').waitFor()
      },
    ],
    'who is this': ['#/who', IN],
    live: ['#/live', OUT],
    account: ['#/account', IN],
    'account without a face': ['#/account', IN, { 'GET /account': [200, { ...ACCOUNT, face: undefined, events: [] }] }],
    'deleting the account': ['#/account', IN, {}, page => press(page, 'Delete my account')],
    'the server away': ['#/', OUT, { 'GET /session': [502, {}] }],
    'before the camera': [
      '#/log-in',
      HALF,
      {},
      async page => {
        await press(page, 'Start the camera')
        await page.getByText('Where are you?').waitFor(SLOW)
      },
    ],
  }

  it.each(Object.entries(states))('%s', async (_, [hash, session, answers, act]) => {
    const page = await open(hash, session, answers)
    await act?.(page)
    await check(page)
    await page.context().close()
  })
})

describe('every refusal', () => {
  const codes = Object.keys(PROBLEMS) as (keyof typeof PROBLEMS)[]

  it('has words and a way on', async () => {
    const answers: Record<string, Answer> = {}
    const page = await open('#/face', IN, answers)
    const fromServer = codes.filter(code => !/^camera|^models|^photo-|^another|^unreachable|^password-again/.test(code))
    expect(fromServer.length).toBeGreaterThan(14)
    for (const code of fromServer as RefusalCode[]) {
      answers['POST /account/face'] = refusal(code, { ...(code === 'locked' && { retryAfter: 260 }) })
      await page.evaluate(() => window.dispatchEvent(new HashChangeEvent('hashchange')))
      await toUpload(page)
      await upload(page)
      // Of a new face only the password can be refused.
      const shown = code === 'refused' ? 'password-again' : code
      const panel = page.locator(`.problem[data-code="${shown}"]`)
      await panel.waitFor()
      expect(await panel.getByRole('heading').textContent()).toBe(PROBLEMS[shown].title)
      expect(await panel.getByRole('button').count(), code).toBeGreaterThan(0)
      if (code === 'locked') {
        expect(await panel.textContent()).toMatch(/Wait 5 minutes\..*4:\d\d/)
        expect(await panel.getByRole('button', { name: 'Try again' }).isDisabled()).toBe(true)
      }
      await check(page, [PHONE])
    }
    await page.context().close()
  }, 180_000)

  it.each([
    ['NotAllowedError', 'camera-denied'],
    ['NotFoundError', 'camera-missing'],
    ['NotReadableError', 'camera-busy'],
  ] as const)('of the browser, %s, has words and ways on', async (name, code) => {
    const page = await open('#/log-in', HALF)
    await page.evaluate(reason => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', reason))
    }, name)
    await press(page, 'Start the camera')
    const panel = page.locator(`.problem[data-code="${code}"]`)
    await panel.waitFor(SLOW)
    await panel.getByRole('button', { name: 'Use a recovery code' }).waitFor()
    await check(page, [PHONE])
    await page.context().close()
  })
})

describe('without a mouse, and without seeing', () => {
  it('reaches the content first, and hears of every new page by its heading', async () => {
    const page = await open('#/', OUT)
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').textContent()).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    expect(await page.locator(':focus').getAttribute('id')).toBe('main')
    await page.getByRole('link', { name: 'Log in' }).first().press('Enter')
    await expect.poll(() => page.title()).toBe('Log in - Porch')
    await expect.poll(() => page.locator('h1:focus').textContent()).toBe('Log in')
    await page.context().close()
  })

  it('comes back to where a dialog was opened', async () => {
    const page = await open('#/account', IN)
    const opener = page.getByRole('button', { name: 'Delete my account' })
    await opener.press('Enter')
    expect(await page.locator(':focus').getAttribute('name')).toBe('again')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(await opener.evaluate(element => element === document.activeElement)).toBe(true)
    await page.context().close()
  })

  it('keeps still where motion is not wanted', async () => {
    const page = await open('#/log-in', HALF)
    await press(page, 'Start the camera')
    await page.getByText('Where are you?').waitFor(SLOW)
    const moving = await page.evaluate(() => document.getAnimations().length)
    expect(moving).toBe(0)
    await page.context().close()
  })
})
