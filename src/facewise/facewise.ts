import type { AgeGender, EmotionScores, FaceQuality, HeadPose, PassiveLiveness } from '../attributes/index.ts'
import type { Engine } from '../backends/index.ts'
import type { DetectOptions, Face, FaceRule } from '../detect/index.ts'
import type { Embedder, Embedding, Verification, VerifyOptions } from '../embed/index.ts'
import type { ImageInput, Picture } from '../image/index.ts'
import type { EmbeddingStore, Metadata, Where } from '../store/index.ts'

/** What {@link Facewise.describe} can tell of a face. */
export type AttributeName = 'emotion' | 'age-gender' | 'pose' | 'quality' | 'liveness'

/** A face with its embedding. */
export interface RepresentedFace extends Face {
  readonly embedding: Embedding
}

/** A face and what it looks like: of that what was asked for. */
export interface DescribedFace extends Face, Partial<AgeGender> {
  readonly emotion?: EmotionScores
  /** Absent also for a face without landmarks. */
  readonly pose?: HeadPose
  readonly quality?: FaceQuality
  readonly liveness?: PassiveLiveness
}

/** Options of the calls that look for the faces of one picture. */
export interface PictureOptions extends Omit<DetectOptions, 'keep'> {
  /**
   * Which faces `maxFaces` keeps: those with the best score (the default), the largest, or those nearest to the middle of the picture
   * (`center`).
   */
  readonly keep?: 'best' | 'largest' | 'center'
  /**
   * The picture is an aligned crop of one face already: none is looked for. The face is the whole picture, with score 1 and without
   * landmarks, so it has no pose; `roi`, `maxFaces` and `keep` mean nothing then. `false` by default.
   */
  readonly aligned?: boolean
}

/** Options of {@link Facewise.describe}. */
export interface DescribeOptions extends PictureOptions {
  /** What to tell; as `createFacewise` was told by default. */
  readonly attributes?: readonly AttributeName[]
}

/** Options of {@link Facewise.verify}. */
export interface VerifyPicturesOptions extends VerifyOptions {
  readonly signal?: AbortSignal
  /** Which face of a picture is meant where it shows several; the `largest` by default. `only` makes several an error. */
  readonly face?: FaceRule
  /** As in {@link PictureOptions}, of both pictures. */
  readonly aligned?: boolean
}

/** Whether two pictures show one person, and which faces were compared. */
export interface PictureVerification extends Verification {
  readonly faces: readonly [RepresentedFace, RepresentedFace]
}

/** Options of {@link Facewise.enroll}. */
export interface EnrollOptions {
  readonly signal?: AbortSignal
  /**
   * The least quality of a frame, 0 to 1 (`assessQuality`); 0.5 by default. A frame with something wrong (too small, blurred, turned, ...) is
   * refused whatever its score. 0 takes every face.
   */
  readonly minQuality?: number
  /**
   * Which templates are kept of the frames: `mean` (the default) their mean alone, `all` one for each, `best` the frame with the best
   * quality, a number the best so many. What each is worth: the guide on identification.
   */
  readonly templates?: 'all' | 'mean' | 'best' | number
  /** What to do with somebody who is enrolled as another subject already: `refuse` (the default), `report` in the result, or `ignore`. */
  readonly duplicates?: 'refuse' | 'report' | 'ignore'
  /** Removes the subject's earlier templates once the new ones are stored; without it they are added. */
  readonly replace?: boolean
  /** Stored with every template. */
  readonly metadata?: Metadata
  /** Looks at everything and stores nothing: for a guided capture that wants to tell what is wrong. Never refuses. */
  readonly dryRun?: boolean
  /** As in {@link PictureOptions}, of all pictures. */
  readonly aligned?: boolean
}

/** Why a frame was not taken. `code` is for programs, `message` for the person before the camera. */
export interface FrameReason {
  readonly code: string
  readonly message: string
}

/** A picture of an enrolment, and what became of it. */
export interface EnrolledFrame {
  readonly accepted: boolean
  /** Empty for an accepted one. */
  readonly reasons: readonly FrameReason[]
  /** Absent where the picture shows no face, or several of which none stands out. */
  readonly face?: Face
  readonly quality?: FaceQuality
}

/** What an enrolment did. */
export interface Enrolment {
  readonly subject: string
  /** The frames in the order in which they were given. */
  readonly frames: readonly EnrolledFrame[]
  /** Ids of the stored templates; none after a dry run. */
  readonly templates: readonly string[]
  /** Other subjects under whom the same person seems to be enrolled. */
  readonly duplicates: readonly { readonly subject: string; readonly distance: number }[]
}

/** Who counts as recognised. */
export interface MatchOptions {
  /**
   * Share of strangers that may be taken for somebody (false positive identification rate); 0.01 by default. The threshold follows from
   * it and from how many templates the store holds.
   */
  readonly fpir?: number
  /** The largest distance of a match, in the model's metric; takes the place of `fpir`. */
  readonly threshold?: number
  /** How much nearer than the next subject a match has to be; 0 by default. */
  readonly margin?: number
  /** Only templates whose metadata fulfil this. */
  readonly where?: Where
}

/** Options of {@link Facewise.identify}. */
export interface IdentifyOptions extends PictureOptions, MatchOptions {}

/** A face, and whose it is. */
export interface IdentifiedFace extends RepresentedFace {
  /** Nothing for a stranger: nobody is near enough, or two are equally near. */
  readonly match: SubjectMatch | null
}

/** Whose face it is. */
export interface SubjectMatch {
  readonly subject: string
  readonly distance: number
  /** Up to which distance a face would have matched. */
  readonly threshold: number
  /** Share of strangers that this threshold takes for one of the enrolled, estimated from the model's table. */
  readonly fpir?: number
  /** The nearest template. */
  readonly id: string
  readonly metadata: Metadata
}

/** A picture of a video, and when it was taken. */
export interface TimedPicture {
  readonly picture: ImageInput
  /** In milliseconds from any beginning. Where it goes back, another video begins: all tracks end. */
  readonly time: number
}

/**
 * What {@link Facewise.track} can follow: pictures one after another, with their times or without, or in a browser a `<video>` element
 * or the stream of a camera.
 */
export type TrackSource =
  | AsyncIterable<ImageInput | TimedPicture>
  | Iterable<ImageInput | TimedPicture>
  | HTMLVideoElement
  | MediaStream

/** Options of {@link Facewise.track}. */
export interface TrackOptions extends DetectOptions {
  /** The whole picture is searched for new faces every so many frames; 15 by default. Where something moves, or a face is lost, sooner. */
  readonly every?: number
  /** Under this score of the detector's last stage a face that is followed counts as not seen; 0.6 by default. */
  readonly minScore?: number
  /** A track that was not seen in so many frames one after another ends, as behind somebody else; 25 by default. At the picture's edge it ends at once. */
  readonly patience?: number
  /** A track is stable once it was seen in so many frames; 3 by default. Before that it is neither described nor identified. */
  readonly stableAfter?: number
  /** What to tell of stable tracks; as `createFacewise` was told by default. An empty list is the fastest. */
  readonly attributes?: readonly AttributeName[]
  /** Whether stable tracks get embeddings; as `identify` by default. */
  readonly embeddings?: boolean
  /** Whether stable tracks are looked for in the store, and which matches count; `false` by default. */
  readonly identify?: boolean | MatchOptions
  /** After how many milliseconds the attributes of a track are read again; 500 by default. Head pose is read in every frame. */
  readonly refreshMs?: number
  /** After how many milliseconds a track is embedded and identified again; 5,000 by default. A new one is three times at `refreshMs`. */
  readonly identityRefreshMs?: number
  /**
   * Time constant in milliseconds with which attributes are smoothed (`createSmoother`); 500 by default, 0 leaves them as they are read.
   * For what is read every `refreshMs` it is at least twice that.
   */
  readonly smoothing?: number
  /** Frames a second of pictures without times; 25 by default. With `live` they get the time of their arrival instead. */
  readonly frameRate?: number
  /**
   * Whether frames come by themselves, as from a camera: then one that is not looked at before the next one comes is left out. `true` for
   * `<video>` and streams; `false` by default for pictures one after another, of which each is looked at, and asked for when the one
   * before is done with.
   */
  readonly live?: boolean
}

/** A face of a frame, and which one of the frames before it is. */
export interface TrackedFace extends DescribedFace {
  /** The same in all frames as long as the face is followed; from 1 upwards, and never given to another face. */
  readonly id: number
  /** Whether it was seen often enough to be believed, described and identified. */
  readonly stable: boolean
  /** In how many frames it was seen, this one included. */
  readonly seen: number
  /** The time of the first frame in which it was seen. */
  readonly since: number
  /** The mean of the last embeddings of the track; with `embeddings`, from the first one on. */
  readonly embedding?: Embedding
  /** Whose face it is; with `identify`, absent as long as it was not looked for. */
  readonly match?: SubjectMatch | null
}

/** A frame of a video that was looked at. */
export interface TrackedFrame {
  /** In milliseconds. */
  readonly time: number
  readonly width: number
  readonly height: number
  /** The faces that are seen in this frame, the oldest track first. */
  readonly faces: readonly TrackedFace[]
  /** Ids of the tracks that ended with this frame. */
  readonly ended: readonly number[]
  /** Whether the whole picture was searched for faces. */
  readonly searched: boolean
  /** How many frames of a live source were left out since the frame before. */
  readonly dropped: number
  /** The frame itself. */
  readonly picture: Picture
}

/** The whole library as one object: finds, compares, describes, remembers and recognises faces. */
export interface Facewise {
  /** The faces of a picture, best score first. */
  detect(input: ImageInput, options?: PictureOptions): Promise<Face[]>
  /** The faces of a picture with their embeddings. */
  represent(input: ImageInput, options?: PictureOptions): Promise<RepresentedFace[]>
  /** The faces of a picture and what they look like. */
  describe(input: ImageInput, options?: DescribeOptions): Promise<DescribedFace[]>
  /**
   * Whether two pictures show one person.
   *
   * @throws FacewiseError `FACE_NOT_FOUND`, `FACE_AMBIGUOUS` (with `face: 'only'`), and as `Embedder.verify`.
   */
  verify(a: ImageInput, b: ImageInput, options?: VerifyPicturesOptions): Promise<PictureVerification>
  /**
   * Remembers a person by one or several pictures: each has to show one face, good enough and of the same person as the others.
   *
   * @throws FacewiseError `ENROLMENT_REFUSED` if no picture can be used, if they do not show one person, or if that is enrolled
   * under another name already; its message says why, and nothing was stored. `STORE_MISMATCH` and the other errors of stores.
   */
  enroll(subject: string, pictures: ImageInput | readonly ImageInput[], options?: EnrollOptions): Promise<Enrolment>
  /** The faces of a picture, each with the enrolled person that it is, or `null`. */
  identify(input: ImageInput, options?: IdentifyOptions): Promise<IdentifiedFace[]>
  /**
   * Follows the faces of a video: the iterator gives frame by frame the faces with ids that stay the same.
   *
   * Frames are looked at one at a time, when the iterator is asked for the next one; nothing is queued. Leaving the loop, or an error,
   * ends the source's iterator and frees whatever belongs to the video.
   *
   * @throws FacewiseError `INVALID_ARGUMENT` at once for options that make no sense and what is no source. While it runs: `ABORTED`
   * once `signal` has fired, `IMAGE_UNREADABLE` for a video that cannot be played, and as `detect`, `describe` and `identify`.
   */
  track(source: TrackSource, options?: TrackOptions): AsyncGenerator<TrackedFrame, void, undefined>
  /** Removes all templates of a subject. @returns how many there were. */
  forget(subject: string, options?: { readonly signal?: AbortSignal }): Promise<number>
  /** Where faces are remembered. */
  readonly store: EmbeddingStore
  /** The embedder; loaded by this call if it was not. */
  embedder(): Promise<Embedder>
  /** The backend on which parts are loaded; started by this call if it was not. */
  engine(): Promise<Engine>
  /** Loads everything that calls would load when first needed. */
  warmup(options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Frees what it has loaded and closes the store that it has opened; parts that were given to it stay as they are. */
  dispose(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
