/**
 * The models that are too large for the package and that `facewise models pull` gets. Only the names: what a pull needs to know lies in
 * `models/NAME/download.json`, which no browser ever loads.
 */
export const downloadableNames = ['facenet-512'] as const

/** The name of a model that can be pulled. */
export type DownloadableName = (typeof downloadableNames)[number]

/** Whether `facewise models pull` knows this name. */
export function isDownloadable(name: string): name is DownloadableName {
  return (downloadableNames as readonly string[]).includes(name)
}

/** The command that gets a model. */
export function pullCommand(name: string): string {
  return `npx facewise models pull ${name}`
}
