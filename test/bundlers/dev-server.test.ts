import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { createServer, type InlineConfig } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { emptyProject, PAGE, readPage, SHOW, writePhoto } from './site.ts'

const guide = readFileSync(fileURLToPath(new URL('../../docs/bundlers.md', import.meta.url)), 'utf8')

const APP = `
import { createFacewise } from 'facewise'
const fw = await createFacewise()
const faces = await fw.describe('photo.jpg', { attributes: ['emotion'] })
show({ faces: faces.length, emotions: Object.keys(faces[0].emotion).length, backend: (await fw.engine()).backend })
${SHOW}`

const WORKER_APP = `
import { createFacewiseWorker } from 'facewise/worker'
const fw = await createFacewiseWorker()
const faces = await fw.represent('photo.jpg')
show({ faces: faces.length, backend: (await fw.reports())[0].chosen })
${SHOW}`

let browser: Browser
let work: string
beforeAll(async () => {
  work = await emptyProject('dev-server')
  writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
  for (const [name, app] of Object.entries({ app: APP, worker: WORKER_APP })) {
    mkdirSync(join(work, name))
    writeFileSync(join(work, name, 'main.js'), app)
    writeFileSync(join(work, name, 'index.html'), PAGE)
    await writePhoto(join(work, name, 'photo.jpg'))
  }
  browser = await chromium.launch(chromiumLaunchOptions())
}, 300_000)
afterAll(() => browser?.close())

/** Opens a page on the development server of Vite, its folder for what it prepares being empty as on a first start. */
async function develop(page: string, config: InlineConfig): Promise<Awaited<ReturnType<typeof readPage>>> {
  const server = await createServer({
    root: work,
    configFile: false,
    logLevel: 'error',
    cacheDir: join(work, `.vite-${page}`),
    server: { host: '127.0.0.1', port: 0, hmr: false },
    ...config,
  })
  try {
    await server.listen()
    return await readPage(browser, `http://127.0.0.1:${(server.httpServer!.address() as AddressInfo).port}/${page}/`)
  } finally {
    await server.close()
  }
}

describe("Vite's development server", () => {
  it('needs no settings for an app', async () => {
    const { result, outside } = await develop('app', {})
    expect(result).toEqual({ faces: 4, emotions: 7, backend: 'wasm' })
    expect(outside).toEqual([])
  }, 120_000)

  it('serves an app with workers, with the settings of the guide', async () => {
    const settings = /```js\n\/\/ vite\.config\.js\n([\s\S]*?)```/.exec(guide)?.[1]
    expect(settings).toBeDefined()
    writeFileSync(join(work, 'settings.js'), settings!)
    const config = (await import(/* @vite-ignore */ join(work, 'settings.js'))) as { default: InlineConfig }
    const { result, outside } = await develop('worker', config.default)
    expect(result).toEqual({ faces: 4, backend: 'wasm' })
    expect(outside).toEqual([])
  }, 120_000)
})
