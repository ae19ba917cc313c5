import { type Classifier, type ClassifierOptions, createClassifier } from 'facewise/attributes'

/** The first year of each group. */
const GROUPS = { child: 0, teenager: 13, adult: 20, senior: 60 } as const

/** How likely a face belongs to each group; together 1. */
export type AgeGroups = Record<keyof typeof GROUPS, number>

/**
 * A classifier of one's own: a manifest says how the face reaches the network and what its numbers are; this function, what they mean.
 * "Wears glasses" or "wears a mask" would be the same two things with one number.
 *
 * @param folder holds the manifest and the files that it names.
 */
export function createAgeGroupClassifier(
  folder: string,
  options: ClassifierOptions = {},
): Promise<Classifier<AgeGroups>> {
  return createClassifier('hse-faceres', decodeAgeGroups, { ...options, model: { source: folder } })
}

/** Adds up the probabilities of the years of each group. */
export function decodeAgeGroups(output: Float32Array, labels: readonly string[]): AgeGroups {
  const groups: AgeGroups = { child: 0, teenager: 0, adult: 0, senior: 0 }
  labels.forEach((label, i) => {
    const years = /^age-(\d+)$/.exec(label)?.[1]
    if (years === undefined) return
    const group = (Object.keys(GROUPS) as (keyof AgeGroups)[]).findLast(name => Number(years) >= GROUPS[name])!
    groups[group] += output[i]
  })
  return groups
}
