import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright'
import sharp from 'sharp'
import type { PreviewServer } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from '../../examples/browser-playground/serve.ts'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { createMtcnn } from '../../src/detect/index.ts'
import { samplePhoto } from '../data.ts'

/** Three people, cut out of the photos; the first is in two of them. */
const PEOPLE = [
  { photo: 1, left: 1380, top: 120, name: 'ada-1' },
  { photo: 3, left: 960, top: 120, name: 'ada-2' },
  { photo: 1, left: 300, top: 260, name: 'bea' },
  { photo: 6, left: 1040, top: 200, name: 'cleo' },
] as const

/**
 * Under the page's policy a test cannot run code in it. This runs before the page does and waits for events: one has axe look at the page and
 * write down what it finds; the other drops a text file on what the event is sent to.
 */
const HELPERS = `
  addEventListener('look', async () => {
    delete document.documentElement.dataset.axe
    const { violations } = await axe.run(document, { resultTypes: ['violations'] })
    document.documentElement.dataset.axe = JSON.stringify(
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')),
    )
  })
  addEventListener('dropText', ({ target }) => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File(['no picture at all'], 'note.jpg', { type: 'image/jpeg' }))
    target.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  })`

let folder: string
let server: PreviewServer
let browser: Browser
let page: Page
let address: string
const outside: string[] = []
const complaints: string[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facewise-playground-'))
  await makePhotos()
  ;({ server, address } = await serve({ outDir: join(folder, 'dist'), port: 0 }))
  const { args, ...options } = chromiumLaunchOptions()
  // A camera that shows a test card.
  const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
  browser = await chromium.launch({ ...options, args: [...args, ...camera] })
  page = await browser.newPage()
  page.setDefaultTimeout(30_000)
  await page.addInitScript(
    readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8') + HELPERS,
  )
  page.on('request', request => {
    const url = request.url()
    if (!url.startsWith(address) && !url.startsWith(`blob:${address}`)) outside.push(url)
  })
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
}, 180_000)

afterAll(async () => {
  await browser?.close()
  await server?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function makePhotos(): Promise<void> {
  const many = join(folder, 'many')
  mkdirSync(join(many, 'below'), { recursive: true })
  for (const { photo, left, top, name } of PEOPLE) {
    const cut = sharp(samplePhoto(photo)).extract({ left, top, width: 400, height: 420 })
    await cut.clone().toFile(join(many, `${name}.jpg`))
    await cut
      .clone()
      .flop()
      .toFile(join(many, 'below', `${name}-mirrored.jpg`))
    await cut
      .clone()
      .modulate({ brightness: 1.15 })
      .toFile(join(many, `${name}-brighter.png`))
  }
  writeFileSync(join(many, 'note.jpg'), 'no picture at all')
  writeFileSync(join(many, 'list.txt'), 'no photo, and not meant as one')
  await sharp(join(many, 'ada-1.jpg')).blur(8).toFile(join(folder, 'blurred.jpg'))
  await sharp({ create: { width: 320, height: 240, channels: 3, background: '#7a8' } }).toFile(
    join(folder, 'nobody.jpg'),
  )
}

const many = (name: string): string => join(folder, 'many', name)

/** Shows a panel, and waits until it works. */
async function open(panel: string): Promise<ReturnType<Page['locator']>> {
  if (page.url() === 'about:blank') await page.goto(address)
  await page.locator(`nav a[data-panel="${panel}"]`).click()
  await page.locator(`#${panel}[data-ready]`).waitFor()
  return page.locator(`#${panel}`)
}

/** What axe finds wrong with the page as it is, in both colour schemes. */
async function accessibility(): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  const root = page.locator('html')
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await root.dispatchEvent('look')
    found[colorScheme] = JSON.parse(
      (await page.locator('html[data-axe]').getAttribute('data-axe')) ?? '["axe did not run"]',
    )
  }
  return found
}
const CLEAN = { light: [], dark: [] }

describe('the playground: stages', () => {
  const counts = async (): Promise<Record<string, number>> => {
    const rows = await page.locator('#stages .step[data-count]').all()
    const entries = rows.map(async row => [
      await row.getAttribute('data-step'),
      Number(await row.getAttribute('data-count')),
    ])
    return Object.fromEntries(await Promise.all(entries))
  }
  const settled = async (): Promise<void> => {
    await page.locator('#stages:not([aria-busy])').waitFor()
    await page.locator('#stages .step[data-step="landmarks"][data-count]').waitFor()
  }

  it('finds what the library finds, in steps of fewer and fewer boxes', async () => {
    const stages = await open('stages')
    await stages.locator('input[type=file]').setInputFiles(samplePhoto(1))
    await settled()
    const found = await counts()
    expect(found.pyramid).toBe(11)
    expect(found.windows).toBeGreaterThan(2 * found.suppressed)
    expect(found.regressed).toBe(found.suppressed)
    expect(found.suppressed).toBeGreaterThan(4 * found.refined)
    expect(found.refined).toBeGreaterThan(found.output)
    expect([found.output, found.landmarks]).toEqual([3, 15])
    expect(await page.locator('[data-part=backend]').textContent()).toContain('WebAssembly')

    const mtcnn = await createMtcnn({ backend: { prefer: 'wasm' } })
    const faces = await mtcnn.detect(samplePhoto(1))
    mtcnn.dispose()
    expect(faces).toHaveLength(3)
    for (const { box, score } of faces) {
      await stages.getByRole('button', { name: 'next lower score' }).click()
      const words = (await stages.locator('.browse-words').textContent()) ?? ''
      const [shownScore, width, height, x, y] = words.match(/\d+(\.\d+)?/g)!.map(Number)
      // Browser and Node read the same JPEG with different decoders.
      expect(Math.abs(shownScore - score)).toBeLessThan(0.01)
      for (const [shown, own] of [
        [width, box.width],
        [height, box.height],
        [x, box.x],
        [y, box.y],
      ]) {
        expect(Math.abs(shown - own)).toBeLessThan(4)
      }
    }
  })

  it('shows every step, says what it does, and keeps the settings in the address', async () => {
    const stages = await open('stages')
    const explained = new Set<string | null>()
    for (const radio of await stages.locator('.steps input').all()) {
      await radio.check()
      explained.add(await stages.locator('[data-part=text]').textContent())
    }
    expect(explained.size).toBe(7)
    await stages.locator('input[value=pyramid]').check()
    expect(await stages.locator('.levels tbody tr').count()).toBe(11)
    expect(await accessibility()).toEqual(CLEAN)
    await stages.locator('input[name=o]').fill('0.95')
    await expect.poll(() => page.url()).toContain('o=0.95')
    expect(page.url()).toContain('view=pyramid')
  })

  it('looks again when a slider moves, and drops what was under way', async () => {
    const stages = await open('stages')
    await settled()
    await stages.locator('input[name=min]').fill('20')
    // Long enough for the detection to begin, and far too short for it to end.
    await page.locator('#stages[aria-busy]').waitFor()
    await stages.locator('input[name=min]').fill('150')
    await expect.poll(async () => (await counts()).pyramid, { timeout: 20_000 }).toBe(7)
    await settled()
    expect((await counts()).pyramid).toBe(7)
    expect(await stages.locator('.levels tbody td').nth(1).textContent()).toBe('150 px')
  })

  it('says in words what it cannot use', async () => {
    const stages = await open('stages')
    await stages.locator('.drop').dispatchEvent('dropText', {}, { timeout: 5000 })
    const problem = stages.locator('[data-part=problem]')
    await expect.poll(() => problem.textContent()).toContain('"note.jpg" is no picture that this browser can read')
    await stages.locator('input[type=file]').setInputFiles(join(folder, 'nobody.jpg'))
    await expect.poll(() => problem.textContent()).toContain('No face was found')
  })
})

describe('the playground: ways in', () => {
  it('takes a picture with the camera, and samples', async () => {
    const stages = await open('stages')
    await stages.getByRole('button', { name: 'Use the camera' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Take the picture' }).click()
    await expect.poll(() => stages.locator('.picture-view img').getAttribute('alt')).toBe('camera.png')
    expect(await page.getByRole('dialog').count()).toBe(0)
    await stages.getByRole('button', { name: 'Try a sample' }).click()
    await expect.poll(() => stages.locator('.picture-view img').getAttribute('alt')).toBe('sample 1.jpg')
    await expect.poll(() => stages.locator('[data-part=status]').textContent(), { timeout: 20_000 }).toMatch(/^3 faces/)
  })

  it('is light or dark as it is told, also the next time', async () => {
    await page.getByText('Dark', { exact: true }).click()
    await page.reload()
    await page.locator('html[data-theme=dark]').waitFor()
    expect(await page.getByRole('radio', { name: 'Dark' }).isChecked()).toBe(true)
    await page.getByText('Auto', { exact: true }).click()
  })
})

describe('the playground: describe', () => {
  it('says what four faces look like', async () => {
    const panel = await open('describe')
    await panel.locator('input[type=file]').setInputFiles(samplePhoto(6))
    await panel.locator('.card').nth(3).waitFor()
    expect(await panel.locator('.card').count()).toBe(4)
    for (const card of await panel.locator('.card').all()) {
      expect(await card.locator('.card-who').textContent()).toMatch(/^about \d+ years, female \(\d+ %\)$/)
      const shares = (await card.locator('.emotion .number').allTextContents()).map(text => Number.parseInt(text, 10))
      expect(shares).toHaveLength(7)
      expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 100)).toBeLessThanOrEqual(3)
      expect(await card.getByRole('heading', { level: 4 }).allTextContents()).toEqual([
        'Head pose',
        expect.stringMatching(/^Quality \d+ %$/),
      ])
    }
    expect(await accessibility()).toEqual(CLEAN)
  })

  it('says why a face is hard to recognise', async () => {
    const panel = await open('describe')
    await panel.locator('input[type=file]').setInputFiles(join(folder, 'blurred.jpg'))
    await panel.locator('.reasons li').first().waitFor()
    expect(await panel.locator('.reasons').textContent()).toContain('the face is blurred')
  })
})

describe('the playground: compare', () => {
  const give = async (a: string, b: string): Promise<string | null> => {
    const panel = await open('compare')
    for (const [i, file] of [a, b].entries())
      await panel.locator('.side').nth(i).locator('input[type=file]').setInputFiles(file)
    await page.locator('.side:not([aria-busy]) + .side:not([aria-busy])').waitFor()
    return panel.locator('.verdict').textContent()
  }

  it('tells one person from two', async () => {
    expect(await give(many('ada-1.jpg'), many('ada-2.jpg'))).toBe('The same person')
    expect(await give(many('ada-1.jpg'), many('bea.jpg'))).toBe('Different people')
    const panel = page.locator('#compare')
    expect(await panel.locator('.aligned canvas').count()).toBe(2)
    expect(await accessibility()).toEqual(CLEAN)
  })

  it('moves the limit along the measured table, and lets a face be chosen', async () => {
    const panel = page.locator('#compare')
    const limit = panel.locator('.facts dd').nth(1)
    const limits: (string | null)[] = []
    for (const place of ['0', '1', '2']) {
      await panel.locator('input[name=fmr]').fill(place)
      limits.push(await limit.textContent())
    }
    expect(limits).toEqual(['0.0559', '0.0706', '0.0902'])
    expect(page.url()).toContain('#compare?fmr=0.01')
    await give(samplePhoto(1), many('ada-2.jpg'))
    const verdicts: (string | null)[] = []
    for (const face of await panel.locator('.side').first().locator('.face').all()) {
      await face.click()
      verdicts.push(await panel.locator('.verdict').textContent())
    }
    expect(verdicts.sort()).toEqual(['Different people', 'Different people', 'The same person'])
  })
})

describe('the playground: group', () => {
  it('stops when it is told to', async () => {
    const panel = await open('group')
    await panel
      .locator('label')
      .first()
      .locator('input')
      .setInputFiles(Array.from({ length: 30 }, () => samplePhoto(2)))
    await expect
      .poll(() => panel.locator('[data-part=status]').textContent(), { timeout: 20_000 })
      .toMatch(/^[1-9]\d* of 30 photos/)
    await panel.getByRole('button', { name: 'Cancel' }).click()
    await expect
      .poll(() => panel.locator('[data-part=status]').textContent())
      .toMatch(/^Cancelled after \d+ of 30 photos$/)
    const [done] = (await panel.locator('[data-part=status]').textContent())!.match(/\d+/)!
    expect(Number(done)).toBeLessThan(30)
  })

  it('sorts a folder by person, and names what it cannot read', async () => {
    const panel = await open('group')
    await panel.locator('label').nth(1).locator('input').setInputFiles(join(folder, 'many'))
    await page.locator('#group:not([aria-busy]) .person').first().waitFor()
    const rows = await panel.locator('.person').all()
    const found = await Promise.all(
      rows.map(async row => {
        const labels = await row
          .locator('button.face')
          .evaluateAll(buttons => buttons.map(button => button.getAttribute('aria-label')))
        return [...new Set(labels.map(label => /: (\w+)/.exec(label ?? '')?.[1]))].concat(String(labels.length))
      }),
    )
    // The largest group first; those of one size as their photos were done.
    expect(found[0]).toEqual(['ada', '6'])
    expect([...found].sort()).toEqual([
      ['ada', '6'],
      ['bea', '3'],
      ['cleo', '3'],
    ])
    expect(await panel.locator('[data-part=failures] li').allTextContents()).toEqual([
      expect.stringContaining('"note.jpg" is no picture'),
    ])
    expect(await accessibility()).toEqual(CLEAN)
  })

  it('groups again at another limit without reading a photo again, and shows the photos of a person', async () => {
    const panel = await open('group')
    const requests: string[] = []
    page.on('request', request => requests.push(request.url()))
    await panel.locator('input[name=fmr]').fill('0')
    await page.locator('#group[data-grouped-at="0.0001"]').waitFor()
    expect(await panel.locator('.person .face').count()).toBe(12)
    // The browser asks for the icon when it likes.
    expect(requests.filter(url => !url.includes('/icon-'))).toEqual([])
    await panel.locator('.person .face').first().click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.locator('.hint').textContent()).toMatch(/^1 of \d: many\//)
    await page.keyboard.press('ArrowRight')
    expect(await dialog.locator('.hint').textContent()).toMatch(/^2 of \d: many\//)
    expect(await accessibility()).toEqual(CLEAN)
    await dialog.getByRole('button', { name: 'Close' }).click()
    expect(await page.getByRole('dialog').count()).toBe(0)
  })
})

describe('the playground', () => {
  it('spoke to no other address, and had nothing to complain of', () => {
    expect(outside).toEqual([])
    expect(complaints).toEqual([])
  })
})
