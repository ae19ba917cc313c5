/** `npm run example:classifier -- photo.jpg`: builds the model once and says of which age group each face is. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMtcnn } from 'facewise/detect'
import { decode } from 'facewise/image'
import { createAgeGroupClassifier } from './age-group.ts'
import { buildOwnModel } from './build.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const model = join(here, '..', '..', 'output', 'hse-faceres')
if (!existsSync(join(model, 'manifest.json'))) buildOwnModel(model)

const photo = process.argv[2] ?? join(here, '../../node_modules/@vladmandic/face-api/demo/sample3.jpg')
const picture = await decode(photo)
const detector = await createMtcnn()
const classifier = await createAgeGroupClassifier(model)
const faces = await detector.detect(picture)
const described = await classifier.classify(picture, faces)
console.log(`${photo}: ${faces.length} faces`)
described.forEach((groups, i) => {
  const shares = Object.entries(groups).map(([name, share]) => `${name} ${(share * 100).toFixed(0)} %`)
  console.log(`  ${i + 1}  ${shares.join('  ')}`)
})
detector.dispose()
classifier.dispose()
