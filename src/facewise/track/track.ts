import type { Detector, Face } from '../../detect/index.ts'
import type { Box, Picture } from '../../image/index.ts'
import type { TrackedFace, TrackedFrame, TrackSource } from '../facewise.ts'
import { endingAtOnce } from './ending.ts'
import { framesOf } from './frames.ts'
import { createIdentities, type Identities, type IdentityParts } from './identities.ts'
import { likenessOf } from './likeness.ts'
import { createReadings, type Describe, type Readings } from './readings.ts'
import type { TrackSettings } from './settings.ts'
import type { Frames, SourceFrame } from './source.ts'
import { type Brightness, brightnessOf, stirred } from './stir.ts'
import { createTracks, type Track, type Tracks } from './tracks.ts'

/** The parts of the library that a video is followed with. */
export interface TrackParts {
  /** @throws FacewiseError `DISPOSED` */
  assertUsable(): void
  detector(): Promise<Detector>
  readonly describe: Describe
  readonly identity: IdentityParts | undefined
}

/** In milliseconds. After a longer gap a face at the same place may be anybody's. */
const LONGEST_GAP = 5000

/**
 * Follows the faces of a source.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` at once for what is no source.
 */
export function trackFaces(
  source: TrackSource,
  settings: TrackSettings,
  parts: TrackParts,
): AsyncGenerator<TrackedFrame, void, undefined> {
  const open = framesOf(source, { ...settings, ...settings.detect })
  let frames: Frames | undefined

  async function* run(): AsyncGenerator<TrackedFrame, void, undefined> {
    parts.assertUsable()
    const follow = follower(settings, parts)
    frames = open()
    try {
      for (;;) {
        const frame = await frames.next()
        if (!frame) return
        parts.assertUsable()
        yield await follow(frame)
      }
    } finally {
      await frames.close()
    }
  }

  return endingAtOnce(run(), () => frames?.close())
}

/** Takes frames one after another and says which faces they show. */
function follower(settings: TrackSettings, parts: TrackParts): (frame: SourceFrame) => Promise<TrackedFrame> {
  const { every, minScore, stableAfter, detect } = settings
  /** Where something moves or a face is lost, the picture is searched again after so many frames. */
  const soon = Math.ceil(every / 4)
  const tracks: Tracks = createTracks({
    ...settings,
    maxTracks: settings.maxFaces ?? Number.POSITIVE_INFINITY,
    keep: settings.keep ?? 'best',
  })
  const readings: Readings = createReadings(settings, parts.describe)
  const identities: Identities | undefined = parts.identity && createIdentities(settings, parts.identity)
  let last: SourceFrame | undefined
  let sinceSearch = 0
  let searchedIn: Brightness | undefined

  const isStable = ({ seen }: Track): boolean => seen >= stableAfter
  const forget = (ids: readonly number[]): void => {
    readings.forget(ids)
    identities?.forget(ids)
  }

  /** Whether the frame begins another video, in which nothing is where it was. */
  const isCut = ({ time, picture }: SourceFrame): boolean =>
    last !== undefined &&
    (time < last.time ||
      time - last.time > LONGEST_GAP ||
      picture.width !== last.picture.width ||
      picture.height !== last.picture.height)

  const isWanted = ({ x, y, width, height }: Box): boolean => {
    const { roi } = detect
    if (!roi) return true
    const [middleX, middleY] = [x + width / 2 - roi.x, y + height / 2 - roi.y]
    return middleX >= 0 && middleY >= 0 && middleX <= roi.width && middleY <= roi.height
  }

  /** Looks for all faces: where they were, and now and then in the whole picture. @returns whether it was searched. */
  async function find(picture: Picture, time: number): Promise<boolean> {
    const detector = await parts.detector()
    const likenessAt = (box: Box): Float32Array => likenessOf(picture, box)
    const { refine } = detector
    const expected = tracks.expect(time)
    if (refine && expected.length > 0) {
      const faces = await refine.call(detector, picture, expected, { signal: detect.signal })
      tracks.look(
        faces.map(face => (isWanted(face.box) ? face : unwanted(face))),
        time,
        likenessAt,
      )
    }
    const now = brightnessOf(picture)
    const boxes = tracks.all.map(({ face }) => face.box)
    sinceSearch++
    const search =
      !refine ||
      !searchedIn ||
      sinceSearch >= every ||
      (sinceSearch >= soon && (tracks.missing().some(isStable) || stirred(searchedIn, now, boxes)))
    if (!search) return false
    const faces = await detector.detect(picture, detect)
    tracks.search(
      faces.filter(({ score }) => score >= minScore),
      time,
      likenessAt,
    )
    sinceSearch = 0
    searchedIn = now
    return true
  }

  return async frame => {
    const { picture, time, dropped } = frame
    const ended: number[] = []
    if (isCut(frame)) {
      ended.push(...tracks.clear())
      searchedIn = undefined
    }
    last = frame
    const searched = await find(picture, time)
    ended.push(...tracks.close(time, picture))
    forget(ended)
    const seen = tracks.all.filter(({ missed }) => missed === 0)
    const stable = seen.filter(isStable)
    for (const track of (await identities?.read(picture, time, stable)) ?? []) {
      tracks.replace(track, time)
      ended.push(track.id)
      forget([track.id])
    }
    await readings.read(
      picture,
      time,
      tracks.all.filter(track => stable.includes(track)),
    )
    const faces = tracks.all
      .filter(({ missed }) => missed === 0)
      .map(
        (track): TrackedFace => ({
          ...track.face,
          ...readings.of(track.id),
          ...identities?.of(track.id),
          id: track.id,
          stable: isStable(track),
          seen: track.seen,
          since: track.since,
        }),
      )
    return { time, width: picture.width, height: picture.height, faces, ended, searched, dropped, picture }
  }
}

const unwanted = (face: Face): Face => ({ ...face, score: 0 })
