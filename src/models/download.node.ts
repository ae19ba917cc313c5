import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FacewiseError, messageOf, throwIfAborted } from '../errors.ts'
import type { DownloadFile, FileForm } from './catalog.ts'
import { discardPart, Interrupted, Refused, TooLong, transfer } from './transfer.node.ts'
import { renameWhenFree, writing } from './writing.node.ts'

/** How patient a download is. */
export interface DownloadPolicy {
  /** Files at a time. */
  readonly concurrency: number
  /** Times that a file is tried again without a new byte before it counts as failed. */
  readonly retries: number
  /** The first wait before another try, in milliseconds; it doubles each time, and is drawn at random below that. */
  readonly backoffMs: number
  /** The longest wait, also where a server wants more, in milliseconds. */
  readonly maxWaitMs: number
  /** Milliseconds without a byte after which a connection is given up. */
  readonly stallMs: number
}

/** Eight files at a time hide the round trips of hundreds of small ones, and no server minds. */
export const DOWNLOAD_POLICY: DownloadPolicy = {
  concurrency: 8,
  retries: 5,
  backoffMs: 500,
  maxWaitMs: 60_000,
  stallMs: 30_000,
}

/** How far a download is. `totalBytes` is exact once every file has begun: mirrors may hold shorter copies. */
export interface DownloadProgress {
  readonly loadedBytes: number
  readonly totalBytes: number
  readonly loadedFiles: number
  readonly totalFiles: number
}

/** A file that is what its recipe says. */
export interface DownloadedFile {
  readonly bytes: Uint8Array
  readonly form: FileForm
}

/** Options of {@link downloadFiles} and {@link readMirror}. */
export interface DownloadOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: DownloadProgress) => void
  readonly policy?: Partial<DownloadPolicy>
}

/**
 * Downloads files into `folder` and gives their contents. Files that an earlier call left there, whole or in part, are not fetched
 * again. A file is kept under its name only after its sha256 was found right; until then it is a `.part`.
 *
 * @param bases addresses of folders that end with a slash; where one has not got a file, the next is asked.
 * @throws FacewiseError `MODEL_NOT_FOUND` for a file that no address gives; `MODEL_CORRUPT` for one that came with other contents
 *   twice; `OUTPUT_FAILED`; `ABORTED`. The file and its address are named. What has come stays for the next call.
 */
export async function downloadFiles(
  files: readonly DownloadFile[],
  bases: readonly string[],
  folder: string,
  options: DownloadOptions = {},
): Promise<Map<string, DownloadedFile>> {
  const policy = { ...DOWNLOAD_POLICY, ...options.policy }
  await writing(folder, () => mkdir(folder, { recursive: true }))
  return inParallel(files, policy.concurrency, options, async (file, signal, meter) => {
    const path = join(folder, file.name)
    const kept = await readIfThere(path)
    const form = kept && formOf(file, kept)
    if (kept && form) return { bytes: kept, form }
    await writing(path, () => rm(path, { force: true }))
    return fromFirst(bases, base =>
      fetchChecked(file, addressOf(base, file.name), path, policy, signal, (count, total) =>
        meter.set(file, count, total),
      ),
    )
  })
}

/**
 * Reads files from a folder that holds them under their names.
 *
 * @throws FacewiseError `MODEL_NOT_FOUND`, `MODEL_CORRUPT` with the path; `ABORTED`.
 */
export async function readMirror(
  files: readonly DownloadFile[],
  folder: string,
  options: DownloadOptions = {},
): Promise<Map<string, DownloadedFile>> {
  const entry = await stat(folder).catch(() => undefined)
  if (!entry?.isDirectory()) {
    throw new FacewiseError(
      'MODEL_NOT_FOUND',
      `There is no folder ${folder} with the ${files.length} files of the model.`,
    )
  }
  return inParallel(files, DOWNLOAD_POLICY.concurrency, options, async (file, signal) => {
    const path = join(folder, file.name)
    let bytes: Uint8Array
    try {
      bytes = await readFile(path, { signal })
    } catch (error) {
      throwIfAborted(signal)
      throw new FacewiseError(
        'MODEL_NOT_FOUND',
        `${path} cannot be read: ${messageOf(error)}. The folder must hold all ${files.length} files of the model.`,
        { cause: error },
      )
    }
    const form = formOf(file, bytes)
    if (form) return { bytes, form }
    throw corrupt(file, path, differs(file, bytes), 'Get this file again.')
  })
}

/** The address of a file in a folder; a query of the folder's address, such as an access token, stays. */
export function addressOf(base: string, name: string): string {
  const address = new URL(base)
  address.pathname = `${address.pathname.replace(/\/*$/, '')}/${encodeURIComponent(name)}`
  return address.href
}

/** The form that these bytes are, if any. */
function formOf(file: DownloadFile, bytes: Uint8Array): FileForm | undefined {
  const candidates = file.forms.filter(form => form.bytes === bytes.length)
  if (candidates.length === 0) return undefined
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return candidates.find(form => form.sha256 === sha256)
}

function differs({ forms }: DownloadFile, bytes: Uint8Array): string {
  const sizes = [...new Set(forms.map(form => form.bytes))]
  return sizes.includes(bytes.length)
    ? 'it has other contents (sha256)'
    : `it has ${bytes.length} bytes instead of ${sizes.join(' or ')}`
}

function corrupt({ name }: DownloadFile, where: string, problem: string, advice: string): FacewiseError {
  return new FacewiseError('MODEL_CORRUPT', `${name} from ${where} is not the published file: ${problem}. ${advice}`)
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch(() => undefined)
}

/** The answer of the first address that has the file; the first refusal where none has it. */
async function fromFirst<T>(bases: readonly string[], get: (base: string) => Promise<T>): Promise<T> {
  let refusal: unknown
  for (const base of bases) {
    try {
      return await get(base)
    } catch (error) {
      if (!(error instanceof FacewiseError && error.cause instanceof Refused)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

async function fetchChecked(
  file: DownloadFile,
  address: string,
  path: string,
  policy: DownloadPolicy,
  signal: AbortSignal,
  onBytes: (count: number, total: number | undefined) => void,
): Promise<DownloadedFile> {
  const part = `${path}.part`
  const shown = withoutPassword(address)
  const maxBytes = Math.max(...file.forms.map(form => form.bytes))
  let failures = 0
  let furthest = 0
  for (let fresh = false; ; ) {
    let problem: string
    try {
      await transfer(address, part, {
        signal,
        stallMs: policy.stallMs,
        maxBytes,
        fresh,
        onBytes: (count, total) => {
          // Only new bytes are progress: a server that breaks off at the same place every time must not hold us for ever.
          if (count > furthest) {
            failures = 0
            furthest = count
          }
          onBytes(count, total)
        },
      })
      const bytes = await readFile(part)
      const form = formOf(file, bytes)
      if (form) {
        await writing(path, () => renameWhenFree(part, path))
        await discardPart(part)
        return { bytes, form }
      }
      problem = looksLikePage(bytes) ? `${differs(file, bytes)}; it is a web page` : differs(file, bytes)
    } catch (error) {
      if (error instanceof Interrupted) {
        if (++failures > policy.retries) throw unreachable(file, shown, error)
        await pause(waitFor(failures, error, policy), signal)
        continue
      }
      if (error instanceof Refused) throw unreachable(file, shown, error)
      if (!(error instanceof TooLong)) throw error
      problem = error.message
    }
    await discardPart(part)
    if (fresh) {
      const advice = 'It is altered or damaged there or on the way: try again later, or give another mirror (--from).'
      throw corrupt(file, shown, problem, advice)
    }
    // Once more from the start: a part may have been damaged on our disk, or in a cache between.
    fresh = true
  }
}

function unreachable({ name }: DownloadFile, address: string, error: Error): FacewiseError {
  const advice = error instanceof Refused ? 'Give a mirror that has it (--from).' : 'Run it again to continue.'
  return new FacewiseError(
    'MODEL_NOT_FOUND',
    `${name} cannot be fetched from ${address}: ${error.message}. ${advice}`,
    {
      cause: error,
    },
  )
}

/** Half at least, so that a busy server gets rest; the other half at random, so that not all come back at once. */
export function waitFor(
  failures: number,
  { retryAfterMs }: Interrupted,
  { backoffMs, maxWaitMs }: DownloadPolicy,
): number {
  const backoff = backoffMs * 2 ** (failures - 1) * (0.5 + Math.random() / 2)
  return Math.min(maxWaitMs, Math.max(backoff, retryAfterMs ?? 0))
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
  throwIfAborted(signal)
}

function looksLikePage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype|html)/i.test(new TextDecoder().decode(bytes.subarray(0, 64)))
}

function withoutPassword(address: string): string {
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url.href
}

/** Gets all files, some at a time. The first error stops the others; the caller learns of that one. */
async function inParallel(
  files: readonly DownloadFile[],
  concurrency: number,
  { signal, onProgress }: DownloadOptions,
  get: (file: DownloadFile, signal: AbortSignal, meter: Meter) => Promise<DownloadedFile>,
): Promise<Map<string, DownloadedFile>> {
  throwIfAborted(signal)
  const meter = new Meter(files, onProgress)
  const stop = new AbortController()
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const done = new Map<string, DownloadedFile>()
  const waiting = [...files]
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file && !either.aborted; file = waiting.shift()) {
      try {
        const result = await get(file, either, meter)
        done.set(file.name, result)
        meter.finish(file, result)
      } catch (error) {
        failure ??= { error }
        stop.abort()
      }
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  throwIfAborted(signal)
  if (failure) throw failure.error
  return done
}

/** Adds up what the files report. */
class Meter {
  readonly #files: readonly DownloadFile[]
  readonly #report: ((progress: DownloadProgress) => void) | undefined
  readonly #loaded = new Map<DownloadFile, number>()
  readonly #totals = new Map<DownloadFile, number>()
  /** The form in which the latest file came: most likely that of the next ones. */
  #form = 0
  #finished = 0

  constructor(files: readonly DownloadFile[], report: ((progress: DownloadProgress) => void) | undefined) {
    this.#files = files
    this.#report = report
  }

  set(file: DownloadFile, loaded: number, total: number | undefined): void {
    this.#loaded.set(file, loaded)
    const form = file.forms.findIndex(({ bytes }) => bytes === total)
    if (total !== undefined && form >= 0) {
      this.#form = form
      this.#totals.set(file, total)
    }
    this.#tell()
  }

  finish(file: DownloadFile, { bytes, form }: DownloadedFile): void {
    this.#finished++
    this.#form = file.forms.indexOf(form)
    this.#loaded.set(file, bytes.length)
    this.#totals.set(file, bytes.length)
    this.#tell()
  }

  #tell(): void {
    if (!this.#report) return
    let loadedBytes = 0
    let totalBytes = 0
    for (const file of this.#files) {
      loadedBytes += this.#loaded.get(file) ?? 0
      totalBytes += this.#totals.get(file) ?? (file.forms[this.#form] ?? file.forms[0]).bytes
    }
    this.#report({ loadedBytes, totalBytes, loadedFiles: this.#finished, totalFiles: this.#files.length })
  }
}
