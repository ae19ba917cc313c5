import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright'
import { chromiumLaunchOptions } from '../scripts/chromium.ts'
import type { Measured } from './store-rates.ts'

/** The IndexedDB store in Chromium. */
export async function benchIndexedDb(sizes: readonly number[]): Promise<Measured[]> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { indexedDbStore } from './src/store/indexeddb.ts'
        import { measureStore } from './bench/store-rates.ts'
        globalThis.measured = async sizes => measureStore('indexeddb', await indexedDbStore({ name: 'bench' }), sizes)`,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'esm',
    conditions: ['browser'],
  })
  const server = createServer((request, response) => {
    const script = request.url === '/bench.js'
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html')
    response.end(script ? outputFiles[0].text : '<script type="module" src="/bench.js"></script>')
  }).listen(0, '127.0.0.1')
  const browser = await chromium.launch(chromiumLaunchOptions())
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await page.waitForFunction(() => 'measured' in globalThis)
    return await page.evaluate(
      wanted => (globalThis as unknown as { measured(sizes: number[]): Promise<Measured[]> }).measured(wanted),
      [...sizes],
    )
  } finally {
    await browser.close()
    server.close()
  }
}
