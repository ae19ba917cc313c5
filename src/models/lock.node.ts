import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from '../errors.ts'
import { writing } from './writing.node.ts'

/** Options of {@link acquireLock}. */
export interface LockOptions {
  readonly signal?: AbortSignal
  /** Called once where somebody else holds it. */
  readonly onWait?: (holder: LockHolder) => void
  /** A lock that was not touched for so long belongs to nobody, in milliseconds; 60,000 by default. */
  readonly staleMs?: number
  /** Milliseconds between two looks; 200 by default. */
  readonly pollMs?: number
}

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number
  readonly host: string
}

/** A lock that is held. */
export interface Lock {
  release(): Promise<void>
}

const HEARTBEAT_MS = 10_000

/**
 * Waits until a lock file is ours. One whose process is gone, or that was not touched for a while (another machine, a process number
 * that was given again), is taken over.
 *
 * The lock saves work; nothing is wrong where two hold it for once: what is written is checked, and put into place by one rename.
 *
 * @throws FacewiseError `ABORTED`; `OUTPUT_FAILED` where the file cannot be written.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<Lock> {
  const { signal, onWait, staleMs = 60_000, pollMs = 200 } = options
  const token = randomUUID()
  const content = JSON.stringify({ pid: process.pid, host: hostname(), token })
  for (let waited = false; ; ) {
    throwIfAborted(signal)
    if (await create(path, content)) break
    const seen = await look(path)
    if (!seen) continue
    if (isStale(seen, staleMs)) {
      await takeAway(path, seen, token)
      continue
    }
    if (!waited) onWait?.(seen.holder)
    waited = true
    await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
  const heartbeat = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch(() => undefined)
  }, HEARTBEAT_MS)
  // A waiting timer must not keep a process alive that is done otherwise.
  heartbeat.unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if ((await look(path))?.content === content) await rm(path, { force: true })
    },
  }
}

/** Whether somebody holds the lock now. */
export async function lockHolder(path: string, staleMs = 60_000): Promise<LockHolder | undefined> {
  const seen = await look(path)
  return seen && !isStale(seen, staleMs) ? seen.holder : undefined
}

interface Seen {
  readonly content: string
  readonly holder: LockHolder
  readonly touched: number
}

async function create(path: string, content: string): Promise<boolean> {
  return writing(path, async () => {
    try {
      await writeFile(path, content, { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  })
}

async function look(path: string): Promise<Seen | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { content, holder: parseHolder(content), touched: mtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A holder that has not finished writing, or damage, is nobody known: only the age counts then. */
function parseHolder(content: string): LockHolder {
  try {
    const { pid, host } = JSON.parse(content) as Partial<LockHolder>
    return { pid: Number(pid), host: String(host) }
  } catch {
    return { pid: Number.NaN, host: '' }
  }
}

function isStale({ holder, touched }: Seen, staleMs: number): boolean {
  if (Date.now() - touched > staleMs) return true
  return holder.host === hostname() && !isAlive(holder.pid)
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Moves a stale lock aside. If another was quicker and it is a new lock that was moved, that is put back. */
async function takeAway(path: string, seen: Seen, token: string): Promise<void> {
  const aside = `${path}.${token}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await readFile(aside, 'utf8')) !== seen.content) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}
