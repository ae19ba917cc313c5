import * as v from 'valibot'
import { FacewiseError } from '../errors.ts'
import type { StoredDtype } from './graph.ts'

/** How a pulled model stores its weights. */
export type PulledDtype = StoredDtype

/** All that `--store` takes. */
export const PULLED_DTYPES: readonly PulledDtype[] = ['float32', 'float16', 'uint8']

/** The contents that a published file may have: the original, or a copy in half precision on a mirror. */
export interface FileForm {
  dtype: 'float32' | 'float16'
  bytes: number
  /** 64 hexadecimal digits. */
  sha256: string
}

/** One published file: its name below a base address, and what it may contain. The first form is the original. */
export interface DownloadFile {
  name: string
  forms: FileForm[]
}

/** Where the files of a model are published and what they are: the contents of `models/NAME/download.json`. */
export interface DownloadRecipe {
  schema: 1
  name: string
  title: string
  task: string
  /** Addresses of folders with the files, each ending with a slash; the next is tried where one does not have a file. */
  bases: string[]
  licence: { spdx: string; notice: string }
  source: { paper: string; weights: string }
  files: DownloadFile[]
}

/**
 * Turns published files into a model: graphs, weight files and the manifest that lists them with their bytes and sha256.
 *
 * @param files the contents of all files of the recipe, by name; each is known to have one of its forms.
 * @returns the files by the paths that the manifest gives them, and the manifest, which is checked against the schema.
 */
export type Convert = (
  files: Map<string, Uint8Array>,
  options: { readonly store: PulledDtype },
) => Promise<{ files: Map<string, Uint8Array>; manifest: unknown }>

const Name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._+-]*$/, 'a name is lower-case letters, digits and . _ + -'))

const FormSchema = v.strictObject({
  dtype: v.picklist(['float32', 'float16']),
  bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a sha256 is 64 hexadecimal digits')),
})

const RecipeSchema: v.GenericSchema<unknown, DownloadRecipe> = v.strictObject({
  schema: v.literal(1),
  name: Name,
  title: v.string(),
  task: v.string(),
  bases: v.pipe(v.array(v.pipe(v.string(), v.regex(/^https?:\/\/.+\/$/, 'an address ends with /'))), v.minLength(1)),
  licence: v.strictObject({ spdx: v.string(), notice: v.string() }),
  source: v.strictObject({ paper: v.string(), weights: v.string() }),
  files: v.pipe(
    v.array(
      v.strictObject({
        // It becomes a file name below a folder of ours.
        name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a name has no folders')),
        forms: v.pipe(v.array(FormSchema), v.minLength(1)),
      }),
    ),
    v.minLength(1),
    v.check(files => new Set(files.map(file => file.name)).size === files.length, 'two files have one name'),
  ),
})

/** @throws FacewiseError `MODEL_INVALID` that names the field. */
export function parseRecipe(value: unknown): DownloadRecipe {
  const result = v.safeParse(RecipeSchema, value)
  if (result.success) return result.output
  const issues = result.issues.map(issue => `${v.getDotPath(issue) ?? 'recipe'}: ${issue.message}`)
  throw new FacewiseError('MODEL_INVALID', `The list of files to download is not valid. ${issues.join('; ')}`)
}

/** Bytes of all files in their original form. */
export function downloadBytes({ files }: Pick<DownloadRecipe, 'files'>): number {
  return files.reduce((sum, file) => sum + file.forms[0].bytes, 0)
}
