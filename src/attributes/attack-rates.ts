import { FacewiseError } from '../errors.ts'

/** What a passive liveness classifier said of presentations of one kind. */
export interface Presentations {
  /** The species of the attack (`print`, `replay`, ...), or any name for living faces. */
  readonly species: string
  /** Its scores, high for living; `undefined` where it gave none (no face was found). */
  readonly scores: readonly (number | undefined)[]
}

/** Errors with one species, as ISO/IEC 30107-3 counts them. */
export interface SpeciesRate {
  readonly species: string
  /** How many were classified, and how many of these wrongly. */
  readonly count: number
  readonly errors: number
  /** `errors / count`; not-a-number where none was classified. */
  readonly rate: number
  /** How many got no answer: the non-response rate is this over all presentations. */
  readonly unanswered: number
}

/** Error rates of a passive liveness classifier at one threshold. */
export interface AttackRates {
  /** Living from this score. */
  readonly threshold: number
  /** Attacks taken for living faces (APCER), for each species by itself. An average over species would hide the one that gets through. */
  readonly attacks: readonly SpeciesRate[]
  /** The highest APCER of a species. */
  readonly worstApcer: number
  /** Living faces taken for attacks (BPCER). */
  readonly bonaFide: SpeciesRate
}

/**
 * APCER and BPCER of scores at a threshold (ISO/IEC 30107-3:2023).
 *
 * @throws FacewiseError `INVALID_ARGUMENT` without presentations of living faces or of attacks.
 */
export function attackRates(live: Presentations, attacks: readonly Presentations[], threshold: number): AttackRates {
  if (live.scores.length === 0 || attacks.every(({ scores }) => scores.length === 0)) {
    throw new FacewiseError(
      'INVALID_ARGUMENT',
      'Rates of attacks need pictures of living faces and of at least one kind of attack.',
    )
  }
  const rate = ({ species, scores }: Presentations, wrong: (score: number) => boolean): SpeciesRate => {
    const answered = scores.filter(score => score !== undefined)
    const errors = answered.filter(wrong).length
    const count = answered.length
    return { species, count, errors, rate: errors / count, unanswered: scores.length - count }
  }
  const rates = attacks.map(species => rate(species, score => score >= threshold))
  return {
    threshold,
    attacks: rates,
    worstApcer: Math.max(...rates.map(species => species.rate).filter(value => !Number.isNaN(value))),
    bonaFide: rate(live, score => score < threshold),
  }
}

/**
 * The lowest BPCER at which no species has an APCER above `limit`, with its threshold: BPCER10 is that of 0.1, BPCER20 that of 0.05.
 *
 * @throws FacewiseError `INVALID_ARGUMENT` as {@link attackRates}.
 */
export function ratesAtApcer(live: Presentations, attacks: readonly Presentations[], limit: number): AttackRates {
  // Only just above a score of an attack does a rate change.
  const scores = attacks.flatMap(species => species.scores).filter(score => score !== undefined)
  const thresholds = [...new Set(scores)].sort((a, b) => a - b)
  const lowest = attackRates(live, attacks, 0)
  if (lowest.worstApcer <= limit) return lowest
  for (const score of thresholds) {
    const rates = attackRates(live, attacks, above(score))
    if (rates.worstApcer <= limit) return rates
  }
  return attackRates(live, attacks, Number.POSITIVE_INFINITY)
}

/** The next number up that a score of single precision can have. */
function above(score: number): number {
  return score + Math.max(Math.abs(score), 1e-6) * 1e-7
}
