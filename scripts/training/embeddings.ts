import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, oneFace } from '../../src/detect/index.ts'
import { createEmbedder, parsePairs } from '../../src/embed/index.ts'
import { decode } from '../../src/image/index.ts'
import { CONDITIONS, type Condition, harden } from './harden.ts'

/** The embeddings of the face of a picture, one a condition; none where no face was found. */
export interface Sample {
  readonly path: string
  readonly person: string
  readonly vectors?: Readonly<Record<Condition, Float32Array>>
}

/** A line of the file in which embeddings are kept: vectors in base64, little-endian float32. */
interface Line {
  readonly path: string
  readonly vectors?: Readonly<Record<Condition, string>>
}

/** The pictures of a list of pairs, those of people with several first: a run that is cut short has what it can learn from. */
export function picturesOf(csv: string): string[] {
  const paths = [...new Set(parsePairs(readFileSync(csv, 'utf8')).flatMap(({ a, b }) => [a, b]))]
  const counts = new Map<string, number>()
  for (const path of paths) counts.set(personOf(path), (counts.get(personOf(path)) ?? 0) + 1)
  const several = (path: string): boolean => (counts.get(personOf(path)) ?? 0) > 1
  return [...paths.filter(several), ...paths.filter(path => !several(path))]
}

/** The person of a picture is its folder. */
export const personOf = (path: string): string => basename(dirname(path))

/**
 * Finds the most central face of each picture and embeds it under every condition. Each result is appended to a file of `cache` at once,
 * so that a run that is stopped goes on where it was.
 *
 * @param embed Whether to embed what is not in the cache; otherwise it is left out.
 */
export async function embedPictures(
  folder: string,
  paths: readonly string[],
  name: string,
  cache: string,
  embed = true,
): Promise<Sample[]> {
  mkdirSync(cache, { recursive: true })
  const file = join(cache, `${name}.jsonl`)
  const known = new Map<string, Line>()
  if (existsSync(file)) {
    // The last line may have been cut off by a kill.
    for (const text of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
      const line = JSON.parse(text) as Line
      known.set(line.path, line)
    }
  }
  const missing = paths.filter(path => !known.has(path))
  if (embed && missing.length > 0) {
    const backend = await startBackend({ prefer: ['native', 'wasm'], threads: false })
    const detector = await createMtcnn({ backend, minFaceSize: 40 })
    // As it comes out of the network: what a head is trained on.
    const embedder = await createEmbedder(name, { backend, mirror: false, centre: false })
    for (const [i, path] of missing.entries()) {
      const picture = await decode(join(folder, path))
      const faces = await detector.detect(picture)
      let line: Line = { path }
      if (faces.length > 0) {
        const face = oneFace(faces, picture, 'center')
        const vectors: Partial<Record<Condition, string>> = {}
        for (const condition of CONDITIONS) {
          const hard = harden(condition, picture, face, path)
          const [{ vector }] = await embedder.embed(hard.picture, [hard.face])
          vectors[condition] = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
        }
        line = { path, vectors: vectors as Record<Condition, string> }
      }
      appendFileSync(file, `${JSON.stringify(line)}\n`)
      known.set(path, line)
      if (i % 20 === 0) process.stderr.write(`${name}: ${i} of ${missing.length} pictures\n`)
    }
    detector.dispose()
    embedder.dispose()
  }
  return paths.flatMap(path => {
    const line = known.get(path)
    if (!line) return []
    const { vectors } = line
    return [
      {
        path,
        person: personOf(path),
        ...(vectors && {
          vectors: Object.fromEntries(
            CONDITIONS.map(condition => {
              const bytes = Uint8Array.from(Buffer.from(vectors[condition], 'base64'))
              return [condition, new Float32Array(bytes.buffer)]
            }),
          ) as Record<Condition, Float32Array>,
        }),
      },
    ]
  })
}
