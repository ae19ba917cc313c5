import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chromiumLaunchOptions } from '../../scripts/chromium.ts'
import { npmEnvironment } from '../../scripts/pack.ts'
import { emptyProject, STRICT, writePhoto } from './site.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const next = join(root, 'node_modules', 'next', 'dist', 'bin', 'next')
const environment = { ...npmEnvironment(), NEXT_TELEMETRY_DISABLED: '1' }

/** Next.js writes scripts and styles into its pages; without a nonce a policy has to allow that. */
const POLICY = STRICT.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'").replace(
  "style-src 'self'",
  "style-src 'self' 'unsafe-inline'",
)

/** A component that finds faces in a photo when it is in a page; on the server it only says what it will do. */
const component = (create: string, entry: string): string => `'use client'
import { ${create} } from '${entry}'
import { useEffect, useState } from 'react'

export function Faces({ photo }) {
  const [found, setFound] = useState('looking')
  useEffect(() => {
    const facewise = ${create}({ backend: { prefer: 'wasm' } })
    facewise
      .then(fw => fw.detect(photo))
      .then(faces => setFound(faces.length + ' faces'))
      .catch(error => setFound(error.code + ': ' + error.message))
    return () => void facewise.then(fw => fw.dispose()).catch(() => {})
  }, [photo])
  return <p>{found}</p>
}
`
const PAGE = `import { Faces } from './faces.js'

export default function Page() {
  return <Faces photo="/photo.jpg" />
}
`

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module", "private": true }',
  // Without it Next.js looks further up, and would find this repository's own.
  'jsconfig.json': '{}',
  // The first line is the recipe; the policy is this test's; the rest says that what the app depends on lies further up.
  'next.config.mjs': `export default {
  serverExternalPackages: ['facewise'],
  headers: async () => [{ source: '/:path*', headers: [{ key: 'Content-Security-Policy', value: ${JSON.stringify(POLICY)} }] }],
  turbopack: { root: ${JSON.stringify(root)} },
  outputFileTracingRoot: ${JSON.stringify(root)},
}
`,
  'app/layout.js': `export default function Layout({ children }) {
  return (
    <html lang="en">
      <head><link rel="icon" href="/photo.jpg" /></head>
      <body>{children}</body>
    </html>
  )
}
`,
  'app/page.js': PAGE,
  'app/faces.js': component('createFacewise', 'facewise'),
  'app/worker/page.js': PAGE,
  'app/worker/faces.js': component('createFacewiseWorker', 'facewise/worker'),
  'app/api/faces/route.js': `import { createFacewise } from 'facewise'

let facewise

export async function POST(request) {
  facewise ??= createFacewise()
  const faces = await (await facewise).detect(new Uint8Array(await request.arrayBuffer()))
  return Response.json(faces)
}
`,
}

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch(chromiumLaunchOptions())
})
afterAll(() => browser?.close())

describe.each(['turbopack', 'webpack'] as const)('an app of Next.js, built with %s', builder => {
  let work: string
  let server: ChildProcess
  let address: string
  let complaints = ''
  beforeAll(async () => {
    work = await emptyProject(`next-${builder}`)
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(join(work, dirname(path)), { recursive: true })
      writeFileSync(join(work, path), text)
    }
    mkdirSync(join(work, 'public'))
    await writePhoto(join(work, 'public', 'photo.jpg'))
    const built = spawnSync(process.execPath, [next, 'build', `--${builder}`], {
      cwd: work,
      encoding: 'utf8',
      env: { ...environment, NODE_ENV: 'production' },
    })
    expect(built.status, built.stdout + built.stderr).toBe(0)
    expect(built.stdout + built.stderr).not.toMatch(/warn|error(?!s? *$)/i)
    server = spawn(process.execPath, [next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
      cwd: work,
      env: { ...environment, NODE_ENV: 'production' },
    })
    server.stderr?.on('data', chunk => {
      complaints += chunk
    })
    address = await new Promise((resolve, reject) => {
      let said = ''
      server.stdout?.on('data', chunk => {
        said += chunk
        const found = /Ready/.test(said) && /http:\/\/127\.0\.0\.1:\d+/.exec(said)
        if (found) resolve(found[0])
      })
      server.on('exit', () => reject(new Error(`next start ended.\n${said}\n${complaints}`)))
    })
  }, 600_000)
  afterAll(() => {
    server?.removeAllListeners('exit')
    server?.kill()
  })

  it('renders the component on the server, where nothing of it runs', async () => {
    const response = await fetch(address)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('<p>looking</p>')
  })

  it.each(['/', '/worker'])('finds faces in the page %s, under a policy, from its own origin alone', async path => {
    const page = await browser.newPage()
    const outside: string[] = []
    const said: string[] = []
    page.on('request', request => {
      if (!request.url().startsWith(address)) outside.push(request.url())
    })
    page.on('console', message => said.push(message.text()))
    page.on('pageerror', error => said.push(error.message))
    try {
      await page.goto(address + path)
      await page.locator('p', { hasNotText: 'looking' }).waitFor({ timeout: 60_000 })
      expect(await page.locator('p').textContent()).toBe('4 faces')
      expect(outside).toEqual([])
      expect(said).toEqual([])
    } finally {
      await page.close()
    }
  })

  it('finds faces in a route, in Node', async () => {
    const body = readFileSync(join(work, 'public', 'photo.jpg'))
    const response = await fetch(`${address}/api/faces`, { method: 'POST', body })
    expect(response.status).toBe(200)
    expect(await response.json()).toHaveLength(4)
    expect(complaints).toBe('')
  })
})
