import type { Convert } from './catalog.ts'
import type { DownloadableName } from './downloadable.ts'

/** How the published files of each downloadable model become a model; loaded when one is pulled. */
export const conversions: Readonly<Record<DownloadableName, () => Promise<Convert>>> = {
  'facenet-512': async () => (await import('./facenet-512.ts')).convertFacenet512,
}
