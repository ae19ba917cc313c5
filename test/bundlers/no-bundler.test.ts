import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { emptyProject, ISOLATED, PAGE, readPage, SHOW, STRICT, serve, writePhoto } from './site.ts'

const STANDALONE = '/facewise/dist/standalone'

const APP = `
import { createFacewise } from '${STANDALONE}/index.js'
const fw = await createFacewise({ backend: { prefer: 'wasm' } })
const faces = await fw.represent('photo.jpg')
const { tf } = await fw.engine()
const threaded = tf.env().get('WASM_HAS_MULTITHREAD_SUPPORT')
show({ faces: faces.length, dimension: faces[0].embedding.vector.length, threaded })
${SHOW}`

const WORKER_APP = `
import { createFacewiseWorker } from '${STANDALONE}/worker.js'
const fw = await createFacewiseWorker({ store: 'indexeddb:faces' })
const faces = await fw.identify('photo.jpg')
show({ faces: faces.length, matches: faces.filter(face => face.match).length, backend: (await fw.reports())[0].chosen })
${SHOW}`

/** The names under which code for a bundler would import it. */
const MAP = JSON.stringify({
  imports: { facewise: `${STANDALONE}/index.js`, 'facewise/detect': `${STANDALONE}/detect.js` },
})
const MAPPED_APP = `
import { FacewiseError } from 'facewise'
import { createMtcnn, FacewiseError as SameError } from 'facewise/detect'
const mtcnn = await createMtcnn()
show({ faces: (await mtcnn.detect('photo.jpg')).length, one: FacewiseError === SameError, backend: mtcnn.engine.backend })
${SHOW}`

let browser: Browser
let site: Awaited<ReturnType<typeof serve>>
beforeAll(async () => {
  const work = await emptyProject('no-bundler')
  const out = join(work, 'site')
  for (const folder of ['dist/standalone', 'dist/wasm', 'models']) {
    cpSync(join(work, 'node_modules', 'facewise', folder), join(out, 'facewise', folder), { recursive: true })
  }
  for (const [name, app] of Object.entries({ app: APP, worker: WORKER_APP, mapped: MAPPED_APP })) {
    mkdirSync(join(out, name))
    writeFileSync(join(out, name, 'main.js'), app)
    const map = name === 'mapped' ? `<script type="importmap">${MAP}</script>` : ''
    writeFileSync(join(out, name, 'index.html'), PAGE.replace('<script', `${map}<script`))
    await writePhoto(join(out, name, 'photo.jpg'))
  }
  site = await serve(out)
  browser = await chromium.launch(chromiumLaunchOptions())
}, 300_000)
afterAll(async () => {
  site?.close()
  await browser?.close()
})

describe('a page without a bundler', () => {
  it('finds and embeds faces, under a strict policy, from its own origin alone', async () => {
    site.headers = { 'Content-Security-Policy': STRICT }
    const seen = await readPage(browser, `${site.address}app/`)
    expect(seen).toEqual({
      result: { faces: 4, dimension: 128, threaded: false },
      outside: [],
      violations: [],
      workers: 0,
    })
  })

  it('has threads where it is isolated and its policy allows them', async () => {
    const policy = `${STRICT.replace("'wasm-unsafe-eval'", "'wasm-unsafe-eval' blob:")}; worker-src blob:`
    site.headers = { ...ISOLATED, 'Content-Security-Policy': policy }
    const { result, violations } = await readPage(browser, `${site.address}app/`)
    // The same in an app of a bundler depends on its minifier. (How many threads there are is half the number of cores.)
    expect(result).toEqual({ faces: 4, dimension: 128, threaded: true })
    expect(violations).toEqual([])
  })

  it('has workers, and a database', async () => {
    site.headers = { 'Content-Security-Policy': STRICT }
    const { result, outside, violations } = await readPage(browser, `${site.address}worker/`)
    expect(result).toEqual({ faces: 4, matches: 0, backend: 'wasm' })
    expect([...outside, ...violations]).toEqual([])
  })

  it('imports it by its name with an import map', async () => {
    const hash = createHash('sha256').update(MAP).digest('base64')
    site.headers = { 'Content-Security-Policy': STRICT.replace("'self'", `'self' 'sha256-${hash}'`) }
    const { result, outside, violations } = await readPage(browser, `${site.address}mapped/`)
    expect(result).toEqual({ faces: 4, one: true, backend: 'wasm' })
    expect([...outside, ...violations]).toEqual([])
  })
})
