import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { LabelledFace } from '../../../detect/evaluation.ts'
import { FacewiseError, messageOf } from '../../../errors.ts'

const Point = v.pipe(v.tuple([v.number(), v.number()]), v.readonly())

const Labels = v.record(
  v.string(),
  v.object({
    faces: v.array(
      v.object({
        x: v.number(),
        y: v.number(),
        w: v.number(),
        h: v.number(),
        ignore: v.optional(v.boolean()),
        landmarks: v.optional(v.pipe(v.tuple([Point, Point, Point, Point, Point]), v.readonly())),
      }),
    ),
  }),
)

/** A picture of a labelled set. */
export interface LabelledPicture {
  readonly path: string
  readonly faces: readonly LabelledFace[]
}

/**
 * Reads a labelled set: `labels.json` with `{ file: { faces: [{ x, y, w, h, ignore?, landmarks? }] } }`, the pictures in a folder
 * `images` beside it or directly beside it.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` that names the file and what is wrong with it.
 */
export async function readLabels(folder: string): Promise<LabelledPicture[]> {
  const path = join(folder, 'labels.json')
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${path}" cannot be read: ${messageOf(error)}. Give a folder that holds labels.json and images/.`,
      { cause: error },
    )
  }
  const result = v.safeParse(Labels, value)
  if (!result.success) {
    const issue = result.issues[0]
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${path}" is no set of labels: ${v.getDotPath(issue)}: ${issue.message}.`,
    )
  }
  const inside = join(folder, 'images')
  const images = (await stat(inside).catch(() => undefined))?.isDirectory() ? inside : folder
  return Object.entries(result.output).map(([file, { faces }]) => ({
    path: join(images, file),
    faces: faces.map(({ x, y, w, h, ignore, landmarks }) => ({
      box: { x, y, width: w, height: h },
      ignore,
      landmarks,
    })),
  }))
}
