import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createFaceApiEmbedder,
  faceApiFace,
  loadFaceApi,
  loadHuman,
  type PeerFace,
  serveHumanModels,
} from '../../scripts/whole-peers.ts'
import { type EmotionScores, strongestEmotion } from '../../src/attributes/index.ts'
import { distance, normalise } from '../../src/embed/index.ts'
import { type Box, decode } from '../../src/image/index.ts'
import {
  createFacewise,
  DEFAULT_FPIR,
  type DescribedFace,
  type Facewise,
  galleryLimit,
  type RepresentedFace,
} from '../../src/index.ts'
import { samplePhoto } from '../data.ts'

/** Both sides of `docs/migration.md`, on the photos that come with face-api: what the page says of them is so. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const work = join(root, 'output', 'docs-migration')
const page = readFileSync(join(root, 'docs', 'migration.md'), 'utf8')
const PHOTOS = [1, 2, 3, 4, 5, 6] as const

type OurFace = RepresentedFace & DescribedFace

let fw: Facewise
let ours: OurFace[][]
let faceApi: PeerFace[][]

beforeAll(async () => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  copyFileSync(samplePhoto(6), join(work, 'photo.jpg'))
  fw = await createFacewise({ backend: { prefer: 'wasm' }, attributes: ['age-gender', 'emotion'] })
  const theirs = await loadFaceApi(await fw.engine())
  ours = []
  faceApi = []
  for (const photo of PHOTOS) {
    const picture = await decode(samplePhoto(photo))
    const [represented, described] = [await fw.represent(picture), await fw.describe(picture)]
    ours.push(represented.map((face, i) => ({ ...described[i], ...face })))
    faceApi.push(await theirs.find(picture))
  }
}, 120_000)
afterAll(async () => {
  rmSync(work, { recursive: true, force: true })
  await fw?.dispose()
})

describe('face-api and this library', () => {
  it('find the same faces, but for one', () => {
    expect(faceApi.map(faces => faces.length)).toEqual([3, 3, 3, 4, 5, 4])
    expect(ours.map(faces => faces.length)).toEqual([3, 2, 3, 4, 5, 4])
    expect(same()).toHaveLength(21)
  })

  it('have embeddings of the same faces as far apart as the page says, and not of length 1', () => {
    const far = same().map(([mine, theirs]) => distance(mine.embedding.vector, theirs.descriptor))
    expect(Math.max(...far)).toBeGreaterThan(0.0706)
    const [least, most] = [Math.min(...far), Math.max(...far)].map(value => value.toFixed(3))
    says(`${least} to ${most}`)
    says(`${far.filter(value => value > 0.0706).length} of ${far.length}`)
    const lengths = same().map(([, { descriptor }]) => Math.hypot(...descriptor))
    says(`lengths of ${Math.min(...lengths).toFixed(2)} to ${Math.max(...lengths).toFixed(2)}`)
  })

  it('have them nearer on the crop of face-api', async () => {
    using embedder = await createFaceApiEmbedder(await fw.engine())
    const far: number[] = []
    for (const [i, photo] of PHOTOS.entries()) {
      const pairs = pairsOf(i)
      const squares = pairs.map(([mine]) => faceApiFace(mine))
      const embeddings = await embedder.embed(await decode(samplePhoto(photo)), squares)
      far.push(...embeddings.map(({ vector }, k) => distance(vector, pairs[k][1].descriptor)))
    }
    expect(Math.max(...far)).toBeLessThan(0.0706)
    says(`on their crop ${Math.min(...far).toFixed(3)} to ${Math.max(...far).toFixed(3)}`)
  })

  it('go together in one store: what face-api described of a photo is found by ours, and nobody is taken for another', async () => {
    // Who in one photo is in another, too, nobody has written down; in one photo everybody is another.
    const stored = PHOTOS.flatMap((photo, i) =>
      pairsOf(i).map(([, { descriptor }], k) => ({
        id: `${photo}/${k}`,
        subject: `${photo}/${k}`,
        vector: normalise(descriptor),
        model: 'dlib-resnet-128',
        metadata: { photo },
      })),
    )
    await fw.store.upsert(stored)
    const { threshold } = galleryLimit((await fw.embedder()).manifest, DEFAULT_FPIR, stored.length)
    const found = await Promise.all(
      same().map(async ([mine], i) => {
        const { id, metadata } = stored[i]
        const [match] = await fw.store.search(mine.embedding.vector, { k: 1, maxDistance: threshold, where: metadata })
        return match && match.id === id
      }),
    )
    expect(found).not.toContain(false)
    says(`finds ${found.filter(Boolean).length} of 21 faces`)
  })

  it('give ages and genders as near as the page says', () => {
    const years = same().map(([mine, theirs]) => Math.abs(mine.age! - theirs.age))
    const mean = years.reduce((sum, value) => sum + value, 0) / years.length
    says(`${mean.toFixed(1)} years apart on average, at most ${Math.max(...years).toFixed(1)}`)
    const agree = same().filter(([mine, theirs]) => mine.gender?.label === theirs.gender).length
    says(`the same gender for ${agree} of ${years.length}`)
  })

  it('have names of emotions that the page translates', () => {
    const names: Record<string, string> = { fearful: 'fear', disgusted: 'disgust', surprised: 'surprise' }
    const known = Object.keys(ours[0][0].emotion as EmotionScores)
    for (const [, { expression }] of same()) expect(known).toContain(names[expression] ?? expression)
    const agree = same().filter(
      ([{ emotion }, { expression }]) => strongestEmotion(emotion!) === (names[expression] ?? expression),
    ).length
    says(`the same strongest emotion for ${agree} of 21`)
  })
})

describe('human', () => {
  it('finds the same faces, names the same emotions, and always finds somebody', async () => {
    const human = await loadHuman()
    try {
      for (const photo of [3, 6] as const) {
        const faces = await human.find(await decode(samplePhoto(photo)))
        const mine = ours[photo - 1]
        expect(faces).toHaveLength(mine.length)
        const [first, ...rest] = faces.map(({ descriptor }) => Array.from(descriptor))
        expect(first).toHaveLength(1024)
        for (const { expression } of faces) expect(Object.keys(mine[0].emotion!)).toContain(expression)
        // Strangers all: yet one of them is found, whatever limit is asked for.
        expect(
          human.match.find(first, rest, { order: 2, multiplier: 25, threshold: 1e-6, min: 0.2, max: 0.8 }).index,
        ).toBe(human.match.find(first, rest).index)
        expect(human.match.find(first, rest).index).toBeGreaterThanOrEqual(0)
      }
    } finally {
      human.close()
    }
  })
})

describe('the programs of the page', () => {
  const theirs = [...page.matchAll(/^```js\n\/\/ ([\w-]+\.mjs)\n([\s\S]*?)^```$/gm)]

  it('are those of face-api and human', () => {
    expect(theirs.map(([, name]) => name)).toEqual(['with-face-api.mjs', 'with-human.mjs'])
  })

  it.each(theirs.map(([, name, code]) => ({ name, code })))(
    'run, and find what ours finds: $name',
    async ({ name, code }) => {
      writeFileSync(join(work, name), code)
      const models = await serveHumanModels()
      try {
        const lines = await run(name, { HUMAN_MODELS: models.address })
        // Everybody is found again as themself. Ours, the block before, is run with the blocks of all pages.
        expect(lines.map(line => /guest (\d)/.exec(line)?.[1])).toEqual(ours[5].map((_, i) => String(i)))
      } finally {
        models.close()
      }
    },
  )
})

/** Each of our faces with the one that face-api found at the same place. */
function same(): [OurFace, PeerFace][] {
  return PHOTOS.flatMap((_, i) => pairsOf(i))
}

function pairsOf(photo: number): [OurFace, PeerFace][] {
  return ours[photo].flatMap(mine => {
    const theirs = faceApi[photo].find(({ box }) => overlap(mine.box, box) > 0.4)
    return theirs ? [[mine, theirs] satisfies [OurFace, PeerFace]] : []
  })
}

function overlap(a: Box, b: Box): number {
  const along = (x: number, w: number, y: number, v: number): number => Math.min(x + w, y + v) - Math.max(x, y)
  const common = Math.max(0, along(a.x, a.width, b.x, b.width)) * Math.max(0, along(a.y, a.height, b.y, b.height))
  return common / (a.width * a.height + b.width * b.height - common)
}

function says(text: string): void {
  expect(page.replaceAll(/\s+/g, ' ')).toContain(text)
}

/** What a program prints, a line each. */
async function run(name: string, env: Record<string, string>): Promise<string[]> {
  const child = spawn(process.execPath, [name], { cwd: work, env: { ...process.env, ...env } })
  let [out, errors] = ['', '']
  child.stdout.on('data', chunk => {
    out += chunk
  })
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const status = await new Promise(resolve => child.on('close', resolve))
  expect(errors.slice(-500)).toBe('')
  expect(status).toBe(0)
  return out.trim().split('\n')
}
