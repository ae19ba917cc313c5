/**
 * The Chromium that browser tests run in: Debian's. `npm test` installs it where it is missing and this may be done
 * (`tsx scripts/chromium.ts`); `CHROMIUM_PATH` names another.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The path of a Chromium, if there is one. */
export function findChromium(): string | undefined {
  const { CHROMIUM_PATH } = process.env
  if (CHROMIUM_PATH) return CHROMIUM_PATH
  return CANDIDATES.find(path => existsSync(path))
}

/** How Playwright starts it: with software WebGL and WebGPU, and without the requests that a browser makes for itself. */
export function chromiumLaunchOptions(): { executablePath: string; args: string[] } {
  return {
    executablePath: findChromium() ?? CANDIDATES[0],
    args: [
      '--no-sandbox',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      '--disable-quic',
      '--enable-unsafe-swiftshader',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
    ],
  }
}

function install(): void {
  if (findChromium()) return
  const isRoot = process.getuid?.() === 0
  const apt = (args: string[]): boolean =>
    spawnSync(isRoot ? 'apt-get' : 'sudo', [...(isRoot ? [] : ['-n', 'apt-get']), '-qq', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  console.log('No Chromium found for the browser tests; installing the package "chromium" ...')
  if (!(apt(['update']) && apt(['install', '-y', '--no-install-recommends', 'chromium']) && findChromium())) {
    console.error('Chromium could not be installed. Install it, or set CHROMIUM_PATH to one, and run the tests again.')
    process.exit(1)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) install()
