import type { RegisterCommand } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { copyCommand } from './copy.ts'
import { infoCommand } from './info.ts'

/** `facewise store`: a group, what can be done with a store of embeddings as a whole. */
export const store: RegisterCommand = (program, context) => {
  const group = program
    .command('store')
    .description('Looks into stores of embeddings, and copies them.')
    .addHelpText('after', epilogue(HELP))
  infoCommand(group, context)
  copyCommand(group, context)
}

const HELP = `
Examples:
  facewise store info file:faces.db
      What is in a store: the model, records, subjects.
  facewise store copy file:faces.db postgres://ada@localhost/faces
      All records into another store.

Stores: file:faces.db (SQLite), postgres://user:password@host/database (pgvector), lancedb:DIR, memory:.`
