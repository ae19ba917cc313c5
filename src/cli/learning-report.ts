import { FAR, type Rates } from './learning.ts'
import { count, table } from './table.ts'
import { styleOf, type Terminal } from './terminal.ts'

/** What came of a `finetune`. */
export interface LearningReport {
  readonly model: string
  /** Where it was written; absent where it was not better. */
  readonly folder?: string
  /** Names: learned from, chosen on, measured on. */
  readonly people: { readonly learned: string[]; readonly chosen: string[]; readonly measured: string[] }
  readonly pictures: { readonly learned: number; readonly chosen: number; readonly measured: number }
  readonly before: Rates
  readonly after: Rates
  /** What the head began with: the identity, or a whitening of some shrinkage. */
  readonly start: 'identity' | { readonly whitening: number }
  /** The epoch that was kept, 0 for none, of so many. */
  readonly epoch: number
  readonly epochs: number
  readonly hasThresholds: boolean
  readonly log: readonly object[]
}

/** Numbers of `--json`. */
export const rounded = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value

/** The report for people. */
export function inWords(report: LearningReport, terminal: Terminal): string {
  const style = styleOf(terminal.stdout, terminal.env)
  const { people, pictures, before, after, start, epoch, epochs, model, folder } = report
  const part = (key: 'learned' | 'chosen' | 'measured', verb: string): string =>
    `${verb} ${people[key].length} people (${count(pictures[key], 'picture')})`
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`
  const rows = table(
    [
      ['', 'before', 'after'],
      [`TAR at FAR ${FAR}`, share(before.tar), share(after.tar)],
      ['best accuracy', share(before.accuracy), share(after.accuracy)],
    ],
    'lrr',
  )
  const verdict = folder
    ? `${style.good('written:')} ${model}, in ${folder}`
    : `${style.bad('not written:')} no epoch was better than the start on the people it was chosen on. More people or pictures help; so may another --selection or --seed.`
  const warnings = [
    ...(after.tar < before.tar ? ['On the people measured it is worse than before: do not use it as it is.'] : []),
    ...(report.hasThresholds || !folder
      ? []
      : ['Too few pairs of strangers for a table of thresholds: give `verify` a threshold of your own.']),
  ]
  return [
    `${part('learned', 'Learned from')}, ${part('chosen', 'chosen on')}, ${part('measured', 'measured on')}`,
    `measured: ${people.measured.join(', ')}`,
    `${count(after.genuine, 'pair')} of one person, ${after.impostor} of two`,
    `began with ${start === 'identity' ? 'the identity' : `a whitening of shrinkage ${start.whitening}`}; ${epoch === 0 ? `no epoch of ${epochs} was better than that` : `epoch ${epoch} of ${epochs} was kept`}`,
    '',
    style.bold(rows[0]),
    ...rows.slice(1),
    '',
    ...warnings,
    verdict,
    '',
  ].join('\n')
}
