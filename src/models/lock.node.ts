import { randomUUID } from 'node:crypto'
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
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

/** How long taking a lock away may take, and how long others wait for it between two looks. */
const GUARD_MS = 5000
const GUARD_POLL_MS = 5

/**
 * Waits until a lock file is ours. One whose process is gone, or that was not touched for a while (another machine, a process number
 * that was given again), is taken over.
 *
 * The lock saves work; nothing is wrong where two hold it for once (a process that was stopped for a minute and goes on): what is written is
 * checked, and put into place by one rename.
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
      await takeAway(path, seen)
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

/**
 * Removes a stale lock. Only one at a time may, by a second file: else one that has seen the stale lock could remove the new lock of another
 * that was quicker.
 */
async function takeAway(path: string, seen: Seen): Promise<void> {
  const guard = `${path}.taking`
  if (!(await create(guard, ''))) {
    const others = await look(guard)
    // Whoever takes a lock away needs a moment; one that was killed in it leaves its file.
    if (others && Date.now() - others.touched > GUARD_MS) await rm(guard, { force: true })
    else await sleep(GUARD_POLL_MS)
    return
  }
  try {
    // The owner of a stale lock is gone, and a new lock comes only after this one: what is looked at now stays until it is removed.
    if ((await look(path))?.content === seen.content) await rm(path, { force: true })
  } finally {
    await rm(guard, { force: true })
  }
}
