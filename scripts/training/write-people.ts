import { copyFileSync, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { startBackend } from '../../src/backends/index.ts'
import { createMtcnn, oneFace } from '../../src/detect/index.ts'
import { decode } from '../../src/image/index.ts'
import { personOf } from './embeddings.ts'
import { harden } from './harden.ts'

/**
 * Writes each picture beside one with a drawn mask, one folder a person, as `facewise finetune` reads them.
 *
 * @returns how many pictures there are now.
 */
export async function writeMaskedPeople(folder: string, paths: readonly string[], to: string): Promise<number> {
  const backend = await startBackend({ prefer: ['native', 'wasm'], threads: false })
  const detector = await createMtcnn({ backend, minFaceSize: 40 })
  let count = 0
  for (const path of paths) {
    const picture = await decode(join(folder, path))
    const faces = await detector.detect(picture)
    if (faces.length === 0) continue
    const own = join(to, personOf(path))
    mkdirSync(own, { recursive: true })
    copyFileSync(join(folder, path), join(own, basename(path)))
    const { data, width, height } = harden('mask', picture, oneFace(faces, picture, 'center'), path).picture
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 92 })
      .toFile(join(own, `mask-${basename(path)}`))
    count += 2
  }
  detector.dispose()
  return count
}
