import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { decode, type Picture, resizeArea } from 'facewise/image'
import { randomFrom, type Samples } from 'facewise/train'

export const SIDE = 48

/** The pictures of a folder with one folder a person, each showing a face and little else. */
export async function readPeople(folder: string): Promise<Samples> {
  const pictures: Picture[] = []
  const people: string[] = []
  for (const person of (await readdir(folder)).sort()) {
    for (const file of (await readdir(join(folder, person))).sort()) {
      pictures.push(resizeArea(await decode(join(folder, person, file)), SIDE, SIDE))
      people.push(person)
    }
  }
  return samplesOf(pictures, people)
}

/** Twenty-four "people" without a folder: each has three marks, on a ground of noise that is another one in each picture. */
export function madeUpPeople(): Samples {
  const pictures: Picture[] = []
  const people: string[] = []
  for (let person = 0; person < 24; person++) {
    const own = randomFrom(1, person)
    const marks = Array.from({ length: 3 }, () => [own(), own(), own(), own(), own()])
    for (let picture = 0; picture < 6; picture++) {
      const noise = randomFrom(2, person, picture)
      const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => 80 + noise() * 90)
      for (const [x, y, ...colour] of marks) {
        const left = Math.floor(x * (SIDE - 14))
        const top = Math.floor(y * (SIDE - 14))
        for (let i = 0; i < 14 * 14; i++) {
          const at = ((top + Math.floor(i / 14)) * SIDE + left + (i % 14)) * 3
          for (let channel = 0; channel < 3; channel++) data[at + channel] = colour[channel] * 255
        }
      }
      pictures.push({ data, width: SIDE, height: SIDE })
      people.push(`person ${person}`)
    }
  }
  return samplesOf(pictures, people)
}

/** Bytes become numbers from -1 to 1. With `random`, each is shifted by up to two pixels. */
function samplesOf(pictures: readonly Picture[], people: readonly string[]): Samples {
  return {
    people,
    shape: [SIDE, SIDE, 3],
    read(indices, random) {
      const out = new Float32Array(indices.length * SIDE * SIDE * 3)
      indices.forEach((index, i) => {
        const shift = (): number => (random ? Math.floor(random() * 5) - 2 : 0)
        const [dx, dy] = [shift(), shift()]
        const clamp = (at: number): number => Math.min(SIDE - 1, Math.max(0, at))
        for (let y = 0; y < SIDE; y++) {
          for (let x = 0; x < SIDE; x++) {
            const from = (clamp(y + dy) * SIDE + clamp(x + dx)) * 3
            const to = ((i * SIDE + y) * SIDE + x) * 3
            for (let channel = 0; channel < 3; channel++) {
              out[to + channel] = (pictures[index].data[from + channel] - 127.5) / 127.5
            }
          }
        }
      })
      return out
    },
  }
}
