import { type Catalog, packagedCatalog } from '../../../models/catalog.node.ts'
import type { RegisterCommand } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { listCommand } from './list.ts'
import { pullCommand } from './pull.ts'
import { removeCommand } from './remove.ts'
import { verifyCommand } from './verify.ts'

/** `facewise models`: a group, one command for each thing to do with the models on this machine. */
export const models: RegisterCommand = modelsOf(packagedCatalog)

/** `facewise models` with a catalog of one's own. */
export function modelsOf(catalog: Catalog): RegisterCommand {
  return (program, context) => {
    const group = program
      .command('models')
      .description('Gets, lists, checks and removes models that do not come with the package.')
      .addHelpText('after', epilogue(HELP))
    for (const register of [listCommand, pullCommand, verifyCommand, removeCommand]) register(group, context, catalog)
  }
}

const HELP = `
Examples:
  facewise models list
      Which models there are, where, and which can be pulled.
  facewise models pull facenet-512
      Downloads a model, checks and converts it. Run it again to continue after a break.
  facewise models verify
      Checks every file of every model that is here.
  facewise models remove facenet-512
      Removes it again.`
