import { Worker } from 'node:worker_threads'
import type { FaceQuality } from 'facewise/attributes'
import { distance, rateFor } from 'facewise/embed'
import { packagedManifests, parseManifest } from 'facewise/models'
import { encrypted, isFacewiseError, openStore } from 'facewise/store'
import { createFacewiseWorker, type FacewiseWorker } from 'facewise/worker'
import { LIMITS } from '../protocol.ts'
import type { Keys } from './keys.ts'

const EMBEDDER = 'dlib-resnet-128'
/** One stranger in 10,000 passes a comparison of two faces (NIST SP 800-63B-4 wants no more). */
const FMR = 1e-4
/** In "who is this" one stranger in a hundred may be taken for somebody, and a match has to be this much nearer than the next. */
const FPIR = 0.01
const MARGIN = 0.01
/** Smaller faces are not looked for, in pixels: nobody who wants to be recognised sits that far away. */
const MIN_FACE = 60
/** How old, in milliseconds, the copy may be that is searched in, where other servers write too. One-to-one comparisons read the store. */
const COPY_AGE = 5000

/** What one frame shows. */
export interface Look {
  readonly faces: Awaited<ReturnType<FacewiseWorker['detect']>>
  /** Of the largest face, where it was asked for. */
  readonly embedding?: Float32Array
}

/** A picture of an enrolment that was not taken, and why. */
export interface FrameRefusal {
  readonly code: string
  readonly message: string
}

/** Everything that knows faces: threads with networks, and the encrypted store of what they made. */
export interface Faces {
  /** The distance up to which two embeddings are one person's, at {@link FMR}. */
  readonly identity: { readonly threshold: number; readonly metric: 'cosine' | 'euclidean' }
  readonly ready: boolean
  look(frame: Uint8Array, options: { readonly embed: boolean; readonly signal: AbortSignal }): Promise<Look>
  /** How good a picture of the largest face is. */
  quality(frame: Uint8Array, signal: AbortSignal): Promise<FaceQuality | undefined>
  /** Whether a face is that of an account: compared with its own templates alone, as they are in the store now. */
  isOf(accountId: string, vector: Float32Array): Promise<boolean>
  /** Whose face a frame shows, among the accounts that may be found; nobody's more often than wrongly somebody's. */
  whose(frame: Uint8Array, signal: AbortSignal): Promise<string | null>
  /** Replaces an account's face. Pictures that are poor, or show somebody else than the rest, are refused; none left throws nothing. */
  enrol(
    accountId: string,
    pictures: readonly Uint8Array[],
    options: { readonly findable: boolean; readonly signal: AbortSignal },
  ): Promise<{ readonly accepted: number; readonly refused: readonly FrameRefusal[] }>
  setFindable(accountId: string, findable: boolean): Promise<void>
  forget(accountId: string): Promise<void>
  /** What is kept of a face, without the numbers. */
  list(accountId: string): Promise<{ model: string; numbers: number; createdAt: string }[]>
  /** Forgets faces whose account is gone, which a crash at the wrong moment may leave. */
  sweep(exists: (accountId: string) => Promise<boolean>): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the store and starts the threads; networks load in the background, and `ready` says when they are there.
 *
 * @param storeUrl `file:...` or `postgres://...`.
 */
export async function openFaces(options: { storeUrl: string; keys: Keys; workers: number }): Promise<Faces> {
  const { storeUrl, keys, workers } = options
  const store = encrypted(await openStore(storeUrl), {
    key: keys.embeddings,
    model: EMBEDDER,
    ...(storeUrl.startsWith('postgres') && { maxAge: COPY_AGE }),
  })
  const fw = await createFacewiseWorker({
    workers,
    store,
    embedder: EMBEDDER,
    attributes: ['quality'],
    detector: { minFaceSize: MIN_FACE },
    worker: () => new Worker(new URL('./inference-thread.mjs', import.meta.url)),
  })
  const manifest = parseManifest(packagedManifests[EMBEDDER])
  if (manifest.task !== 'embedding') throw new Error(`${EMBEDDER} is no embedder.`)
  const { metric, thresholds } = manifest.embedding
  const { threshold } = rateFor(thresholds?.rates ?? [], FMR, EMBEDDER)
  const turns = createTurns()

  let ready = false
  const warm = fw.warmup().then(
    () => {
      ready = true
    },
    // The next call tries again and says what is wrong.
    () => {},
  )
  /** Two rivals beside the largest are enough to know that it is not alone; a crowd would cost an embedding a head. */
  const framePixels = { maxPixels: LIMITS.frameSide ** 2, maxFaces: 3, keep: 'largest' } as const

  return {
    identity: { threshold, metric },
    get ready() {
      return ready
    },
    async look(frame, { embed, signal }) {
      if (!embed) return { faces: await fw.detect(frame, { ...framePixels, signal }) }
      const faces = await fw.represent(frame, { ...framePixels, signal })
      const largest = largestOf(faces)
      return { faces, ...(largest && { embedding: largest.embedding.vector }) }
    },
    async quality(frame, signal) {
      return largestOf(await fw.describe(frame, { ...framePixels, attributes: ['quality'], signal }))?.quality
    },
    async isOf(accountId, vector) {
      for await (const template of store.list({ subject: accountId })) {
        if (distance(template.vector, vector, metric) <= threshold) return true
      }
      return false
    },
    async whose(frame, signal) {
      const faces = await fw.identify(frame, {
        ...framePixels,
        fpir: FPIR,
        margin: MARGIN,
        where: { findable: true },
        signal,
      })
      return largestOf(faces)?.match?.subject ?? null
    },
    enrol: (accountId, pictures, { findable, signal }) =>
      turns(accountId, async () => {
        const settings = {
          replace: true,
          metadata: { findable },
          // Saying that somebody is enrolled under another account would tell who has one.
          duplicates: 'ignore',
          signal,
        } as const
        const { frames } = await fw.enroll(accountId, pictures, settings).catch(error => {
          if (!isFacewiseError(error) || error.code !== 'ENROLMENT_REFUSED') throw error
          // None can be used, and nothing was stored: looked at again to say why.
          return fw.enroll(accountId, pictures, { ...settings, dryRun: true })
        })
        const refused = frames.flatMap(({ reasons: [reason] }) => (reason ? [reason] : []))
        return { accepted: frames.length - refused.length, refused }
      }),
    setFindable: (accountId, findable) =>
      turns(accountId, async () => {
        const records = []
        for await (const record of store.list({ subject: accountId }))
          records.push({ ...record, metadata: { findable } })
        if (records.length > 0) await store.upsert(records)
      }),
    forget: accountId =>
      turns(accountId, async () => {
        await fw.forget(accountId)
      }),
    async list(accountId) {
      const kept = []
      for await (const { model, vector, time } of store.list({ subject: accountId })) {
        kept.push({ model, numbers: vector.length, createdAt: new Date(time).toISOString() })
      }
      return kept
    },
    async sweep(exists) {
      const orphans = new Set<string>()
      for await (const { subject } of store.list()) if (!(await exists(subject))) orphans.add(subject)
      for (const subject of orphans) await store.delete({ subject })
    },
    async close() {
      await fw.dispose()
      await warm
      await store.close()
    },
  }
}

function largestOf<T extends { readonly box: { readonly width: number } }>(faces: readonly T[]): T | undefined {
  return [...faces].sort((a, b) => b.box.width - a.box.width)[0]
}

/** What changes an account's templates, one after another: none brings back what another one has removed. */
function createTurns(): <T>(accountId: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (accountId, work) => {
    const turn = (last.get(accountId) ?? Promise.resolve()).then(work)
    const settled = turn.catch(() => {})
    last.set(accountId, settled)
    void settled.then(() => {
      if (last.get(accountId) === settled) last.delete(accountId)
    })
    return turn
  }
}
