import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type AttackRates, attackRates, type Presentations, ratesAtApcer } from '../../../attributes/attack-rates.ts'
import { DEFAULT_SPOOF_MODEL, SPOOF_MODELS } from '../../../attributes/index.ts'
import { clopperPearson } from '../../../embed/index.ts'
import { FacewiseError, messageOf } from '../../../errors.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { expandInputs } from '../../inputs.ts'
import { lookAtAll } from '../../look.ts'
import { createLooker } from '../../looker.ts'
import {
  addDetectorOptions,
  DETECTOR_DEFAULTS,
  type DetectorOptions,
  JSON_OPTION,
  pixelLimit,
  rate,
  workersOption,
} from '../../options.ts'
import { table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'

interface Options extends DetectorOptions {
  readonly model: string
  readonly threshold: number
  readonly json?: boolean
}

/** The folder of living faces; every other one is a species of attack. */
const LIVE = 'live'

/** The APCERs at which the threshold is also chosen, as reports of tests do: BPCER20 and BPCER10. */
const LIMITS = [0.05, 0.1] as const

/** `facewise evaluate liveness`. */
export function evaluateLiveness(group: Command, context: CommandContext): void {
  const command = group
    .command('liveness')
    .description('How well a passive liveness model tells living faces from photos and screens, on your own pictures.')
    .argument('<folder>', `holds "${LIVE}" and a folder for each kind of attack ("print", "replay", ...)`)
    .option(
      '--model <name>',
      `${SPOOF_MODELS.join(', ')}, or a folder or address with a manifest.json`,
      DEFAULT_SPOOF_MODEL,
    )
    .option('--threshold <score>', 'living from this score', rate, 0.5)
  addDetectorOptions(command, DETECTOR_DEFAULTS)
    .addOption(workersOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action((folder: string, options: Options) => evaluate(folder, options, context))
}

const HELP = `
Examples:
  facewise evaluate liveness data/presentations
      APCER of every kind of attack and BPCER, at 0.5 and at the thresholds that let 5 % and 10 % of the worst attack through.
  facewise evaluate liveness data/presentations --model livenessnet --threshold 0.8
      The other model, at a threshold of your own.

The folder holds "${LIVE}" (living people) and one folder for each kind of attack, each with pictures, also in folders of their own. Take them
with the camera and in the light that you will use: figures from other pictures say little. The most central face of a picture counts;
where none is found the model gives no answer, which is counted apart. Terms are those of ISO/IEC 30107-3. This is no certification.`

async function evaluate(folder: string, options: Options, context: CommandContext): Promise<void> {
  const { stdout } = context.terminal
  const kinds = await kindsOf(folder)
  const presentations = await scoreAll(folder, kinds, options, context)
  const live = presentations.find(({ species }) => species === LIVE)!
  const attacks = presentations.filter(({ species }) => species !== LIVE)
  const tables = [
    attackRates(live, attacks, options.threshold),
    ...LIMITS.map(limit => ratesAtApcer(live, attacks, limit)),
  ]
  stdout.write(options.json ? `${toJson(tables, options)}\n` : toText(tables, options, context))
}

async function kindsOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(error => {
    throw new FacewiseError('INVALID_ARGUMENT', `The folder "${folder}" cannot be read: ${messageOf(error)}.`, {
      cause: error,
    })
  })
  const kinds = entries.filter(entry => entry.isDirectory()).map(({ name }) => name)
  if (!kinds.includes(LIVE) || kinds.length < 2) {
    const found = kinds.length > 0 ? kinds.join(', ') : 'none'
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      `"${folder}" needs a folder "${LIVE}" and at least one other, a kind of attack ("print", "replay"); its folders: ${found}.`,
    )
  }
  return kinds.sort()
}

async function scoreAll(
  folder: string,
  kinds: readonly string[],
  options: Options,
  context: CommandContext,
): Promise<Presentations[]> {
  const files = await Promise.all(kinds.map(kind => expandInputs([join(folder, kind)])))
  const inputs = files.flat()
  const looker = createLooker(
    { ...options, livenessModel: options.model },
    DETECTOR_DEFAULTS,
    inputs.length,
    context.terminal,
  )
  const call = { attributes: ['liveness'], keep: 'center', maxFaces: 1, maxPixels: pixelLimit(options) } as const
  const scores = new Map<string, number | undefined>()
  try {
    await lookAtAll<number | undefined>(
      inputs,
      looker,
      {
        look: async ({ describe }, picture) => (await describe(picture, call))[0]?.liveness?.score,
        tell: (name, _, score) => void scores.set(name, score),
      },
      { maxPixels: options.maxPixels },
      context,
    )
  } finally {
    await looker.dispose()
  }
  return kinds.map((species, i) => ({
    species,
    scores: files[i].flatMap(({ name }) => (scores.has(name) ? [scores.get(name)] : [])),
  }))
}

function toText(tables: readonly AttackRates[], { model }: Options, { terminal }: CommandContext): string {
  const style = styleOf(terminal.stdout, terminal.env)
  const titles = ['at the threshold asked for', ...LIMITS.map(limit => `at APCER up to ${limit}, for every attack`)]
  const share = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(3))
  const lines = [`${model}: presentations taken for what they are not (ISO/IEC 30107-3)`, '']
  tables.forEach(({ threshold, attacks, bonaFide }, i) => {
    const rows = [...attacks.map(rates => ['APCER', rates] as const), ['BPCER', bonaFide] as const].map(
      ([name, { species, count, errors, rate: value, unanswered }]) => {
        const [low, high] = clopperPearson(errors, count)
        return [
          name,
          species,
          share(value),
          count > 0 ? `${share(low)} to ${share(high)}` : '-',
          `${errors} of ${count}`,
          String(unanswered),
        ]
      },
    )
    const [head, ...body] = table([['', '', 'rate', '95 % interval', 'wrong', 'no answer'], ...rows], 'llrlrr')
    lines.push(`${titles[i]}: living from ${threshold.toFixed(4)}`, style.bold(head), ...body, '')
  })
  return lines.join('\n')
}

function toJson(tables: readonly AttackRates[], { model }: Options): string {
  const [asked, ...limited] = tables
  return JSON.stringify({ model, ...asked, atApcer: LIMITS.map((limit, i) => ({ limit, ...limited[i] })) })
}
