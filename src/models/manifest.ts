import * as v from 'valibot'
import { FacewiseError } from '../errors.ts'

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 hexadecimal digits'))
const Name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._+-]*$/, 'a name is lower-case letters, digits and . _ + -'))

/** A file of a model. */
export interface ModelFile {
  /** Name inside the model's folder; no path leads out of it. */
  path: string
  bytes: number
  /** 64 hexadecimal digits. */
  sha256: string
}

/** One network of a model. */
export interface NetworkManifest {
  name: string
  /** The graph model. */
  graph: ModelFile
  /** The weight files, in the order of the graph model's `weightsManifest`. */
  weights: ModelFile[]
  /** Height and width that it takes, or `any` where it is fully convolutional. */
  inputSize: 'any' | [height: number, width: number]
  /** What the channels of its output are, in order; or how many, where they have no meaning one by one. */
  output: string[] | number
}

/** What every manifest says. */
interface CommonManifest {
  schema: 1
  name: string
  title: string
  input: {
    /** Order of the colour channels that the network wants. Callers give RGB always; they are exchanged for it. */
    channels: 'rgb' | 'bgr'
    /** A byte b becomes (b - mean) / divisor; three means are for red, green and blue. */
    mean: number | [red: number, green: number, blue: number]
    divisor: number
  }
  networks: NetworkManifest[]
  licence: { spdx: string; notice: string }
  /** Where the numbers come from; the sha256 of `weights`, where that is one file. */
  source: { paper?: string; weights: string; sha256?: string }
}

/** Everything about a model that finds faces. */
export interface DetectorManifest extends CommonManifest {
  task: 'detection'
}

/** Everything about a model that turns a face into an embedding. */
export interface EmbedderManifest extends CommonManifest {
  task: 'embedding'
  embedding: EmbeddingManifest
}

/** Everything about a model that describes a face. */
export interface ClassifierManifest extends CommonManifest {
  task: 'classification'
  classification: ClassificationManifest
}

/** How a face has to be cut out for a classifier. What its numbers are, the `output` of its network names. */
export interface ClassificationManifest {
  alignment: Alignment
  /** Whether the numbers of the mirrored face are averaged with it: steadier, in twice the time. */
  mirror: boolean
}

/** What an embedding is, and how a face has to be cut out for it. */
export interface EmbeddingManifest {
  /** Numbers of an embedding. */
  dimension: number
  /** In which two embeddings are compared; thresholds and calibration are in it. */
  metric: 'cosine' | 'euclidean'
  alignment: Alignment
  /** Whether the embedding of the mirrored face is added: better, in twice the time. */
  mirror: boolean
  /** The mean embedding (of other people), which is subtracted before an embedding is normalised again. */
  centre?: number[]
  thresholds?: ThresholdTable
  /** The probability that two faces are one person's, both being as likely before: 1 / (1 + exp(-(slope * distance + intercept))). */
  calibration?: { slope: number; intercept: number }
}

/** Left eye, right eye, nose, left and right mouth corner in pixels; left and right as seen in the picture. */
export type FivePoints = readonly [Point, Point, Point, Point, Point]

export type Point = readonly [x: number, y: number]

/** How a face is brought to the input of a network; part of what the network is. */
export type Alignment = BoxAlignment | PointAlignment

/** The box of the face, with a margin, stretched to the input. */
export interface BoxAlignment {
  readonly kind: 'box'
  /**
   * What is added on the left and on the right (`x`), above and below (`y`): in shares of the box's width and height, or in pixels of
   * the picture. Less than 0 cuts off. FaceNet's own margin of 44 pixels in all is `{ x: 22, y: 22, unit: 'pixels' }`.
   */
  readonly margin: { readonly x: number; readonly y: number; readonly unit: 'share' | 'pixels' }
  /** Lengthens the shorter side, after the margin, about the same centre, so that nothing is stretched. Not by default. */
  readonly square?: boolean
  /**
   * What becomes of a box that leaves the picture. `clip`, the default: it is cut at the picture's edge before it is stretched, as in
   * FaceNet's own code. `black`: what lies outside is black. `repeat`: it shows the outermost pixels again.
   */
  readonly outside?: 'clip' | 'black' | 'repeat'
}

/** The similarity that brings a face's five points nearest to a template. What lies outside the picture is black. */
export interface PointAlignment {
  readonly kind: 'points'
  /** In pixels of the input; the top left corner of the top left pixel is (0, 0). */
  readonly template: FivePoints
}

/** Error rates of comparisons, as ISO/IEC 19795-1 names them, by the distance up to which two faces count as one person's. */
export interface ThresholdTable {
  /** Pictures and pairs. */
  measuredOn: string
  /** How many pairs of one person, and of two. */
  genuine: number
  impostor: number
  rates: ThresholdRate[]
}

/** One line of a {@link ThresholdTable}: intervals are of 95 %. */
export interface ThresholdRate {
  /** Share of pairs of two people that count as one person (false match rate). */
  fmr: number
  threshold: number
  fmrInterval: [low: number, high: number]
  /** Share of pairs of one person that count as two people (false non-match rate). */
  fnmr: number
  fnmrInterval: [low: number, high: number]
}

/** Everything about a model that a caller must not guess. */
export type Manifest = DetectorManifest | EmbedderManifest | ClassifierManifest

const Side = v.pipe(v.number(), v.integer(), v.minValue(1))

const FileSchema = v.strictObject({
  path: v.pipe(v.string(), v.regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a path stays inside the model folder')),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  sha256: Sha256,
})

const NetworkSchema = v.strictObject({
  name: Name,
  graph: FileSchema,
  weights: v.pipe(v.array(FileSchema), v.minLength(1)),
  inputSize: v.union([v.literal('any'), v.tuple([Side, Side])]),
  output: v.union([v.pipe(v.array(v.string()), v.minLength(1)), Side]),
})

const Finite = v.pipe(v.number(), v.finite())
const Share = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
const Interval = v.tuple([Share, Share])
const Point = v.tuple([Finite, Finite])

// In the order in which a manifest is read and written.
const head = { schema: v.literal(1), name: Name, title: v.string() }
const body = {
  input: v.strictObject({
    channels: v.picklist(['rgb', 'bgr']),
    mean: v.union([Finite, v.tuple([Finite, Finite, Finite])]),
    divisor: v.pipe(Finite, v.minValue(Number.MIN_VALUE)),
  }),
  networks: v.pipe(
    v.array(NetworkSchema),
    v.minLength(1),
    v.check(networks => new Set(networks.map(n => n.name)).size === networks.length, 'two networks have one name'),
  ),
  licence: v.strictObject({ spdx: v.string(), notice: v.string() }),
  source: v.strictObject({ paper: v.optional(v.string()), weights: v.string(), sha256: v.optional(Sha256) }),
}

const AlignmentSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('box'),
    margin: v.strictObject({ x: Finite, y: Finite, unit: v.picklist(['share', 'pixels']) }),
    square: v.optional(v.boolean()),
    outside: v.optional(v.picklist(['clip', 'black', 'repeat'])),
  }),
  v.strictObject({ kind: v.literal('points'), template: v.tuple([Point, Point, Point, Point, Point]) }),
])

const EmbeddingSchema = v.pipe(
  v.strictObject({
    dimension: Side,
    metric: v.picklist(['cosine', 'euclidean']),
    alignment: AlignmentSchema,
    mirror: v.boolean(),
    centre: v.optional(v.array(Finite)),
    thresholds: v.optional(
      v.strictObject({
        measuredOn: v.string(),
        genuine: Side,
        impostor: Side,
        rates: v.array(
          v.strictObject({ fmr: Share, threshold: Finite, fmrInterval: Interval, fnmr: Share, fnmrInterval: Interval }),
        ),
      }),
    ),
    calibration: v.optional(v.strictObject({ slope: Finite, intercept: Finite })),
  }),
  v.forward(
    v.check(({ centre, dimension }) => !centre || centre.length === dimension, 'there is one number a dimension'),
    ['centre'],
  ),
)

/** How many channels the output of a network has. */
export function channelsOf({ output }: NetworkManifest): number {
  return typeof output === 'number' ? output : output.length
}

const DetectorSchema = v.strictObject({ ...head, task: v.literal('detection'), ...body })
const EmbedderSchema = v.pipe(
  v.strictObject({ ...head, task: v.literal('embedding'), ...body, embedding: EmbeddingSchema }),
  v.forward(
    v.check(
      ({ networks: [network], embedding }) => channelsOf(network) === embedding.dimension,
      'the first network gives another number of channels',
    ),
    ['embedding', 'dimension'],
  ),
)

const ClassifierSchema = v.pipe(
  v.strictObject({
    ...head,
    task: v.literal('classification'),
    ...body,
    classification: v.strictObject({ alignment: AlignmentSchema, mirror: v.boolean() }),
  }),
  v.forward(
    v.check(({ networks: [network] }) => typeof network.output !== 'number', 'a classifier names its outputs'),
    ['networks'],
  ),
)

/** The schema of a {@link Manifest}. */
export const ManifestSchema: v.GenericSchema<unknown, Manifest> = v.variant('task', [
  DetectorSchema,
  EmbedderSchema,
  ClassifierSchema,
])

/** @throws FacewiseError `MODEL_INVALID` that names the field. */
export function parseManifest(value: unknown): Manifest {
  const result = v.safeParse(ManifestSchema, value)
  if (result.success) return result.output
  const issues = result.issues.map(issue => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`)
  throw new FacewiseError('MODEL_INVALID', `The manifest is not valid. ${issues.join('; ')}`)
}
