/**
 * `npm run measure:quality -- [--json] [--values] [--keep PREFIX]`: how well the quality of a face foretells that it is not recognised, as
 * error against reject curves (ISO/IEC 29794-1) of the default embedder.
 *
 * On LFW View 1 in the folder that `FACEWISE_DATA` names: all pairs of one person among the pictures of `pairs-train.csv` and of
 * `pairs-test.csv`, as they are and with one of the two made worse at random. Weights are fitted on the training people; all else is of
 * the test people. `--values` prints the error by the value of each measure on the training people, where the limits come from; `--keep`
 * keeps faces and embeddings, which take a quarter of an hour, in files that begin with PREFIX and reads them the next time.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { assessQuality, type FaceQuality, QUALITY_WEIGHTS } from '../src/attributes/quality.ts'
import { DEFAULT_EMBEDDER, distance, type EmbedderManifest, parsePairs } from '../src/embed/index.ts'
import { findModel } from '../src/models/index.ts'
import { randomOf } from './quality/degrade.ts'
import { type Making, personOf, pictureOf, picturesOf, type Shot, shoot } from './quality/faces.ts'
import { fitWeights, type Lacks, NAMES } from './quality/fit.ts'
import { byQuality, type Genuine, gain, gainInterval, oracle, rejectArea, rejectCurve } from './quality/reject.ts'

const SHARES = [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3]
const FMRS = [1e-3, 1e-2]

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    values: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(resolve(root, process.env.FACEWISE_DATA ?? '../shared'), 'data', 'lfw-dev')
if (!existsSync(folder)) throw new Error(`There is no ${folder}: FACEWISE_DATA names the folder with the data.`)

/** A shot with a face. */
interface Assessed extends Shot {
  readonly vector: readonly number[]
  readonly quality: FaceQuality
}

/** Two pictures of one person. */
interface Comparison {
  readonly a: Assessed
  readonly b: Assessed
  readonly distance: number
  readonly subject: number
}

const { manifest } = await findModel(DEFAULT_EMBEDDER)
const thresholds = (manifest as EmbedderManifest).embedding.thresholds?.rates ?? []
const thresholdAt = (fmr: number): number => {
  const rate = thresholds.find(rate => rate.fmr === fmr)
  if (!rate) throw new Error(`${DEFAULT_EMBEDDER} has no threshold at ${fmr}.`)
  return rate.threshold
}

const train = await assessed('train', { known: 4, unseen: 0 })
const test = await assessed('test', { known: 3, unseen: 2 })
const fit = fitted(train)
const listed = new Set(
  parsePairs(readFileSync(join(folder, 'pairs-test.csv'), 'utf8')).map(({ a, b }) => [a, b].sort().join()),
)
const clean = comparisons(test, 'clean')
const sets: [string, Comparison[]][] = [
  ['pairs of the list', clean.filter(({ a, b }) => listed.has([a.path, b.path].sort().join()))],
  ['all pairs', clean],
  ['one made worse, kinds that were fitted on', comparisons(test, 'known')],
  ['one made worse, kinds that were not', comparisons(test, 'unseen')],
]
const tables = sets.flatMap(([name, pairs]) => FMRS.map(fmr => tableOf(name, pairs, fmr)))
const kinds = byKind(test)
const bands = byScore([...comparisons(test, 'known'), ...clean])

if (options.json) console.log(JSON.stringify({ fit, tables, kinds, bands }, round))
else print()

/** Every shot of a split that has a face, with its quality; the others are counted in `byKind`. */
async function assessed(split: string, draws: { known: number; unseen: number }): Promise<Shot[]> {
  const paths = picturesOf(join(folder, `pairs-${split}.csv`))
  const shots = await shoot(folder, paths, draws, options.keep && `${options.keep}${split}.json`)
  const faces = new Map(shots.filter(({ making }) => making === 'clean').map(({ path, face }) => [path, face]))
  const out: Shot[] = []
  for (const shot of shots) {
    if (!shot.face || !shot.vector) {
      out.push(shot)
      continue
    }
    const { picture } = await pictureOf(folder, shot, faces.get(shot.path))
    out.push({ ...shot, quality: assessQuality(picture, shot.face) } as Assessed)
  }
  return out
}

/** All pairs of pictures as they are, or all of such a picture with a worse one. */
function comparisons(shots: readonly Shot[], making: Making): Comparison[] {
  const whole = shots.filter((shot): shot is Assessed => 'quality' in shot)
  const people = [...new Set(whole.map(({ path }) => personOf(path)))]
  const subjects = new Map(people.map((person, i) => [person, i]))
  const byPerson = grouped(whole, ({ path }) => personOf(path))
  return [...byPerson.values()].flatMap(own => {
    const clean = own.filter(shot => shot.making === 'clean')
    const others = own.filter(shot => shot.making === making)
    return others.flatMap(b =>
      clean
        .filter(a => (making === 'clean' ? a.path < b.path : a.path !== b.path))
        .map(a => ({
          a,
          b,
          distance: distance(a.vector, b.vector),
          subject: subjects.get(personOf(b.path)) as number,
        })),
    )
  })
}

function lacksOf({ quality }: Assessed): Lacks {
  return NAMES.map(name => 1 - (quality.measures[name]?.score ?? 1))
}

function fitted(shots: readonly Shot[]): ReturnType<typeof fitWeights> {
  const threshold = thresholdAt(1e-3)
  const pairs = [...comparisons(shots, 'clean'), ...comparisons(shots, 'known')]
  return fitWeights(
    pairs.map(({ a, b, distance, subject }) => ({
      a: lacksOf(a),
      b: lacksOf(b),
      matched: distance <= threshold,
      subject,
    })),
  )
}

interface Row {
  readonly name: string
  readonly fnmr: readonly number[]
  readonly area: number
  readonly gain: number
  readonly gainInterval: readonly [number, number]
}

interface Table {
  readonly name: string
  readonly fmr: number
  readonly pairs: number
  readonly people: number
  readonly failed: number
  readonly rows: readonly Row[]
}

function tableOf(name: string, pairs: readonly Comparison[], fmr: number): Table {
  const threshold = thresholdAt(fmr)
  const genuine = (qualityOf: (quality: FaceQuality) => number): Genuine[] =>
    pairs.map(({ a, b, distance, subject }) => ({
      failed: distance > threshold,
      quality: Math.min(qualityOf(a.quality), qualityOf(b.quality)),
      subject,
    }))
  const scores = ({ measures }: FaceQuality): number[] => NAMES.map(name => measures[name]?.score ?? 1)
  const ways: [string, (quality: FaceQuality) => number][] = [
    ['score', quality => quality.score],
    ['lowest measure', quality => Math.min(...scores(quality))],
    ['mean of measures', quality => scores(quality).reduce((sum, score) => sum + score, 0) / NAMES.length],
    ...NAMES.map((name): [string, (quality: FaceQuality) => number] => [name, q => q.measures[name]?.score ?? 1]),
  ]
  const any = genuine(() => 0)
  const best = oracle(any)
  const row = (rowName: string, sorted: Genuine[]): Row => ({
    name: rowName,
    fnmr: rejectCurve(sorted, SHARES),
    area: rejectArea(sorted),
    gain: gain(sorted, best),
    gainInterval: gainInterval(sorted, best, randomOf(rowName)),
  })
  return {
    name,
    fmr,
    pairs: pairs.length,
    people: new Set(pairs.map(({ subject }) => subject)).size,
    failed: any.filter(({ failed }) => failed).length,
    rows: [
      row('random', any),
      row('best possible', best),
      ...ways.map(([way, of]) => row(way, byQuality(genuine(of)))),
    ],
  }
}

interface Kind {
  readonly kind: string
  readonly pictures: number
  /** Share in which no face was found. */
  readonly missed: number
  readonly fnmr: number
  readonly score: number
}

/** Pictures by what was done to them, where that was one thing. */
function byKind(shots: readonly Shot[]): Kind[] {
  const threshold = thresholdAt(1e-3)
  const all = (['clean', 'known', 'unseen'] as const).flatMap(making => comparisons(shots, making))
  const kindOf = ({ how }: Shot): string => (how.includes('+') ? 'two of them' : how.replace(/[\d.,].*$/, '').trim())
  return [...grouped(shots, kindOf)].map(([kind, own]) => {
    const pairs = all.filter(({ b }) => kindOf(b) === kind)
    return {
      kind,
      pictures: own.length,
      missed: own.filter(shot => !('quality' in shot)).length / own.length,
      fnmr: pairs.filter(({ distance }) => distance > threshold).length / pairs.length,
      score: pairs.reduce((sum, { a, b }) => sum + Math.min(a.quality.score, b.quality.score), 0) / pairs.length,
    }
  })
}

/** Whether the score is what it says: matches by score, over those of the best band. */
function byScore(
  pairs: readonly Comparison[],
): { from: number; to: number; pairs: number; score: number; matched: number }[] {
  const threshold = thresholdAt(1e-3)
  const edges = [0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98, 1.0001]
  return edges.slice(1).map((to, i) => {
    const own = pairs
      .map(({ a, b, distance }) => ({ score: Math.min(a.quality.score, b.quality.score), distance }))
      .filter(({ score }) => score >= edges[i] && score < to)
    return {
      from: edges[i],
      to: Math.min(1, to),
      pairs: own.length,
      score: own.reduce((sum, { score }) => sum + score, 0) / own.length,
      matched: own.filter(({ distance }) => distance <= threshold).length / own.length,
    }
  })
}

function print(): void {
  const line = (cells: readonly (string | number)[]): void =>
    console.log(cells.map((cell, i) => (i === 0 ? String(cell).padEnd(18) : String(cell).padStart(9))).join(''))
  if (options.values) printValues(line)
  console.log(`Weights fitted on the training people; of flawless pictures ${fit.base.toFixed(3)} match`)
  line(['measure', 'fitted', 'in use', 'worth (standard errors)'])
  for (const name of NAMES) {
    line([name, fit.weights[name].toFixed(2), QUALITY_WEIGHTS[name].toFixed(2), fit.worth[name].toFixed(1)])
  }
  for (const { name, fmr, pairs, people, failed, rows } of tables) {
    console.log(
      `\n${name}, FMR ${fmr}: ${pairs} pairs of ${people} people, ${failed} refused. FNMR when the worst are rejected`,
    )
    line(['', ...SHARES.map(share => `${share * 100} %`), 'area', 'gain', '  95 % interval'])
    for (const {
      name: way,
      fnmr,
      area,
      gain,
      gainInterval: [low, high],
    } of rows) {
      const interval = `  ${low.toFixed(2)} to ${high.toFixed(2)}`
      line([way, ...fnmr.map(rate => rate.toFixed(4)), area.toFixed(4), gain.toFixed(2), interval])
    }
  }
  console.log('\nBy what was done to the worse picture, FMR 0.001')
  line(['', 'pictures', 'no face', 'FNMR', 'score'])
  for (const { kind, pictures, missed, fnmr, score } of kinds) {
    line([kind, pictures, missed.toFixed(3), fnmr.toFixed(3), score.toFixed(3)])
  }
  console.log('\nBy score, FMR 0.001: share of pairs that match')
  line(['score', 'pairs', 'mean', 'matched', 'foretold'])
  for (const { from, to, pairs, score, matched } of bands) {
    line([`${from} to ${to}`, pairs, score.toFixed(3), matched.toFixed(3), (fit.base * score).toFixed(3)])
  }
}

/** Error of the training people's worse pictures by tenths of each value. */
function printValues(line: (cells: readonly (string | number)[]) => void): void {
  const threshold = thresholdAt(1e-3)
  const pairs = [...comparisons(train, 'known'), ...comparisons(train, 'clean')]
  console.log('FNMR of the training people at FMR 0.001 by the value of the worse picture (5 % of pairs a column)')
  for (const name of NAMES) {
    const sorted = pairs
      .map(({ b, distance }) => ({ value: b.quality.measures[name]?.value ?? 0, failed: distance > threshold }))
      .sort((a, b) => a.value - b.value)
    const parts = Array.from({ length: 20 }, (_, i) =>
      sorted.slice(Math.floor((i * sorted.length) / 20), Math.floor(((i + 1) * sorted.length) / 20)),
    )
    line([name, ...parts.map(part => part[part.length >> 1].value.toFixed(3))])
    line(['', ...parts.map(part => (part.filter(({ failed }) => failed).length / part.length).toFixed(2))])
  }
}

function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group) group.push(value)
    else groups.set(keyOf(value), [value])
  }
  return groups
}

function round(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value
}
