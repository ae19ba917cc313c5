/**
 * The page and its server together, in Chromium, with the real networks and a simulated camera. The films are made of the recordings of the
 * development data.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { developmentData, samplePhoto } from '../../data.ts'
import { emptyRoom, ONE_TURN, RATE, recordingOf, turningPerson, twoPeople, writeFilm } from './camera.ts'
import { buildPage } from './page-site.ts'
import {
  confirm,
  enterPassword,
  heading,
  launch,
  refused,
  SLOW,
  showFace,
  signUp,
  throughTheDoor,
  visit,
} from './page-visit.ts'
import { type TestServer, testServer } from './server.ts'

const ADA = { name: 'Ada', email: 'ada@example.org' }
const BEA = { name: 'Bea', email: 'bea@example.org' }
const CY = { name: 'Cy', email: 'cy@example.org' }
const DEE = { name: 'Dee', email: 'dee@example.org' }

let folder: string
let server: TestServer
let browser: Browser | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-page-'))
  const page = await buildPage(join(folder, 'page'))
  server = await testServer({ ...ONE_TURN, FACEWISE_WEB_PAGE: page })
}, 120_000)
afterEach(async () => {
  await browser?.close()
  browser = undefined
})
afterAll(async () => {
  await server?.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** A portrait out of a photograph, for an enrolment by upload. */
const portrait = (left: number, top: number): Promise<Buffer> =>
  sharp(samplePhoto(1)).extract({ left, top, width: 400, height: 420 }).jpeg().toBuffer()

describe('without a camera', () => {
  let codes: string[]

  it('signs up by photos, after the page has said that there is no camera', async () => {
    browser = await launch()
    const { page, errors } = await visit(browser, server.url)
    await signUp(page, BEA)
    await showFace(page)
    await refused(page, 'camera-missing')
    await page.getByRole('button', { name: 'Use photos instead' }).click()
    const photo = { name: 'me.jpg', mimeType: 'image/jpeg', buffer: await portrait(1380, 120) }
    await page.getByLabel('Choose photos').setInputFiles([photo])
    await heading(page, 'Your face is added').waitFor(SLOW)
    codes = await page.locator('.code-list code').allTextContents()
    expect(codes).toHaveLength(8)
    await page.getByRole('button', { name: 'Go on' }).click()
    await heading(page, 'Good to see you, Bea').waitFor()
    expect(errors).toEqual([])
  })

  it('logs in by the password and a recovery code, which works once', async () => {
    browser = await launch()
    const use = async (code: string) => {
      const { page } = await visit(browser!, server.url)
      await enterPassword(page, BEA.email)
      await page.getByRole('button', { name: 'Use a recovery code' }).click()
      await page.getByLabel('Recovery code').fill(code)
      await page.getByRole('button', { name: 'Log in', exact: true }).click()
      return page
    }
    await heading(await use(codes[0]), 'Good to see you, Bea').waitFor()
    await (await use(codes[0])).locator('.complaint', { hasText: 'used before' }).waitFor()
  })

  it('keeps the sessions of two people apart', async () => {
    browser = await launch()
    const people = await Promise.all(
      [CY, DEE].map(async person => {
        const { page } = await visit(browser!, server.url)
        await signUp(page, person)
        await page.getByRole('button', { name: 'Not now' }).click()
        await heading(page, `Good to see you, ${person.name}`).waitFor()
        return page
      }),
    )
    const [cy, dee] = people
    for (const [page, { email }] of [
      [cy, CY],
      [dee, DEE],
    ] as const) {
      await page.getByRole('link', { name: 'Account' }).first().click()
      await page.getByText(email).waitFor()
    }
    await cy.getByRole('button', { name: 'Log out', exact: true }).click()
    await heading(cy, 'Come in.').waitFor()
    await dee.reload()
    await dee.getByText(DEE.email).waitFor()
    await cy.goto(`${server.url}/#/account`)
    await heading(cy, 'Log in').waitFor()

    const { page: elsewhere } = await visit(browser, server.url)
    await enterPassword(elsewhere, DEE.email)
    await heading(elsewhere, 'Good to see you, Dee').waitFor()
    await elsewhere.getByRole('link', { name: 'Account' }).first().click()
    await elsewhere.getByRole('button', { name: 'Log out everywhere' }).click()
    await heading(elsewhere, 'Come in.').waitFor()
    await dee.reload()
    await heading(dee, 'Log in').waitFor()
  })

  it('deletes an account after the password, and not after a wrong one', async () => {
    browser = await launch()
    const { page } = await visit(browser, server.url)
    await enterPassword(page, CY.email)
    await heading(page, 'Good to see you, Cy').waitFor()
    await page.getByRole('link', { name: 'Account' }).first().click()
    await page.getByRole('button', { name: 'Delete my account' }).click()
    await confirm(page, 'Delete my account', 'not the password')
    await page.getByRole('dialog').locator('.complaint').waitFor()
    await confirm(page, 'Delete my account')
    await heading(page, 'Come in.').waitFor()
    await enterPassword(page, CY.email)
    await page.locator('.complaint').waitFor()
  })

  it('says after too many wrong passwords how long to wait', async () => {
    browser = await launch()
    const { page } = await visit(browser, server.url)
    await enterPassword(page, DEE.email, 'wrong at first')
    const complaint = page.locator('.complaint')
    for (let tries = 1; tries < 12; tries++) {
      await complaint.waitFor()
      if ((await complaint.textContent())?.startsWith('Too many tries. Wait')) break
      const answered = page.waitForResponse(/log-in\/password/)
      await page.getByRole('button', { name: 'Log in', exact: true }).click()
      await answered
    }
    await expect.poll(() => complaint.textContent()).toMatch(/^Too many tries\. Wait \d+ seconds/)
  })
})

if (!developmentData) console.warn('Skipped: log-in by face on the page needs the development data (FACEWISE_DATA).')
describe.skipIf(!developmentData)('before a camera', () => {
  const data = developmentData as string
  const film = (name: string, frames: Parameters<typeof writeFilm>[1]) => writeFilm(join(folder, `${name}.y4m`), frames)
  const ahead = () => recordingOf(data, 'turn_yaw')[0]
  const other = () => recordingOf(data, 'blink')[0]

  it('signs up with a guided capture', async () => {
    browser = await launch(await film('sign-up', turningPerson(data, 4)))
    const { page, errors } = await visit(browser, server.url)
    await signUp(page, ADA)
    await showFace(page)
    await throughTheDoor(page, 'Your face is added')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('link', { name: 'Account' }).first().click()
    await page.getByText('not yet').waitFor()
    expect(errors).toEqual([])
  }, 120_000)

  it('logs in the same person, with other movements if they like', async () => {
    browser = await launch(await film('log-in', turningPerson(data, 6)))
    const { page, errors } = await visit(browser, server.url)
    await enterPassword(page, ADA.email)
    await showFace(page)
    await page.locator('.stage[data-state="running"]').waitFor(SLOW)
    await page.getByRole('button', { name: 'Other movements' }).click()
    await throughTheDoor(page, 'Good to see you, Ada')
    await page.getByRole('button', { name: 'Log out', exact: true }).click()
    await heading(page, 'Come in.').waitFor()
    expect(errors).toEqual([])
  }, 120_000)

  it('does not let one person into the account of another, whose password is known', async () => {
    browser = await launch(await film('other', turningPerson(data, 4)))
    const { page } = await visit(browser, server.url)
    await enterPassword(page, BEA.email)
    await showFace(page)
    await refused(page, 'refused')
  }, 120_000)

  it.each([
    ['a still photo', 'not-live', async () => Array(4 * RATE).fill(ahead())],
    ['no face', 'no-face', async () => Array(RATE).fill(await emptyRoom())],
    ['two faces', 'several-faces', async () => Array(RATE).fill(await twoPeople(ahead(), other()))],
  ] as const)(
    'refuses %s, and says what to do',
    async (name, code, frames) => {
      browser = await launch(await film(name.replaceAll(' ', '-'), await frames()))
      const { page, errors } = await visit(browser, server.url)
      await enterPassword(page, ADA.email)
      await showFace(page)
      await refused(page, code)
      await page.getByRole('button', { name: 'Try again' }).waitFor()
      await page.getByRole('button', { name: 'Use a recovery code' }).waitFor()
      expect(errors).toEqual([])
    },
    120_000,
  )

  it('reads faces live, and sends nothing', async () => {
    const relay = await startRelay(server)
    try {
      browser = await launch(await film('live', turningPerson(data, 2)))
      const { page, errors } = await visit(browser, `${relay.address}/#/live`)
      await page.getByRole('button', { name: 'Start the camera' }).click()
      await page.locator('.live-card .share', { hasText: '%' }).first().waitFor(SLOW)
      await page.getByText('One face in the picture').waitFor()
      expect(await page.locator('[data-part="backend"]').textContent()).toContain('WebAssembly')
      // All that was asked for are files of the page, and once it runs nothing is.
      expect(relay.lines().filter(line => !/^GET \/(assets\/|icon|api\/session| )/.test(line))).toEqual([])
      const before = relay.sent()
      const pace = page.locator('[data-part="pace"]')
      for (let i = 0; i < 3; i++) {
        const shown = await page.locator('.live-card').textContent()
        await expect.poll(() => page.locator('.live-card').textContent(), { timeout: 30_000 }).not.toBe(shown)
      }
      await expect.poll(() => pace.textContent(), { timeout: 30_000 }).toMatch(/^[1-9]/)
      expect(relay.sent() - before).toBe(0)
      expect(errors).toEqual([])
    } finally {
      relay.server.close()
    }
  }, 120_000)
})

/** Stands between the browser and the server, and sees every byte that is sent: by the page, its workers and the browser itself. */
async function startRelay({ settings }: TestServer) {
  let sent = 0
  let text = ''
  const relay: Server = createServer(client => {
    const upstream = connect(settings.port, '127.0.0.1')
    client.on('data', bytes => {
      sent += bytes.length
      text += bytes.toString('latin1')
    })
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  return {
    server: relay,
    address: `http://localhost:${(relay.address() as AddressInfo).port}`,
    sent: () => sent,
    /** The first line of each request. */
    lines: () => text.split('\r\n').filter(line => / HTTP\/1\.\d$/.test(line)),
  }
}
