import * as v from 'valibot'
import { FacewiseError } from '../errors.ts'

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 hexadecimal digits'))
const Name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._+-]*$/, 'a name is lower-case letters, digits and . _ + -'))

const FileSchema = v.strictObject({
  /** Name inside the model's folder; no path leads out of it. */
  path: v.pipe(v.string(), v.regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a path stays inside the model folder')),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  sha256: Sha256,
})

const NetworkSchema = v.strictObject({
  name: Name,
  /** The graph model, and the weight files in the order of its `weightsManifest`. */
  graph: FileSchema,
  weights: v.pipe(v.array(FileSchema), v.minLength(1)),
  /** Height and width that it takes, or `any` where it is fully convolutional. */
  inputSize: v.union([v.literal('any'), v.tuple([v.number(), v.number()])]),
  /** What the channels of its output are, in order. */
  output: v.pipe(v.array(v.string()), v.minLength(1)),
})

/** The schema of a manifest: everything about a model that a caller must not guess. */
export const ManifestSchema = v.strictObject({
  schema: v.literal(1),
  name: Name,
  title: v.string(),
  task: v.picklist(['detection']),
  input: v.strictObject({
    /** Order of the colour channels. */
    channels: v.literal('rgb'),
    /** A byte b becomes (b - mean) / divisor. */
    mean: v.number(),
    divisor: v.pipe(v.number(), v.minValue(Number.MIN_VALUE)),
  }),
  networks: v.pipe(v.array(NetworkSchema), v.minLength(1)),
  licence: v.strictObject({ spdx: v.string(), notice: v.string() }),
  /** Where the numbers come from. */
  source: v.strictObject({ paper: v.string(), weights: v.string(), sha256: Sha256 }),
})

/** Everything about a model that a caller must not guess; see {@link ManifestSchema} for each field. */
export type Manifest = v.InferOutput<typeof ManifestSchema>

/** One network of a model. */
export type NetworkManifest = Manifest['networks'][number]

/** A file of a model. */
export type ModelFile = NetworkManifest['graph']

/** @throws FacewiseError `MODEL_INVALID` that names the field. */
export function parseManifest(value: unknown): Manifest {
  const result = v.safeParse(ManifestSchema, value)
  if (result.success) return result.output
  const issues = result.issues.map(issue => `${v.getDotPath(issue) ?? 'manifest'}: ${issue.message}`)
  throw new FacewiseError('MODEL_INVALID', `The manifest is not valid. ${issues.join('; ')}`)
}
