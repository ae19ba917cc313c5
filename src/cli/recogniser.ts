import type { Command } from 'commander'
import { DEFAULT_EMBEDDER } from '../embed/index.ts'
import { addDetectorOptions, type DetectorDefaults, type DetectorOptions } from './options.ts'

/** The options of every command that recognises faces. */
export interface RecogniserOptions extends DetectorOptions {
  readonly embedder?: string
  readonly aligned?: boolean
}

/** Adds them. */
export function addRecogniserOptions(command: Command, defaults: DetectorDefaults): Command {
  return addDetectorOptions(command, defaults)
    .option(
      '--embedder <name>',
      `the model: a name (see \`facewise models list\`), or a folder or address with a manifest.json (default: ${DEFAULT_EMBEDDER})`,
    )
    .option('--aligned', 'the pictures are aligned crops already, one face each: none is looked for')
}
