/**
 * `npm run measure:training -- [--embedder NAME] [--cache DIR] [--choose] [--partial] [--draw DIR] [--write-people DIR]`: what a head over
 * an embedder gains on faces that are hard for it, and loses on others.
 *
 * On LFW View 1 in the folder that `FACEWISE_DATA` names. Faces are made hard by script: a mask drawn by the landmarks, and pictures in
 * which the face is 24 pixels wide. A head for each is learned on the people of `pairs-train.csv` alone; `--choose` prints how settings do on
 * thirds of these people, which is how the settings below were chosen. Then the pairs of `pairs-test.csv` are measured once.
 *
 * Embeddings take long (a quarter of an hour to hours) and are kept in the folder `--cache`. `--partial` embeds nothing more and measures the
 * pairs that are there, with their number.
 *
 * `--draw` writes the figures of docs/training.md instead: selection on real embeddings of training people, and how runs go by selection.
 *
 * `--write-people` writes the training people with and without masks into a folder, one folder a person: for `facewise finetune`, which has to
 * find masked faces itself.
 *
 * Vectors are those of the unmirrored face: what FaceNet gains by mirroring, it gains before and after.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startBackend } from '../src/backends/index.ts'
import { DEFAULT_EMBEDDER, type EmbedderManifest, type PairScore, parsePairs, scorePairs } from '../src/embed/index.ts'
import { distance, type VectorMatrix } from '../src/metrics.ts'
import { findModel } from '../src/models/index.ts'
import { head, type NamedWeight, peopleBatches, plotLog, randomFrom } from '../src/train/index.ts'
import { drawSelection } from './training/draw-selection.ts'
import { embedPictures, personOf, picturesOf, type Sample } from './training/embeddings.ts'
import type { Condition } from './training/harden.ts'
import { apply, crossRates, learn, type Setting, viewsOf } from './training/trial.ts'
import { writeMaskedPeople } from './training/write-people.ts'

const { values: options } = parseArgs({
  options: {
    embedder: { type: 'string', default: DEFAULT_EMBEDDER },
    cache: { type: 'string', default: join(tmpdir(), 'facewise-training') },
    choose: { type: 'boolean', default: false },
    partial: { type: 'boolean', default: false },
    draw: { type: 'string' },
    'write-people': { type: 'string' },
  },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(resolve(root, process.env.FACEWISE_DATA ?? '../shared'), 'data', 'lfw-dev')
if (!existsSync(folder)) throw new Error(`There is no ${folder}: FACEWISE_DATA names the folder with the data.`)

/** Pairs by a head, and which of one person's pass. */
interface Measured {
  readonly score: PairScore
  readonly accepted: readonly boolean[]
}

const FAR = 1e-2
const FOLDS = 3
const HARD = ['mask', 'small'] as const
type Hard = (typeof HARD)[number]

/** A head from the identity: chosen on thirds of the training people (`--choose`); the same for all embedders and kinds of hard faces. */
const FROM_IDENTITY: Setting = {
  kind: 'linear',
  loss: 'semi-hard',
  optimiser: 'adam',
  learningRate: 1e-3,
  anchor: 100,
  margin: 0.2,
  epochs: 30,
  pictures: 6,
}

/** A head from a whitening, chosen likewise: ordinary faces keep what they had. */
const FROM_WHITENING: Setting = { ...FROM_IDENTITY, shrinkage: 3, anchor: 300 }

const CANDIDATES: readonly (readonly [name: string, setting: Setting])[] = [
  ['identity, semi-hard, anchor 100', FROM_IDENTITY],
  ['  anchor 30', { ...FROM_IDENTITY, anchor: 30 }],
  ['  batch-hard', { ...FROM_IDENTITY, loss: 'batch-hard' }],
  ['  all, margin 0.5', { ...FROM_IDENTITY, loss: 'all', margin: 0.5 }],
  ['  cosface', { ...FROM_IDENTITY, loss: 'cosface' }],
  ['  mlp', { ...FROM_IDENTITY, kind: 'mlp' }],
  ['  adagrad 0.05, anchor 1', { ...FROM_IDENTITY, optimiser: 'adagrad', learningRate: 0.05, anchor: 1 }],
  ...[0.3, 1, 3, 10].map(
    shrinkage => [`whitened ${shrinkage}, no learning`, { ...FROM_IDENTITY, shrinkage, epochs: 0 }] as const,
  ),
  ['whitened 1, semi-hard, anchor 100', { ...FROM_IDENTITY, shrinkage: 1 }],
  ['  anchor 300', { ...FROM_IDENTITY, shrinkage: 1, anchor: 300 }],
  ['  batch-hard', { ...FROM_IDENTITY, shrinkage: 1, loss: 'batch-hard' }],
  ['  cosface', { ...FROM_IDENTITY, shrinkage: 1, loss: 'cosface' }],
  ['whitened 3, semi-hard, anchor 300', FROM_WHITENING],
  ['  cosface', { ...FROM_IDENTITY, shrinkage: 3, loss: 'cosface' }],
]

/** What is measured on `pairs-test.csv`; the last is learned from the very people it is measured on: what would there be to gain? */
const MEASURED: readonly (readonly [name: string, learnedFrom: 'train' | 'test', setting: Setting])[] = [
  ['triplets, from the identity', 'train', FROM_IDENTITY],
  ['whitening alone', 'train', { ...FROM_WHITENING, epochs: 0 }],
  ['whitening, then triplets', 'train', FROM_WHITENING],
  ['freer, learned from the people measured', 'test', { ...FROM_WHITENING, shrinkage: 1, anchor: 100 }],
]

const writeTo = options['write-people']
if (writeTo) {
  const count = await writeMaskedPeople(folder, picturesOf(join(folder, 'pairs-train.csv')), writeTo)
  console.log(`${count} pictures in ${writeTo}`)
  process.exit()
}

const engine = await startBackend({ prefer: ['native', 'wasm'], threads: false })
const { manifest } = await findModel(options.embedder)
const { centre } = (manifest as EmbedderManifest).embedding
const embed = (csv: string): Promise<Sample[]> =>
  embedPictures(folder, picturesOf(join(folder, csv)), options.embedder, options.cache, !options.partial)
const train = (await embed('pairs-train.csv')).filter(({ vectors }) => vectors)
const people = [...new Set(train.map(({ person }) => person))].sort()
console.log(
  `${options.embedder} on ${engine.backend}: ${train.length} pictures of ${people.length} people to learn from`,
)

if (options.draw) await draw(options.draw)
else if (options.choose) await choose()
else await measureOnce()

/** TAR on the people that a third was not learned from: plain pairs, one hard picture, two. */
async function choose(): Promise<void> {
  for (const hard of HARD) {
    console.log(
      `\n${hard}: TAR at FAR ${FAR} of plain pairs, of plain against ${hard}, of ${hard} pairs; mean over ${FOLDS} thirds of people`,
    )
    const asItIs: number[][] = []
    for (const { heldOut } of thirds()) asItIs.push(await rates(heldOut, hard, startOf()))
    console.log(row('as it is', mean(asItIs)))
    for (const [name, setting] of CANDIDATES) {
      const found: number[][] = []
      for (const { learned, heldOut } of thirds()) {
        const { weights } = await learn(engine, viewsOf(learned, ['plain', hard]), setting, centre, 1)
        found.push(await rates(heldOut, hard, weights))
      }
      console.log(row(name, mean(found)))
    }
  }
}

function thirds(): { learned: Sample[]; heldOut: Sample[] }[] {
  return Array.from({ length: FOLDS }, (_, fold) => {
    const out = new Set(people.filter((_, i) => i % FOLDS === fold))
    return {
      learned: train.filter(({ person }) => !out.has(person)),
      heldOut: train.filter(({ person }) => out.has(person)),
    }
  })
}

async function rates(samples: readonly Sample[], hard: Hard, weights: readonly NamedWeight[]): Promise<number[]> {
  const views = viewsOf(samples, ['plain', hard])
  const embedded = await apply(
    engine,
    weights,
    views.map(({ vector }) => vector),
  )
  const of = (first: Condition, second: Condition): number => crossRates(views, embedded, first, second, FAR).tar.rate
  return [of('plain', 'plain'), of('plain', hard), of(hard, hard)]
}

/** The head that does what the embedder does. */
function startOf(): NamedWeight[] {
  const { dimension } = (manifest as EmbedderManifest).embedding
  return head({ dimension, centre }).start([dimension], 1)
}

async function measureOnce(): Promise<void> {
  const test = await embed('pairs-test.csv')
  const known = new Map(test.map(sample => [sample.path, sample]))
  const shared = test.find(({ person }) => people.includes(person))
  if (shared) throw new Error(`${shared.person} is in both lists.`)
  const pairs = parsePairs(readFileSync(join(folder, 'pairs-test.csv'), 'utf8')).filter(
    ({ a, b }) => known.has(a) && known.has(b),
  )
  const whose = new Set(pairs.flatMap(({ a, b }) => [personOf(a), personOf(b)])).size
  console.log(`${pairs.length} pairs of ${whose} other people to measure on; TAR at FAR ${FAR}`)
  for (const hard of HARD) {
    const kinds: (readonly [string, Condition, Condition])[] = [
      [`${hard} against plain`, 'plain', hard],
      [`${hard} against ${hard}`, hard, hard],
      ['plain against plain', 'plain', 'plain'],
    ]
    const scoresOf = async (weights: readonly NamedWeight[]): Promise<Measured[]> => {
      const scores: Measured[] = []
      for (const [, first, second] of kinds) scores.push(await scoreOf(weights, first, second))
      return scores
    }
    const before = await scoresOf(startOf())
    for (const [name, learnedFrom, setting] of MEASURED) {
      const samples = learnedFrom === 'train' ? train : test
      const { weights } = await learn(engine, viewsOf(samples, ['plain', hard]), setting, centre, 1)
      const after = await scoresOf(weights)
      console.log(`\nhead for ${hard}: ${name}`)
      kinds.forEach(([kind], k) => {
        console.log(`  ${kind.padEnd(20)} ${inWords(before[k], after[k])}`)
      })
    }
  }

  async function scoreOf(weights: readonly NamedWeight[], first: Condition, second: Condition): Promise<Measured> {
    const seen = test.filter(({ vectors }) => vectors)
    const of = async (condition: Condition): Promise<Map<string, Float32Array>> => {
      const { data, dimension } = await apply(
        engine,
        weights,
        seen.map(({ vectors }) => vectors![condition]),
      )
      return new Map(seen.map(({ path }, i) => [path, data.subarray(i * dimension, (i + 1) * dimension)]))
    }
    const [one, two] = [await of(first), await of(second)]
    const distances = pairs.map(({ a, b }) => {
      const [left, right] = [one.get(a), two.get(b)]
      return left && right ? distance(left, right) : Number.POSITIVE_INFINITY
    })
    const score = scorePairs(pairs, distances, { fars: [FAR] })
    const { threshold } = score.tarAtFar[0]
    return { score, accepted: pairs.map(({ same }, i) => same && distances[i] <= threshold) }
  }
}

/** The figures of the guide. */
async function draw(to: string): Promise<void> {
  const views = viewsOf(train, ['plain', 'mask'])
  const vectors = views.map(({ vector }) => vector)
  const embedded = await apply(engine, startOf(), vectors)
  const chosen = peopleBatches(
    views.map(({ person }) => person),
    { people: 48, pictures: 4 },
    randomFrom(1),
  )[0]
  const squared = (i: number, j: number): number => distanceOf(embedded, i, j)
  const rows = chosen.flatMap((anchor, i) => {
    const positive = chosen.slice(i + 1).find(other => views[other].person === views[anchor].person)
    if (positive === undefined) return []
    const negatives = chosen.filter(other => views[other].person !== views[anchor].person)
    return [{ positive: squared(anchor, positive), negatives: negatives.map(other => squared(anchor, other)) }]
  })
  const some = rows.filter((_, i) => i % Math.ceil(rows.length / 8) === 0)
  const caption = `Eight anchors of one batch, plain and masked faces, ${options.embedder}; margin ${FROM_IDENTITY.margin}`
  writeFileSync(join(to, 'training-selection.svg'), drawSelection(some, FROM_IDENTITY.margin, caption))
  const { log } = await learn(engine, views, FROM_IDENTITY, centre, 1)
  writeFileSync(join(to, 'training-log.svg'), plotLog(log, { title: `A head for masks over ${options.embedder}` }))
  console.log(`training-selection.svg and training-log.svg are in ${to}`)
}

function distanceOf({ data, dimension }: VectorMatrix, i: number, j: number): number {
  const row = (k: number): Float32Array => data.subarray(k * dimension, (k + 1) * dimension)
  return distance(row(i), row(j), 'squared-euclidean')
}

/** Pairs of one person that pass only after, and only before, tell more than a difference of rates. */
function inWords(before: Measured, after: Measured): string {
  const tar = ({ score }: Measured): string => score.tarAtFar[0].tar.rate.toFixed(3)
  const only = (one: Measured, other: Measured): number =>
    one.accepted.filter((passes, i) => passes && !other.accepted[i]).length
  const { total } = after.score.tarAtFar[0].tar
  return `${tar(before)} -> ${tar(after)} (of ${total} pairs ${only(after, before)} more, ${only(before, after)} fewer), AUC ${before.score.auc.toFixed(4)} -> ${after.score.auc.toFixed(4)}`
}

function mean(rows: readonly number[][]): number[] {
  return rows[0].map((_, k) => rows.reduce((sum, each) => sum + each[k], 0) / rows.length)
}

function row(name: string, values: readonly number[]): string {
  return `  ${name.padEnd(32)} ${values.map(value => value.toFixed(3)).join('  ')}`
}
