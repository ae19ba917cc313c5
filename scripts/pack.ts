/**
 * The tarball that `npm publish` would send, made from the working tree; `tsx scripts/pack.ts` prints its path.
 *
 * Building and packing takes a while and several readers need the same tarball. So it is kept in `node_modules/.cache`, under a hash
 * of all that goes into it, and one process at a time makes it.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { globSync } from 'tinyglobby'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'facewise-pack')
const lock = join(cache, 'lock')

/** What a build and a package are made of. Weights are not read: the manifests state their sha256. */
const INGREDIENTS = [
  'src/**',
  'models/**/manifest.json',
  'models/**/download.json',
  'models/**/*.md',
  'scripts/build-models.ts',
  'scripts/native-backend.mjs',
  'scripts/original-weights.ts',
  'scripts/standalone.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsup.config.ts',
  'docs/*.md',
  'CHANGELOG.md',
  'LICENSE',
  'NOTICE',
  'README.md',
]

/** Builds and packs, unless that has been done for this very source. */
export async function pack(): Promise<string> {
  const folder = join(cache, fingerprint())
  mkdirSync(cache, { recursive: true })
  await acquire()
  try {
    if (!existsSync(folder)) make(folder)
  } finally {
    rmSync(lock, { force: true })
  }
  return join(folder, readdirSync(folder).find(name => name.endsWith('.tgz'))!)
}

/** The environment for an `npm` that works in another folder: without what an outer `npm run` says of this one. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const ours = /^npm_(package|lifecycle)_|^npm_config_local_prefix$|^npm_command$|^INIT_CWD$|^NODE_ENV$|^VITEST/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

function make(folder: string): void {
  for (const old of readdirSync(cache)) {
    if (join(cache, old) !== lock) rmSync(join(cache, old), { recursive: true })
  }
  const draft = `${folder}.draft`
  mkdirSync(draft)
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--pack-destination', draft], {
    cwd: root,
    encoding: 'utf8',
    env: npmEnvironment(),
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`npm pack failed.\n${stdout}\n${stderr}`)
  renameSync(draft, folder)
}

function fingerprint(): string {
  const hash = createHash('sha256')
  for (const file of globSync(INGREDIENTS, { cwd: root, dot: true }).sort()) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 16)
}

async function acquire(): Promise<void> {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (!holderLives()) rmSync(lock, { force: true })
    else await sleep(200)
  }
}

function holderLives(): boolean {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await pack())
