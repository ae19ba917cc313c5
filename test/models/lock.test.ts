import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { acquireLock, lockHolder } from '../../src/models/lock.node.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facewise lock '))
  path = join(folder, 'tiny.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

const leave = (holder: unknown): void => writeFileSync(path, JSON.stringify(holder))
/** A process that is over. */
const gonePid = (): number => spawnSync(process.execPath, ['-e', '']).pid

test('ten at once: never two in the same moment, all get it, nothing stays', async () => {
  let inside = 0
  let most = 0
  const waited: boolean[] = []
  const enter = async (): Promise<void> => {
    const lock = await acquireLock(path, { pollMs: 2, onWait: () => waited.push(true) })
    most = Math.max(most, ++inside)
    await sleep(3)
    inside--
    await lock.release()
  }
  await Promise.all(Array.from({ length: 10 }, enter))
  expect(most).toBe(1)
  expect(waited).toHaveLength(9)
  expect(readdirSync(folder)).toEqual([])
})

test('of a process that is gone: taken over, by one only', async () => {
  leave({ pid: gonePid(), host: hostname(), token: 'old' })
  expect(await lockHolder(path)).toBeUndefined()
  let inside = 0
  const locks = Array.from({ length: 5 }, async () => {
    const lock = await acquireLock(path, { pollMs: 2 })
    expect(++inside).toBe(1)
    await sleep(3)
    inside--
    await lock.release()
  })
  await Promise.all(locks)
  expect(readdirSync(folder)).toEqual([])
})

test('of a process that lives, or of another machine: waited for', async () => {
  for (const holder of [
    { pid: process.ppid, host: hostname() },
    { pid: gonePid(), host: 'another-machine' },
    // Its holder has not finished writing.
    undefined,
  ]) {
    if (holder) leave(holder)
    else writeFileSync(path, '')
    expect(await lockHolder(path)).toBeDefined()
    const controller = new AbortController()
    const waiting = acquireLock(path, { pollMs: 2, signal: controller.signal, onWait: () => controller.abort() })
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
  }
})

test('that nobody touched for long: taken over, whoever had it', async () => {
  leave({ pid: process.ppid, host: hostname() })
  const old = new Date(Date.now() - 61_000)
  utimesSync(path, old, old)
  expect(await lockHolder(path)).toBeUndefined()
  const lock = await acquireLock(path)
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() })
  await lock.release()
  expect(existsSync(path)).toBe(false)
})

test('that was taken from us meanwhile is not removed by us', async () => {
  const lock = await acquireLock(path)
  leave({ pid: process.ppid, host: hostname(), token: 'other' })
  await lock.release()
  expect(existsSync(path)).toBe(true)
})

test('where nothing can be written', async () => {
  await expect(acquireLock(join(path, 'in', 'nothing'))).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
})
