import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EmbeddingStore, FaceRecord } from '../../src/store/index.ts'
import { batchOf, LATEST, removedBy, subjectOf } from './batches.ts'
import type { Target } from './targets.ts'

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Kills that one file goes through before a fresh one takes its place. */
const PER_FOLDER = 10
/** Milliseconds from the writer's first word to its end. */
const EARLIEST = 20
const LATEST_KILL = 400

export interface KillResult {
  readonly store: string
  readonly kills: number
  /** Batches that were acknowledged, and records in them. */
  readonly batches: number
  readonly records: number
  /** Kills after which a batch was found that was stored but not acknowledged any more: the kill came between. */
  readonly between: number
  /** What is wrong, in words; nothing if all is well. */
  readonly losses: readonly string[]
}

/** What the writer has acknowledged in one folder, over all kills. */
interface Acknowledged {
  readonly stored: Set<number>
  readonly removed: Set<number>
  /** The first batch that was never begun. */
  next: number
}

/** Kills a process that writes, again and again, and looks each time at what is left. */
export async function killStore(
  target: Target,
  kills: number,
  log: (line: string) => void = () => {},
): Promise<KillResult> {
  const losses: string[] = []
  let [batches, records, between] = [0, 0, 0]
  let folder: string | undefined
  let acknowledged: Acknowledged = { stored: new Set(), removed: new Set(), next: 0 }
  try {
    for (let kill = 0; kill < kills; kill++) {
      if (kill % PER_FOLDER === 0) {
        if (folder) rmSync(folder, { recursive: true, force: true })
        folder = mkdtempSync(join(tmpdir(), 'facewise-kill-'))
        acknowledged = { stored: new Set(), removed: new Set(), next: 0 }
      }
      const delay = EARLIEST + Math.random() * (LATEST_KILL - EARLIEST)
      const lines = await writeUntilKilled(target.name, folder as string, acknowledged.next, delay)
      for (const line of lines) {
        const batch = Number(line.slice(1))
        if (line.startsWith('-')) acknowledged.removed.add(batch)
        else {
          acknowledged.stored.add(batch)
          batches++
          records += batchOf(batch).length
        }
      }
      const found = await inspect(target, folder as string, acknowledged)
      if (found.unacknowledged) between++
      losses.push(...found.losses.map(loss => `${target.name}, kill ${kill + 1}: ${loss}`))
      const words = found.losses.length === 0 ? 'nothing lost' : found.losses.join('; ')
      log(`${target.name} ${kill + 1}/${kills}: after ${delay.toFixed(0)} ms, ${lines.length} acknowledged, ${words}`)
    }
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true })
  }
  return { store: target.name, kills, batches, records, between, losses }
}

/** Starts a writer and kills it `delay` milliseconds after its first word. @returns its lines. */
function writeUntilKilled(name: string, folder: string, first: number, delay: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const writer = spawn(process.execPath, ['--import', 'tsx', WRITER, name, folder, String(first)], { cwd: ROOT })
    let output = ''
    let errors = ''
    let killed = false
    writer.stdout.on('data', chunk => {
      if (output === '') {
        setTimeout(() => {
          killed = true
          writer.kill('SIGKILL')
        }, delay)
      }
      output += chunk
    })
    writer.stderr.on('data', chunk => {
      errors += chunk
    })
    writer.on('error', reject)
    writer.on('close', (code, signal) => {
      // What comes after the last line's end was never acknowledged.
      if (killed && signal === 'SIGKILL') resolve(output.split('\n').slice(0, -1))
      else reject(new Error(`The writer of ${name} ended by itself (${code}): ${errors}`))
    })
  })
}

async function inspect(
  target: Target,
  folder: string,
  acknowledged: Acknowledged,
): Promise<{ losses: string[]; unacknowledged: boolean }> {
  const losses: string[] = []
  const { store, keep } = await target.open(folder)
  const there = new Map<string, FaceRecord>()
  for await (const record of store.list()) there.set(record.id, record)
  if ((await store.count()) !== there.size)
    losses.push(`it counts ${await store.count()} records and lists ${there.size}`)
  const latest = there.get(LATEST)?.time ?? -1
  const newest = Math.max(-1, ...acknowledged.stored)
  // The writer is at most one batch ahead of what it has said.
  const begun = newest + 1
  if (latest < newest || latest > begun)
    losses.push(`batch ${newest} was acknowledged, '${LATEST}' is of batch ${latest}`)
  const known = new Set([LATEST])
  for (let batch = 0; batch <= begun; batch++) {
    const wanted = batchOf(batch)
    for (const { id } of wanted) known.add(id)
    const own = wanted.filter(({ id }) => id !== LATEST)
    const whole = own.filter(record => same(there.get(record.id), record)).length
    const some = own.filter(({ id }) => there.has(id)).length
    if (some !== whole) losses.push(`${some - whole} records of batch ${batch} are not what was stored`)
    const removing = [...acknowledged.stored].some(by => removedBy(by) === batch)
    if (acknowledged.removed.has(batch)) {
      if (some > 0) losses.push(`${some} records of batch ${batch} are there again, whose removal was acknowledged`)
    } else if (acknowledged.stored.has(batch) && !removing) {
      if (whole < own.length) losses.push(`${own.length - whole} of ${own.length} records of batch ${batch} are lost`)
    } else if (some > 0 && some < own.length && store.capabilities.atomicUpsert) {
      losses.push(`${some} of ${own.length} records of batch ${batch} are there: all or none must be`)
    }
  }
  if (latest >= 0 && !same(there.get(LATEST), batchOf(latest).at(-1))) losses.push(`'${LATEST}' is not what was stored`)
  for (const id of there.keys()) if (!known.has(id)) losses.push(`a record '${id}' is there that nobody stored`)
  losses.push(...(await stillWorks(store, keep, begun)))
  await store.close()
  acknowledged.next = begun + 1
  // Stored, but killed before it could say so: from now on it must stay.
  const unacknowledged = latest === begun && batchOf(begun).every(record => same(there.get(record.id), record))
  if (unacknowledged) acknowledged.stored.add(begun)
  else await forget(target, folder, begun)
  await settle(target, folder, acknowledged)
  return { losses, unacknowledged }
}

/** New records go in, are found, and go out again. */
async function stillWorks(store: EmbeddingStore, keep: () => Promise<void>, seed: number): Promise<string[]> {
  const [record] = batchOf(seed + 1_000_000)
  await store.upsert([record])
  await keep()
  const [match] = await store.search(record.vector, { k: 1 })
  const losses = match?.id === record.id && same(await store.get(record.id), record) ? [] : ['it takes no new records']
  await store.delete({ ids: [record.id] })
  await keep()
  return losses
}

/** Removes what is left of a batch whose number is not used again (a store that is not atomic may have some of it). */
async function forget(target: Target, folder: string, batch: number): Promise<void> {
  const { store, keep } = await target.open(folder)
  if ((await store.delete({ subject: subjectOf(batch) })) > 0) await keep()
  await store.close()
}

/** Removals that were begun and not acknowledged: they are made again, so that the next look knows what to expect. */
async function settle(target: Target, folder: string, { stored, removed }: Acknowledged): Promise<void> {
  const open = [...stored].flatMap(by => removedBy(by) ?? []).filter(batch => !removed.has(batch))
  if (open.length === 0) return
  const { store, keep } = await target.open(folder)
  for (const batch of open) {
    await store.delete({ subject: subjectOf(batch) })
    removed.add(batch)
  }
  await keep()
  await store.close()
}

function same(actual: FaceRecord | undefined, wanted: FaceRecord | undefined): boolean {
  const plain = (record: FaceRecord | undefined): string =>
    JSON.stringify(record && [record.id, record.subject, record.time, Array.from(record.vector), entries(record)])
  const entries = ({ metadata }: FaceRecord): unknown => Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  return actual !== undefined && plain(actual) === plain(wanted)
}
