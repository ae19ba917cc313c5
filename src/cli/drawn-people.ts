import type { Picture } from '../image/index.ts'
import { loadSharp } from './drawings.ts'

/** The size of {@link drawnPeople}. */
const WIDTH = 1280
const HEIGHT = 960

/** Where each head is, how large, and its colours. */
const PEOPLE = [
  { x: 240, y: 300, scale: 1.6, skin: '#eab68f', hair: '#443322' },
  { x: 660, y: 420, scale: 1.4, skin: '#f0c09a', hair: '#222222' },
  { x: 1050, y: 300, scale: 1.2, skin: '#f3c9a8', hair: '#885533' },
  { x: 300, y: 750, scale: 0.9, skin: '#d9a27a', hair: '#111111' },
] as const

/**
 * A picture of 1280 x 960 pixels with four drawn faces, plain but enough for MTCNN: something to look at where there is no photo, the
 * same on every machine.
 *
 * @throws FacewiseError `DEPENDENCY_MISSING` without `sharp`.
 */
export async function drawnPeople(): Promise<Picture> {
  const sharp = await loadSharp()
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#99aabb"/>`,
    ...PEOPLE.map(person),
    '</svg>',
  ].join('\n')
  // Lines as sharp as these are in no photo.
  const { data, info } = await sharp(Buffer.from(svg))
    .blur(1.2)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** Some 76 units wide and 100 high, from hairline to chin. */
function person({ x, y, scale, skin, hair }: (typeof PEOPLE)[number]): string {
  const eye = (side: number): string =>
    `<ellipse cx="${side * 16}" cy="-8" rx="7.5" ry="4" fill="#fff"/><circle cx="${side * 16}" cy="-8" r="4" fill="#321"/>`
  return [
    `<g transform="translate(${x} ${y}) scale(${scale})">`,
    `<ellipse cy="-8" rx="46" ry="58" fill="${hair}"/>`,
    `<rect x="-16" y="40" width="32" height="40" fill="${skin}"/>`,
    '<rect x="-70" y="68" width="140" height="60" rx="30" fill="#456"/>',
    `<ellipse rx="38" ry="50" fill="${skin}"/>`,
    `<ellipse cy="-44" rx="36" ry="18" fill="${hair}"/>`,
    `<path d="M-25 -17 q9 -6 18 0 M7 -17 q9 -6 18 0" stroke="${hair}" stroke-width="4" fill="none"/>`,
    eye(-1),
    eye(1),
    '<path d="M0 -6 L-6 12 Q0 17 6 12" stroke="#a76" stroke-width="3" fill="none"/>',
    '<path d="M-14 26 Q0 34 14 26 Q0 22 -14 26" fill="#b55"/>',
    '</g>',
  ].join('')
}
