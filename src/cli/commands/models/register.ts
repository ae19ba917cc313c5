import { type Command, Option } from 'commander'
import type { Catalog } from '../../../models/catalog.node.ts'
import type { CommandContext } from '../../command.ts'

/** A command of the group `facewise models`: adds itself. */
export type RegisterModelsCommand = (group: Command, context: CommandContext, catalog: Catalog) => void

/** `--dir`, the same in all of them. */
export function directoryOption(): Option {
  return new Option(
    '--dir <folder>',
    "the model directory (default: FACEWISE_MODEL_DIR, or in the user's cache folder)",
  )
}
