import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, type Face, oneFace } from '../../src/detect/index.ts'
import { createEmbedder, type Pair, parsePairs } from '../../src/embed/index.ts'
import { decode, type Picture } from '../../src/image/index.ts'
import { degrade, KNOWN, randomOf, UNSEEN } from './degrade.ts'

/** How a picture was made: as it is, or worse, by kinds that the fit may see or by others. */
export type Making = 'clean' | 'known' | 'unseen'

/** One picture, maybe made worse; without a face where none was found near the place where it is. */
export interface Shot {
  readonly path: string
  readonly making: Making
  /** Several draws of one making differ. */
  readonly draw: number
  readonly how: string
  readonly face?: Face
  readonly vector?: readonly number[]
}

/** The person of a picture is its folder. */
export const personOf = (path: string): string => basename(dirname(path))

/** The pictures of a list of pairs, without those of people with one picture alone. */
export function picturesOf(csv: string): string[] {
  const paths = [...new Set(parsePairs(readFileSync(csv, 'utf8')).flatMap(({ a, b }: Pair) => [a, b]))].sort()
  const counts = new Map<string, number>()
  for (const path of paths) counts.set(personOf(path), (counts.get(personOf(path)) ?? 0) + 1)
  return paths.filter(path => (counts.get(personOf(path)) ?? 0) > 1)
}

/**
 * Decodes the picture of a shot and makes it worse as the shot says. `face` is that of the picture as it is.
 */
export async function pictureOf(
  folder: string,
  { path, making, draw }: Pick<Shot, 'path' | 'making' | 'draw'>,
  face?: Face,
): Promise<Awaited<ReturnType<typeof degrade>>> {
  const picture = await decode(join(folder, path))
  if (making === 'clean' || !face) return { picture, how: 'as it is', scale: 1, dx: 0, dy: 0 }
  const kinds = making === 'known' ? KNOWN : UNSEEN
  return degrade(kinds, picture, face.box, randomOf(`${path} ${making} ${draw}`))
}

/**
 * Finds and embeds the face of every picture as it is (the most central one) and of `draws` worse ones of each making (the one nearest
 * to where it was, from a detector that looks for faces of 20 pixels and more where they were made small).
 *
 * @param keep A file that keeps them, so that a change of a measure is measured in seconds: read where it exists, else written.
 */
export async function shoot(
  folder: string,
  paths: readonly string[],
  draws: Readonly<Record<Exclude<Making, 'clean'>, number>>,
  keep?: string,
): Promise<Shot[]> {
  if (keep && existsSync(keep)) return JSON.parse(readFileSync(keep, 'utf8')) as Shot[]
  const backend = await startBackend({ prefer: 'wasm', threads: false })
  const detector = await createMtcnn({ backend })
  const finer = await createMtcnn({ backend, minFaceSize: 20 })
  const embedder = await createEmbedder(undefined, { backend })
  const shots: Shot[] = []
  const embed = async (picture: Picture, face: Face | undefined): Promise<Partial<Shot>> => {
    if (!face) return {}
    const [{ vector }] = await embedder.embed(picture, [face])
    return { face, vector: Array.from(vector, value => Number(value.toPrecision(6))) }
  }
  for (const [i, path] of paths.entries()) {
    const { picture } = await pictureOf(folder, { path, making: 'clean', draw: 0 })
    const faces = await detector.detect(picture)
    const face = faces.length > 0 ? oneFace(faces, picture, 'center') : undefined
    shots.push({ path, making: 'clean', draw: 0, how: 'as it is', ...(await embed(picture, face)) })
    if (!face) continue
    for (const making of ['known', 'unseen'] as const) {
      for (let draw = 0; draw < draws[making]; draw++) {
        const worse = await pictureOf(folder, { path, making, draw }, face)
        const finder = face.box.width * worse.scale < 60 ? finer : detector
        const found = nearest(await finder.detect(worse.picture), face, worse)
        shots.push({ path, making, draw, how: worse.how, ...(await embed(worse.picture, found)) })
      }
    }
    if (i % 10 === 0) process.stderr.write(`${i} of ${paths.length} pictures\n`)
  }
  detector.dispose()
  finer.dispose()
  embedder.dispose()
  if (keep) writeFileSync(keep, JSON.stringify(shots))
  return shots
}

/** The face whose middle is nearest to where the face went, not farther off than half its width. */
function nearest(
  faces: readonly Face[],
  { box }: Face,
  { scale, dx, dy }: { scale: number; dx: number; dy: number },
): Face | undefined {
  const x = (box.x + box.width / 2) * scale + dx
  const y = (box.y + box.height / 2) * scale + dy
  const distance = (face: Face): number =>
    Math.hypot(face.box.x + face.box.width / 2 - x, face.box.y + face.box.height / 2 - y)
  const [first] = [...faces].sort((a, b) => distance(a) - distance(b))
  return first && distance(first) < (box.width * scale) / 2 ? first : undefined
}
