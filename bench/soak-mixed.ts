/**
 * `npm run soak:mixed -- [--minutes N] [--seed N]`: mixed calls on a pool of two worker threads for 20 minutes, with wrong input, aborts, killed workers and
 * disposed pools. Every call must settle, with the right answer or an error that is expected; nothing may be left in the store; and from the first fifth of
 * the time to the last, tensors, memory, threads and handles must stay. Prints a line a minute; exits with 1 if anything is wrong.
 */
import { parseArgs } from 'node:util'
import { growth, TOLERANCES } from '../test/worker/soak/measure.ts'
import { type SoakReport, soak } from '../test/worker/soak/run.ts'
import { row } from './timing.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 20)
const seed = Number(values.seed ?? 1)
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('--minutes is a number above 0, --seed a whole one.')

console.log(`${minutes} minutes, seed ${seed}; memory in megabytes after collection\n`)
row([
  'minute',
  'right',
  'refused',
  'aborted',
  'lost',
  'disposed',
  'killed',
  'tensors',
  'heap',
  'buffers',
  'process',
  'threads',
  'handles',
  'wrong',
])

const report = await soak({
  seconds: minutes * 60,
  seed,
  samples: Math.max(10, Math.round(minutes)),
  killEverySeconds: 12,
  disposeEverySeconds: 60,
  onSample: tell,
})

function tell({ ended, killed, samples, wrong }: SoakReport): void {
  const { seconds, tensors, heap, arrayBuffers, rss, threads, handles } = samples.at(-1)!
  const [right, aborted, lost, disposed] = ['right', 'ABORTED', 'WORKER_LOST', 'DISPOSED'].map(
    how => ended.get(how) ?? 0,
  )
  const all = [...ended.values()].reduce((sum, count) => sum + count, 0)
  const counts = [right, all - right - aborted - lost - disposed, aborted, lost, disposed, killed]
  row([
    (seconds / 60).toFixed(1),
    ...counts.map(String),
    tensors.join('+'),
    ...[heap, arrayBuffers, rss].map(value => value.toFixed(1)),
    ...[threads ?? '', handles, wrong.length].map(String),
  ])
}

console.log(
  `\nHow calls ended: ${[...report.ended].map(([how, count]) => `${how} ${count}`).join(', ')}; ${report.disposed} pools disposed`,
)
const failures = [...report.wrong, ...growth(report.samples, Object.keys(TOLERANCES) as (keyof typeof TOLERANCES)[])]
for (const failure of failures.slice(0, 50)) console.log(`wrong: ${failure}`)
console.log(failures.length > 0 ? `${failures.length} things are wrong` : 'Nothing is wrong')
process.exitCode = failures.length > 0 ? 1 : 0
