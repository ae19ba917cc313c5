import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { FacewiseError, messageOf } from '../../../errors.ts'
import { fromRawPixels, type Picture } from '../../../image/index.ts'

/** What somebody says of a picture. */
export interface AttributeLabels {
  readonly emotion?: string
  readonly age?: number
  readonly gender?: 'female' | 'male'
  /** Anything else: groups by which the figures are split. */
  readonly groups: Readonly<Record<string, string>>
}

/** A labelled picture: where it lies, or its pixels. */
export type LabelledFacePicture = AttributeLabels & ({ readonly path: string } | { readonly picture: Picture })

/** A labelled set. */
export interface AttributeSet {
  readonly pictures: readonly LabelledFacePicture[]
  /** Removes what reading it has left on disk. */
  dispose(): Promise<void>
}

const Item = v.objectWithRest(
  {
    file: v.string(),
    emotion: v.optional(v.string()),
    age: v.optional(v.pipe(v.number(), v.minValue(0))),
    gender: v.optional(v.picklist(['female', 'male'])),
  },
  v.union([v.string(), v.number(), v.boolean()]),
)
const List = v.array(Item)

/** All pictures in one file of bytes, as data sets of small grey pictures come. */
const Raw = v.object({
  label_names: v.array(v.string()),
  width: v.pipe(v.number(), v.integer(), v.minValue(1)),
  height: v.pipe(v.number(), v.integer(), v.minValue(1)),
  channels: v.picklist([1, 3]),
  labels: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
})

/**
 * Reads a set of faces with labels: `labels.json` with a list of `{ file, emotion?, age?, gender?, ... }`, the pictures in a folder
 * `images` beside it, directly beside it, or in `images.tar`; or with `{ label_names, width, height, channels, labels }`, the emotions of
 * the pictures whose bytes follow each other in `images.bin`.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names the file and what is wrong with it.
 */
export async function readAttributeLabels(folder: string): Promise<AttributeSet> {
  const path = join(folder, 'labels.json')
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${path}" cannot be read: ${messageOf(error)}. Give a folder that holds labels.json and the pictures.`,
      { cause: error },
    )
  }
  if (!Array.isArray(value)) return readRaw(folder, parse(Raw, value, path))
  const items = parse(List, value, path)
  const { images, dispose } = await imagesOf(folder)
  const pictures = items.map(({ file, emotion, age, gender, ...rest }): LabelledFacePicture => {
    const groups = Object.fromEntries(Object.entries(rest).map(([key, text]) => [key, String(text)]))
    return { path: join(images, file), emotion, age, gender, groups }
  })
  return { pictures, dispose }
}

async function readRaw(folder: string, raw: v.InferOutput<typeof Raw>): Promise<AttributeSet> {
  const { label_names: names, width, height, channels, labels } = raw
  const path = join(folder, 'images.bin')
  const bytes = await readFile(path).catch(error => {
    throw new FacewiseError('INVALID_ARGUMENT', `"${path}" cannot be read: ${messageOf(error)}.`, { cause: error })
  })
  const each = width * height * channels
  if (bytes.length !== each * labels.length || labels.some(label => label >= names.length)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${path}" has ${bytes.length} bytes; ${labels.length} pictures of ${width} x ${height} x ${channels} have ${each * labels.length}, ` +
        `each with one of ${names.length} labels.`,
    )
  }
  const pictures = labels.map((label, i): LabelledFacePicture => {
    const data = bytes.subarray(i * each, (i + 1) * each)
    return { picture: fromRawPixels({ data, width, height, channels }), emotion: names[label], groups: {} }
  })
  return { pictures, dispose: async () => {} }
}

/** Where the pictures of a set lie; an archive is unpacked into a folder of its own for as long as the set is in use. */
async function imagesOf(folder: string): Promise<{ images: string; dispose: () => Promise<void> }> {
  const kind = async (name: string): Promise<'folder' | 'file' | undefined> => {
    const entry = await stat(join(folder, name)).catch(() => undefined)
    return entry?.isDirectory() ? 'folder' : entry?.isFile() ? 'file' : undefined
  }
  const nothing = async (): Promise<void> => {}
  if ((await kind('images')) === 'folder') return { images: join(folder, 'images'), dispose: nothing }
  if ((await kind('images.tar')) !== 'file') return { images: folder, dispose: nothing }
  const images = await mkdtemp(join(tmpdir(), 'facewise-images-'))
  const dispose = (): Promise<void> => rm(images, { recursive: true, force: true })
  try {
    await promisify(execFile)('tar', ['-xf', join(folder, 'images.tar'), '-C', images])
  } catch (error) {
    await dispose()
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${join(folder, 'images.tar')}" cannot be unpacked: ${messageOf(error)}. Unpack it into a folder "images" beside labels.json.`,
      { cause: error },
    )
  }
  return { images, dispose }
}

function parse<T>(schema: v.GenericSchema<unknown, T>, value: unknown, path: string): T {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const issue = result.issues[0]
  throw new FacewiseError(
    'INVALID_ARGUMENT',
    `"${path}" is no set of labels: ${v.getDotPath(issue) ?? 'labels'}: ${issue.message}. \`facewise evaluate attributes --help\` shows one.`,
  )
}
