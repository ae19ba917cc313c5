import type { AgeGender, EmotionScores, FaceQuality, HeadPose, PassiveLiveness } from '../attributes/index.ts'
import type { Engine } from '../backends/index.ts'
import type { DetectOptions, Face, FaceRule } from '../detect/index.ts'
import type { Embedder, Embedding, Verification, VerifyOptions } from '../embed/index.ts'
import type { ImageInput } from '../image/index.ts'
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

/** Options of {@link Facewise.describe}. */
export interface DescribeOptions extends DetectOptions {
  /** What to tell; as `createFacewise` was told by default. */
  readonly attributes?: readonly AttributeName[]
}

/** Options of {@link Facewise.verify}. */
export interface VerifyPicturesOptions extends VerifyOptions {
  readonly signal?: AbortSignal
  /** Which face of a picture is meant where it shows several; the `largest` by default. `only` makes several an error. */
  readonly face?: FaceRule
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

/** Options of {@link Facewise.identify}. */
export interface IdentifyOptions extends DetectOptions {
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

/** The whole library as one object: finds, compares, describes, remembers and recognises faces. */
export interface Facewise {
  /** The faces of a picture, best score first. */
  detect(input: ImageInput, options?: DetectOptions): Promise<Face[]>
  /** The faces of a picture with their embeddings. */
  represent(input: ImageInput, options?: DetectOptions): Promise<RepresentedFace[]>
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
