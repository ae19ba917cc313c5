import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { createAccounts } from './accounts.ts'
import { createApp, type Parts } from './app.ts'
import { createAudit } from './audit.ts'
import { createChallenges } from './challenges.ts'
import { postgresDatabase } from './database/postgres.ts'
import { checkKey } from './database/schema.ts'
import { sqliteDatabase } from './database/sqlite.ts'
import { createDevices } from './devices.ts'
import { openFaces } from './faces.ts'
import { deriveKeys, developmentKey } from './keys.ts'
import { createLimits } from './limits.ts'
import { createPasswords } from './passwords.ts'
import { createRecoveryCodes } from './recovery.ts'
import { createRuns } from './runs.ts'
import { createSessions } from './sessions.ts'
import type { Settings } from './settings.ts'
import { createUsedFrames } from './used-frames.ts'

/** A server that listens. */
export interface RunningServer {
  readonly port: number
  readonly parts: Parts
  /** Refuses what is new, lets finish what is under way, and closes everything. */
  stop(): Promise<void>
}

const PURGE_EVERY = 10 * 60_000
/** How long requests under way may take at the end, in milliseconds. */
const LAST_CHANCE = 30_000

/**
 * Opens everything and listens.
 *
 * @param overrides other parts than the usual ones; a test counts with them what is done.
 */
export async function startServer(
  settings: Settings,
  { warn = console.warn, overrides = {} }: { warn?: (message: string) => void; overrides?: Partial<Parts> } = {},
): Promise<RunningServer> {
  const { databaseUrl, dataFolder, workers, waiting } = settings
  const keys = deriveKeys(settings.key ?? developmentKey(dataFolder, warn))
  if (!databaseUrl) mkdirSync(dataFolder, { recursive: true, mode: 0o700 })
  const database = databaseUrl
    ? await postgresDatabase(databaseUrl)
    : await sqliteDatabase(join(dataFolder, 'accounts.db'))
  await checkKey(database, keys.hash('key-check', 'facewise web-auth'))
  // Names and faces lie apart: two files, or two schemas.
  const faces = await openFaces({ storeUrl: databaseUrl ?? `file:${join(dataFolder, 'faces.db')}`, keys, workers })
  const accounts = createAccounts(database, keys)
  await faces.sweep(async id => (await accounts.byId(id)) !== undefined)
  const sessions = createSessions(database, keys)
  const challenges = createChallenges(database, settings.challenge)
  const usedFrames = createUsedFrames(database, keys)
  const print = settings.printEvents ? (line: string) => void process.stdout.write(`${line}\n`) : undefined
  const audit = createAudit(database, keys, print)

  let stopping = false
  const parts: Parts = {
    settings,
    database,
    accounts,
    passwords: await createPasswords(),
    sessions,
    devices: createDevices(keys),
    recoveryCodes: createRecoveryCodes(database, keys),
    challenges,
    limits: createLimits(database),
    audit,
    faces,
    runs: createRuns({ faces, challenges, usedFrames, workers, waiting }),
    stopping: () => stopping,
    ...overrides,
  }

  async function purge(): Promise<void> {
    await database.run('DELETE FROM limits WHERE expires_at < ?', Date.now())
    await Promise.all([sessions, challenges, usedFrames, audit].map(part => part.purge()))
  }
  await purge()
  const purging = setInterval(() => void purge().catch(error => console.error(`purge: ${error}`)), PURGE_EVERY)
  purging.unref()

  const { server, port } = await listen(createApp(parts), settings)
  let ended: Promise<void> | undefined
  async function stop(): Promise<void> {
    stopping = true
    clearInterval(purging)
    const closed = new Promise<void>(resolve => void server.close(() => resolve()))
    server.closeIdleConnections()
    const late = setTimeout(() => server.closeAllConnections(), LAST_CHANCE)
    await closed
    clearTimeout(late)
    await faces.close()
    await database.close()
  }
  return {
    port,
    parts,
    stop() {
      ended ??= stop()
      return ended
    },
  }
}

function listen(
  app: ReturnType<typeof createApp>,
  { port, host }: Settings,
): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch: app.fetch,
        port,
        hostname: host,
        // Who sends its headers or body drop by drop is sent away.
        serverOptions: {
          headersTimeout: 10_000,
          requestTimeout: 60_000,
          keepAliveTimeout: 10_000,
          maxHeaderSize: 16_384,
        },
      },
      info => resolve({ server, port: info.port }),
    ) as Server
    server.on('error', reject)
    server.maxConnections = 1000
  })
}
