import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { samplePhoto } from '../data.ts'

/** The first two faces of the first sample photo, with room around them. */
const ADA = { left: 300, top: 250, width: 400, height: 460 }
const BEA = { left: 730, top: 320, width: 400, height: 460 }

/** Puts the photos that the programs and commands of the documentation speak of into a folder. */
export async function makePhotos(folder: string): Promise<void> {
  const write = (name: string, photo: Sharp): Promise<unknown> => {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    return photo.jpeg({ quality: 95 }).toFile(join(folder, name))
  }
  const crop = (area: typeof ADA): Sharp => sharp(samplePhoto(1)).extract(area)
  const another = (area: typeof ADA): Sharp => crop(area).modulate({ brightness: 1.1 }).resize(360)
  const empty = sharp({ create: { width: 400, height: 300, channels: 3, background: '#7a8ca0' } })
  await Promise.all([
    ...['photo.jpg', 'a.jpg', 'b.jpg', 'c.jpg'].map(name => write(name, sharp(samplePhoto(6)))),
    write('door.jpg', sharp(samplePhoto(1))),
    ...['ada-1.jpg', 'passport.jpg', 'ada/1.jpg', 'photos/ada/1.jpg'].map(name => write(name, crop(ADA))),
    write('ada-3.jpg', another(ADA).flop()),
    ...['ada-2.jpg', 'selfie.jpg', 'ada/2.jpg', 'photos/ada/2.jpg'].map(name => write(name, another(ADA))),
    write('photos/ada/3.jpg', empty),
    ...['bea-1.jpg', 'bea/1.jpg'].map(name => write(name, crop(BEA))),
  ])
}
