/**
 * `npm run measure:identification [-- --embedder NAME] [--backend B]`: enrols 100 people of LFW's View 1 with one photo each, through the
 * object that `createFacewise` makes, and identifies their other photos and those of 500 strangers: how many are named rightly, how many
 * strangers are taken for somebody. Then what several frames and the template policies are worth, on people with four photos and more.
 *
 * None of these people is among those on whose pictures the models' thresholds were measured.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BackendName, startBackend } from '../src/backends/index.ts'
import { table } from '../src/cli/table.ts'
import { oneFace } from '../src/detect/index.ts'
import { clopperPearson, createEmbedder, type Embedder, type Embedding, parsePairs } from '../src/embed/index.ts'
import { createFacewise, type EnrollOptions, type Facewise, type IdentifiedFace } from '../src/facewise/index.ts'
import { decode, type Picture } from '../src/image/index.ts'
import { memoryStore } from '../src/store/index.ts'
import { developmentData } from '../test/data.ts'
import { random } from '../test/random.ts'

const SUBJECTS = 100
const STRANGERS = 500

/** By path. */
const pictures = new Map<string, Promise<Picture>>()

const { values } = parseArgs({
  options: { embedder: { type: 'string' }, backend: { type: 'string', default: 'wasm' } },
})

if (!developmentData) {
  console.log('SKIPPED: this needs the development data; FACEWISE_DATA names its folder.')
} else {
  const lfw = join(developmentData, 'data', 'lfw-dev')
  const backend = await startBackend({ prefer: values.backend as BackendName })
  const embedder = remembering(await createEmbedder(values.embedder, { backend }))
  const people = peopleOf(lfw)
  await measureOnePhoto(people, embedder)
  await measurePolicies(people, embedder)
}

/** The photos of people who are not in the training list, people in an order that is always the same. */
function peopleOf(lfw: string): [name: string, photos: string[]][] {
  const training = new Set(
    parsePairs(readFileSync(join(lfw, 'pairs-train.csv'), 'utf8')).flatMap(({ a, b }) => [a, b].map(nameOf)),
  )
  const names = readdirSync(join(lfw, 'images'))
    .sort()
    .filter(name => !training.has(name))
  const { integer } = random(100)
  for (let i = names.length - 1; i > 0; i--) {
    const j = integer(0, i)
    ;[names[i], names[j]] = [names[j], names[i]]
  }
  return names.map(name => {
    const folder = join(lfw, 'images', name)
    return [
      name,
      readdirSync(folder)
        .sort()
        .map(file => join(folder, file)),
    ]
  })
}

function nameOf(path: string): string {
  return dirname(path).split('/').at(-1)!
}

/** A photo, decoded once though it is looked at several times. */
function pictureOf(photo: string): Promise<Picture> {
  const known = pictures.get(photo) ?? decode(photo)
  pictures.set(photo, known)
  return known
}

/** An embedder that knows what it has embedded. */
function remembering(embedder: Embedder): Embedder {
  const known = new WeakMap<Picture, Map<string, Embedding>>()
  return {
    ...embedder,
    async embed(picture, faces, options) {
      const ofPicture = known.get(picture) ?? new Map<string, Embedding>()
      known.set(picture, ofPicture)
      const key = ({ box }: (typeof faces)[number]): string => JSON.stringify(box)
      const unknown = faces.filter(face => !ofPicture.has(key(face)))
      const embeddings = await embedder.embed(picture, unknown, options)
      unknown.forEach((face, i) => {
        ofPicture.set(key(face), embeddings[i])
      })
      return faces.map(face => ofPicture.get(key(face))!)
    },
  }
}

/** The answer for the most central face; nothing where no face was found. */
async function ask(fw: Facewise, photo: string, call = {}): Promise<IdentifiedFace | undefined> {
  const picture = await pictureOf(photo)
  const faces = await fw.identify(picture, call)
  return faces.length === 0 ? undefined : (oneFace(faces, picture, 'center') as IdentifiedFace)
}

async function measureOnePhoto(people: [string, string[]][], embedder: Embedder): Promise<void> {
  const subjects = people.filter(([, photos]) => photos.length > 1).slice(0, SUBJECTS)
  const enrolled = new Set(subjects.map(([name]) => name))
  const strangers = people.filter(([name]) => !enrolled.has(name)).slice(0, STRANGERS)
  const fw = await createFacewise({ embedder, store: await memoryStore() })
  let refused = 0
  for (const [name, [photo]] of subjects) {
    // One photo of a news agency: several people may be in it, and it is what it is.
    await fw.enroll(name, await pictureOf(photo), { duplicates: 'ignore', minQuality: 0 }).catch(async () => {
      refused++
      const picture = await pictureOf(photo)
      const faces = await fw.represent(picture)
      if (faces.length === 0) return
      const face = faces.find(other => other.box === oneFace(faces, picture, 'center').box)!
      const { vector, model } = face.embedding
      await fw.store.upsert([{ id: name, subject: name, vector, model }])
    })
  }
  const probes = subjects.flatMap(([name, [, ...photos]]) => photos.map(photo => [name, photo] as const))
  console.log(
    `\n${embedder.id}: ${subjects.length} people enrolled with one photo each (${refused} of them by the central of several faces), ` +
      `${probes.length} other photos of them, ${strangers.length} strangers\n`,
  )
  const rank1: boolean[] = []
  for (const [name, photo] of probes) {
    const face = await ask(fw, photo, { threshold: 10 })
    rank1.push(face?.match?.subject === name)
  }
  const share = (hits: readonly boolean[]): string => {
    const count = hits.filter(Boolean).length
    const [low, high] = clopperPearson(count, hits.length)
    return `${(count / hits.length).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`
  }
  const rows: string[][] = []
  for (const fpir of [0.01, 0.05, 0.1]) {
    const missed: boolean[] = []
    let wrong = 0
    for (const [name, photo] of probes) {
      const match = (await ask(fw, photo, { fpir }))?.match
      missed.push(match?.subject !== name)
      if (match && match.subject !== name) wrong++
    }
    const taken: boolean[] = []
    let threshold = Number.NaN
    for (const [, [photo]] of strangers) {
      const match = (await ask(fw, photo, { fpir }))?.match
      taken.push(match !== undefined && match !== null)
      if (match) threshold = match.threshold
    }
    rows.push([String(fpir), threshold.toFixed(4), share(missed), String(wrong), share(taken)])
  }
  console.log(`rank 1 without a threshold: ${share(rank1)}\n`)
  print([['wanted FPIR', 'threshold', 'FNIR', 'named wrongly', 'FPIR'], ...rows])
  await fw.dispose()
}

async function measurePolicies(people: [string, string[]][], embedder: Embedder): Promise<void> {
  const subjects = people.filter(([, photos]) => photos.length > 3)
  const several = new Set(subjects.map(([name]) => name))
  const strangers = people.filter(([name]) => !several.has(name)).slice(0, STRANGERS)
  const policies: readonly (readonly [string, number, EnrollOptions['templates']])[] = [
    ['one photo', 1, 'all'],
    ['three photos, the best one', 3, 'best'],
    ['three photos, their mean', 3, 'mean'],
    ['three photos, all', 3, 'all'],
  ]
  const rows: string[][] = []
  for (const [title, frames, templates] of policies) {
    const fw = await createFacewise({ embedder, store: await memoryStore() })
    for (const [name, photos] of subjects) {
      await fw
        .enroll(name, await Promise.all(photos.slice(0, frames).map(pictureOf)), {
          duplicates: 'ignore',
          minQuality: 0,
          templates,
        })
        .catch(() => undefined)
    }
    let missed = 0
    let probes = 0
    for (const [name, photos] of subjects) {
      for (const photo of photos.slice(3)) {
        probes++
        if ((await ask(fw, photo))?.match?.subject !== name) missed++
      }
    }
    let taken = 0
    for (const [, [photo]] of strangers) if ((await ask(fw, photo))?.match) taken++
    rows.push([
      title,
      String(await fw.store.count()),
      `${(missed / probes).toFixed(3)} (${missed} of ${probes})`,
      `${(taken / strangers.length).toFixed(3)} (${taken} of ${strangers.length})`,
    ])
    await fw.dispose()
  }
  console.log(`\n${subjects.length} people with four photos and more, at the default threshold\n`)
  print([['enrolled with', 'templates', 'FNIR', 'FPIR'], ...rows])
}

function print(rows: readonly (readonly string[])[]): void {
  for (const line of table(rows, 'l'.padEnd(rows[0].length, 'r'))) console.log(line)
}
