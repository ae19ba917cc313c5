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
  /** What the channels of its output are, in order. */
  output: string[]
}

/** Everything about a model that a caller must not guess. */
export interface Manifest {
  schema: 1
  name: string
  title: string
  task: 'detection'
  input: {
    /** Order of the colour channels. */
    channels: 'rgb'
    /** A byte b becomes (b - mean) / divisor. */
    mean: number
    divisor: number
  }
  networks: NetworkManifest[]
  licence: { spdx: string; notice: string }
  /** Where the numbers come from. */
  source: { paper: string; weights: string; sha256: string }
}

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
  output: v.pipe(v.array(v.string()), v.minLength(1)),
})

/** The schema of a {@link Manifest}. */
export const ManifestSchema: v.GenericSchema<unknown, Manifest> = v.strictObject({
  schema: v.literal(1),
  name: Name,
  title: v.string(),
  task: v.picklist(['detection']),
  input: v.strictObject({
    channels: v.literal('rgb'),
    mean: v.number(),
    divisor: v.pipe(v.number(), v.minValue(Number.MIN_VALUE)),
  }),
  networks: v.pipe(
    v.array(NetworkSchema),
    v.minLength(1),
    v.check(networks => new Set(networks.map(n => n.name)).size === networks.length, 'two networks have one name'),
  ),
  licence: v.strictObject({ spdx: v.string(), notice: v.string() }),
  source: v.strictObject({ paper: v.string(), weights: v.string(), sha256: Sha256 }),
})

/** @throws FacewiseError `MODEL_INVALID` that names the field. */
export function parseManifest(value: unknown): Manifest {
  const result = v.safeParse(ManifestSchema, value)
  if (result.success) return result.output
  const issues = result.issues.map(issue => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`)
  throw new FacewiseError('MODEL_INVALID', `The manifest is not valid. ${issues.join('; ')}`)
}
