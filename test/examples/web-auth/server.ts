import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Parts } from '../../../examples/web-auth/server/app.ts'
import { type RunningServer, startServer } from '../../../examples/web-auth/server/server.ts'
import { readSettings, type Settings } from '../../../examples/web-auth/server/settings.ts'

/** A server of a test, in this process, on a folder of its own. */
export interface TestServer {
  readonly url: string
  readonly folder: string
  readonly parts: Parts
  readonly settings: Settings
  stop(): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

/** @param env settings as an operator gives them. */
export async function testServer(
  env: Record<string, string> = {},
  overrides: Partial<Parts> = {},
): Promise<TestServer> {
  const folder = env.FACEWISE_WEB_DATA ?? mkdtempSync(join(tmpdir(), 'facewise-web-'))
  const settings = readSettings({
    PORT: String(await freePort()),
    FACEWISE_WEB_DATA: folder,
    FACEWISE_WEB_PAGE: join(folder, 'page'),
    FACEWISE_WEB_WORKERS: '1',
    // So that each client of a test has an address of its own.
    FACEWISE_WEB_PROXY: '1',
    ...env,
  })
  const server: RunningServer = await startServer(settings, { warn: () => {}, overrides })
  return {
    url: `http://localhost:${server.port}`,
    folder,
    parts: server.parts,
    settings,
    stop: () => server.stop(),
    async remove() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
