/** `npm run example:quickstart`: remembers two people by one photo, and recognises one of them in another. */
import { fileURLToPath } from 'node:url'
import { createFacewise } from 'facewise'
import sharp from 'sharp'

const photo = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/@vladmandic/face-api/demo/${name}.jpg`, import.meta.url))
const portrait = (left: number, top: number): Promise<Uint8Array> =>
  sharp(photo('sample1')).extract({ left, top, width: 400, height: 420 }).png().toBuffer()

const fw = await createFacewise({ store: 'memory:' }) // 'file:faces.db' remembers for the next run
await fw.enroll('ada', await portrait(1380, 120))
await fw.enroll('bea', await portrait(300, 260))
for (const { box, match } of await fw.identify(photo('sample3'))) {
  const who = match ? `${match.subject}, distance ${match.distance.toFixed(3)}` : 'a stranger'
  console.log(`The face at ${box.x.toFixed(0)}, ${box.y.toFixed(0)} is ${who}`)
}
await fw.dispose()
