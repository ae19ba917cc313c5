import { type Face, selectFaces } from '../../detect/index.ts'
import type { Box } from '../../image/index.ts'
import { apart, cover, overlap, sizeOf, sizeRatio } from './boxes.ts'
import { alike, blend, type Likeness } from './likeness.ts'
import { atRest, type Motion, moved, predict } from './motion.ts'

/** A face that is followed. */
export interface Track {
  readonly id: number
  /** The time of its first frame. */
  readonly since: number
  /** As it was last seen. */
  face: Face
  motion: Motion
  likeness: Likeness
  /** Whether no other face was near enough to cover a part of it when it was last seen. */
  alone: boolean
  /** In how many frames it was seen, in how many since then it was not, and the number of the last one in which it was. */
  seen: number
  missed: number
  lastFrame: number
  /** How many searches of the whole picture in a row did not find it. */
  unconfirmed: number
}

/** When a track counts as seen, and when it ends. */
export interface TrackLimits {
  readonly minScore: number
  readonly patience: number
  readonly stableAfter: number
  /** At most so many tracks, and which faces begin one where there are more. */
  readonly maxTracks: number
  readonly keep: 'best' | 'largest'
}

/** The overlap of a face with where it is expected: from a new search, and from a look at that very place. */
const SAME_PLACE = 0.3
const SAME_LOOK = 0.25
/** A face that was lost may be found this many of its sizes away, if its size and its colours are much the same. */
const JUMP = 1
const JUMP_RATIO = 1.5
const JUMP_LIKENESS = 0.6
/** The likeness under which something else lies where a face was: a hand, or another face in front of it. */
const UNLIKE = 0.3
/** How far two boxes cover each other where they must be one face; and where each may pull at the other. */
const ONE_FACE = 0.6
const NEAR = 0.1
/** Middles that are nearer than so many sizes: heads are larger than the boxes of their faces, and one may hide a part of the other. */
const TOUCHING = 1.25
/** What a frame counts in a track's likeness. */
const LEARNING = 0.1
/**
 * So many searches in a row that do not find it end a track of which the last stage is not quite sure: that can stick to what is no face.
 * Of one that it is sure of, the stages before it may have missed it: a face turned aside, or one that has become small.
 */
const UNCONFIRMED = 4
const SURE = 0.9

/**
 * The faces of a video, by the ids that they keep. It knows nothing of detectors: it is told what was found, first where tracks were
 * expected (`look`), then, in some frames, in the whole picture (`search`), and then that the frame is over (`close`).
 */
export interface Tracks {
  /** Those that have not ended, the oldest first. */
  readonly all: readonly Track[]
  /** Those that were not seen in this frame so far. */
  missing(): Track[]
  /** Where each of them should be at that time. */
  expect(time: number): Box[]
  /**
   * Takes in what was found at the expected places.
   *
   * @param faces one for each track, as `expect` gave them. @param likenessAt what the picture shows in a box.
   */
  look(faces: readonly Face[], time: number, likenessAt: (box: Box) => Likeness): void
  /** Takes in all faces of the frame. Those that belong to no track begin one. */
  search(faces: readonly Face[], time: number, likenessAt: (box: Box) => Likeness): void
  /** Ends tracks that were not seen for too long, or have left the picture. @returns their ids. */
  close(time: number, picture: { readonly width: number; readonly height: number }): number[]
  /** Ends one, as for a face that turned out to be somebody else's, and begins another in its place. */
  replace(track: Track, time: number): Track
  /** Ends all. @returns their ids. */
  clear(): number[]
}

/** No tracks yet. */
export function createTracks({ minScore, patience, stableAfter, maxTracks, keep }: TrackLimits): Tracks {
  let tracks: Track[] = []
  let nextId = 1
  /** Two frames may have the same time. */
  let frame = 0

  const begin = (face: Face, time: number, likeness: Likeness): Track => ({
    id: nextId++,
    since: time,
    face,
    motion: atRest(face.box, time),
    likeness,
    alone: true,
    seen: 1,
    missed: 0,
    lastFrame: frame,
    unconfirmed: 0,
  })
  const isSeen = (track: Track): boolean => track.lastFrame === frame
  const others = (track: Track, time: number): Box[] =>
    tracks.filter(other => other !== track).map(({ motion }) => predict(motion, time))

  function see(track: Track, face: Face, time: number, likeness: Likeness): void {
    const again = isSeen(track)
    const around = others(track, time)
    const free = !around.some(box => overlap(box, face.box) > NEAR)
    // A jump after a while unseen says little about the speed.
    track.motion = moved(track.motion, face.box, time, free && track.missed === 0)
    track.alone = !around.some(box => apart(box, face.box) < (TOUCHING * (sizeOf(box) + sizeOf(face.box))) / 2)
    if (free) track.likeness = blend(track.likeness, likeness, LEARNING)
    track.face = face
    track.missed = 0
    track.lastFrame = frame
    if (!again) track.seen++
  }

  return {
    get all() {
      return tracks
    },
    missing: () => tracks.filter(track => !isSeen(track)),
    expect: time => tracks.map(({ motion }) => predict(motion, time)),

    look(faces, time, likenessAt) {
      const claims = tracks.flatMap((track, i) => {
        const expected = predict(track.motion, time)
        const face = faces[i]
        const place = overlap(expected, face.box)
        if (face.score < minScore || place < SAME_LOOK) return []
        const likeness = likenessAt(face.box)
        const likely = alike(track.likeness, likeness)
        return likely < UNLIKE ? [] : [{ track, face, likeness, fit: place + likely }]
      })
      // Two tracks that came to the same face: it is the one's that it fits better.
      const taken: Box[] = []
      for (const { track, face, likeness } of claims.sort((a, b) => b.fit - a.fit)) {
        if (taken.some(box => cover(box, face.box) > ONE_FACE)) continue
        taken.push(face.box)
        see(track, face, time, likeness)
      }
    },

    search(faces, time, likenessAt) {
      const likenesses = faces.map(({ box }) => likenessAt(box))
      const free = new Set(faces.keys())
      const waiting = new Set(tracks)
      /** Pairs tracks with faces, the best pair first. */
      const pair = (fits: (track: Track, i: number) => number | undefined): void => {
        const pairs = [...waiting].flatMap(track =>
          [...free].flatMap(i => {
            const fit = fits(track, i)
            return fit === undefined ? [] : [{ track, i, fit }]
          }),
        )
        for (const { track, i } of pairs.sort((a, b) => b.fit - a.fit)) {
          if (!waiting.has(track) || !free.has(i)) continue
          waiting.delete(track)
          free.delete(i)
          track.unconfirmed = 0
          // A look at its own place is steadier from frame to frame than a search; that says only that it is there.
          if (!isSeen(track) || overlap(track.face.box, faces[i].box) < 0.5) {
            see(track, faces[i], time, likenesses[i])
          }
        }
      }
      const place = (track: Track, i: number): number => overlap(predict(track.motion, time), faces[i].box)
      const likely = (track: Track, i: number): number => alike(track.likeness, likenesses[i])
      pair((track, i) => (isSeen(track) && place(track, i) >= SAME_PLACE ? place(track, i) : undefined))
      pair((track, i) =>
        place(track, i) >= SAME_PLACE && likely(track, i) >= UNLIKE ? place(track, i) + likely(track, i) : undefined,
      )
      pair((track, i) => {
        const expected = predict(track.motion, time)
        const far = apart(expected, faces[i].box) / sizeOf(faces[i].box)
        const near = far < JUMP && sizeRatio(expected, faces[i].box) < JUMP_RATIO
        return near && !isSeen(track) && likely(track, i) >= JUMP_LIKENESS ? likely(track, i) - far : undefined
      })
      const seen = tracks.filter(isSeen)
      for (const track of seen) if (waiting.has(track) && track.face.score < SURE) track.unconfirmed++
      const strangers = faces.filter(
        ({ box }, i) => free.has(i) && !seen.some(({ face }) => cover(face.box, box) > ONE_FACE),
      )
      for (const face of selectFaces(strangers, Math.max(0, maxTracks - tracks.length), keep)) {
        tracks.push(begin(face, time, likenesses[faces.indexOf(face)]))
      }
    },

    close(time, { width, height }) {
      const isOver = (track: Track): boolean => {
        if (track.unconfirmed >= UNCONFIRMED) return true
        if (track.missed === 0) return false
        if (track.missed >= (track.seen < stableAfter ? 1 : patience)) return true
        const { x, y, width: wide, height: high } = predict(track.motion, time)
        const [middleX, middleY] = [x + wide / 2, y + high / 2]
        return middleX < 0 || middleY < 0 || middleX > width || middleY > height
      }
      for (const track of tracks) if (!isSeen(track)) track.missed++
      const over = tracks.filter(isOver)
      tracks = tracks.filter(track => !over.includes(track))
      frame++
      return over.map(({ id }) => id)
    },

    replace(track, time) {
      const other = { ...begin(track.face, time, track.likeness), motion: track.motion }
      tracks = [...tracks.filter(each => each !== track), other]
      return other
    },

    clear() {
      const ids = tracks.map(({ id }) => id)
      tracks = []
      return ids
    },
  }
}
