import { estimatePose } from '../../attributes/index.ts'
import type { Face } from '../../detect/index.ts'
import type { Embedder, Embedding } from '../../embed/index.ts'
import { normalise } from '../../embed/index.ts'
import type { Picture } from '../../image/index.ts'
import type { SubjectMatch } from '../facewise.ts'
import { DEFAULT_FPIR, galleryLimit } from '../gallery.ts'
import type { Track } from './tracks.ts'

/** How often faces are embedded. */
export interface IdentitySettings {
  readonly refreshMs: number
  readonly identityRefreshMs: number
}

/** What identities are made with. */
export interface IdentityParts {
  embedder(): Promise<Embedder>
  embed(picture: Picture, faces: readonly Face[]): Promise<Embedding[]>
  /** Looks for the person of an embedding; absent where nobody is to be identified. */
  readonly match?: (vector: Float32Array) => Promise<SubjectMatch | null>
}

/** What is known of a track's person. */
export interface Identity {
  readonly embedding?: Embedding
  readonly match?: SubjectMatch | null
}

/** Who the faces are that are followed. */
export interface Identities {
  /**
   * Embeds what is due of the tracks that are seen in this picture, and looks for whose they are.
   *
   * @returns tracks that show somebody else than before.
   */
  read(picture: Picture, time: number, tracks: readonly Track[]): Promise<Track[]>
  of(id: number): Identity
  forget(ids: readonly number[]): void
}

/** Embeddings of which the mean is taken: the last ones. So many are made in a row of a new track. */
const KEPT = 5
const AT_FIRST = 3
/** Degrees. A face that is turned farther, or partly behind another, is embedded only where there is no embedding yet. */
const TURNED = 30

interface Person {
  embeddedAt: number
  /** How often. */
  count: number
  kept: Embedding[]
  /** Whether one of them is of a face that was well seen. */
  sure: boolean
  /** The last one, where it was not of the same person as the others. */
  odd?: Embedding
  identity: Identity
}

/**
 * Embeddings by track. Their mean is what is looked for in the store, since it is steadier than any of them. Two in a row that are of one
 * other person than those before tell that the track has gone over from one face to another.
 */
export function createIdentities(settings: IdentitySettings, parts: IdentityParts): Identities {
  const people = new Map<number, Person>()
  const personOf = (id: number): Person => {
    const person = people.get(id) ?? {
      embeddedAt: Number.NEGATIVE_INFINITY,
      count: 0,
      kept: [],
      sure: false,
      identity: {},
    }
    people.set(id, person)
    return person
  }
  const isDue = (track: Track, time: number): boolean => {
    const { count, embeddedAt, odd } = personOf(track.id)
    const pause = count < AT_FIRST || odd ? settings.refreshMs : settings.identityRefreshMs
    if (time - embeddedAt < pause) return false
    return count === 0 || isWellSeen(track)
  }

  return {
    async read(picture, time, tracks) {
      const due = tracks
        .filter(track => isDue(track, time))
        .sort((a, b) => personOf(a.id).embeddedAt - personOf(b.id).embeddedAt)
      // One a frame: the embedder is the dearest part.
      const [track] = due
      if (!track) return []
      const [embedding] = await parts.embed(picture, [track.face])
      const embedder = await parts.embedder()
      const { metric, thresholds } = embedder.manifest.embedding
      // Without measured thresholds nobody can say what is another person.
      const { threshold } = thresholds?.rates?.length
        ? galleryLimit(embedder.manifest, DEFAULT_FPIR, 1)
        : { threshold: Number.POSITIVE_INFINITY }
      const person = personOf(track.id)
      person.embeddedAt = time
      person.count++
      // What was seen badly at first gives way, and tells nothing about who came after.
      const sure = isWellSeen(track)
      if (sure && !person.sure) person.kept = []
      const mean = person.sure ? person.identity.embedding : undefined
      person.sure ||= sure
      if (mean && embedder.distance(mean, embedding) > threshold) {
        const { odd } = person
        person.odd = embedding
        return odd && embedder.distance(odd, embedding) <= threshold ? [track] : []
      }
      person.odd = undefined
      person.kept = [...person.kept, embedding].slice(-KEPT)
      const vector = meanOf(person.kept.map(kept => kept.vector))
      const whole = { vector: metric === 'cosine' ? normalise(vector) : vector, model: embedding.model }
      person.identity = { embedding: whole, ...(parts.match && { match: await parts.match(whole.vector) }) }
      return []
    },
    of: id => people.get(id)?.identity ?? {},
    forget(ids) {
      for (const id of ids) people.delete(id)
    },
  }
}

function isWellSeen({ alone, face }: Track): boolean {
  return alone && (!face.landmarks || Math.abs(estimatePose(face.landmarks).yaw) < TURNED)
}

function meanOf(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0].length)
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i] += vector[i] / vectors.length
  return mean
}
