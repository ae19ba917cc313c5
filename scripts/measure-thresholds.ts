/**
 * `npx tsx scripts/measure-thresholds.ts`: the tables of `docs/thresholds.md`, from the manifests of the embedders and the formulas of
 * `facewise` and `facewise/embed`. `test/docs/thresholds.test.ts` holds the page to them.
 */
import { readFileSync } from 'node:fs'
import { confidence, type EmbedderManifest, RULE_OF_30 } from '../src/embed/index.ts'
import { fpirOfGallery, galleryLimit } from '../src/facewise/index.ts'

const models = ['dlib-resnet-128', 'facenet-512'].map(
  name =>
    JSON.parse(readFileSync(new URL(`../models/${name}/manifest.json`, import.meta.url), 'utf8')) as EmbedderManifest,
)

print(
  ['model', 'FMR', '95 % interval', 'threshold', 'FNMR', '95 % interval', 'confidence there'],
  models.flatMap(({ name, embedding: { thresholds, calibration } }) =>
    thresholds!.rates.map(({ fmr, fmrInterval, threshold, fnmr, fnmrInterval }) => [
      name,
      power(fmr),
      `${fmrInterval.map(end => (end / fmr).toFixed(2)).join(' to ')} x ${power(fmr)}`,
      threshold.toFixed(4),
      fnmr.toFixed(3),
      fnmrInterval.map(end => end.toFixed(3)).join(' to '),
      confidence(threshold, calibration!).toFixed(3),
    ]),
  ),
)

const sizes = [1, 10, 100, 1000, 10_000]
const rates = [1e-2, 1e-3, 1e-4, 1e-6]
print(
  ['FMR of one comparison', ...sizes.map(size => `among ${size.toLocaleString('en')}`)],
  rates.map(fmr => [power(fmr), ...sizes.map(size => share(fpirOfGallery(fmr, size)))]),
)

print(
  ['templates', 'wanted FPIR', ...models.flatMap(({ name }) => [name, 'FPIR to expect'])],
  [10, 50, 100, 500, 1000].flatMap(templates =>
    [0.01, 0.001].map(fpir => [
      templates.toLocaleString('en'),
      String(fpir),
      ...models.flatMap(manifest => {
        const { threshold, fpir: expected } = galleryLimit(manifest, fpir, templates)
        return [threshold.toFixed(4), share(expected!)]
      }),
    ]),
  ),
)

print(
  ['rate', 'comparisons without an error', 'comparisons for 30 errors', 'people with a picture each'],
  [5e-2, 1e-2, 1e-3, 1e-4, 1e-6].map(rate => {
    const without = Math.ceil(3 / rate - 1e-6)
    const pairs = Math.ceil(RULE_OF_30 / rate - 1e-6)
    // n people make n (n - 1) / 2 pairs of strangers.
    const people = Math.ceil((1 + Math.sqrt(1 + 8 * pairs)) / 2)
    return [power(rate), ...[without, pairs, people].map(value => value.toLocaleString('en'))]
  }),
)

function power(rate: number): string {
  return /^1e/.test(rate.toExponential()) && rate < 0.1 ? rate.toExponential() : String(rate)
}

/** A share in so many digits as tell it from none and from all. */
function share(value: number): string {
  if (value > 0.999) return 'nearly 1'
  return value < 1e-3 ? Number(value.toPrecision(1)).toExponential() : String(Number(value.toPrecision(2)))
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const cells of [head, head.map(() => '---'), ...rows]) console.log(`| ${cells.join(' | ')} |`)
  console.log('')
}
