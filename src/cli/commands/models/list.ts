import { modelDirectory } from '../../../models/directory.node.ts'
import { type ListedModel, listModels } from '../../../models/list.node.ts'
import { epilogue } from '../../epilogue.ts'
import { JSON_OPTION } from '../../options.ts'
import { megabytes } from '../../progress.ts'
import { table } from '../../table.ts'
import { styleOf } from '../../terminal.ts'
import { directoryOption, type RegisterModelsCommand } from './register.ts'

/** `facewise models list`. */
export const listCommand: RegisterModelsCommand = (group, { terminal }, catalog) => {
  group
    .command('list')
    .description('Lists the models of the package, of the model directory, and those that can be pulled.')
    .addOption(directoryOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async ({ dir = modelDirectory(), json }: { dir?: string; json?: boolean }) => {
      const { stdout, env } = terminal
      const listed = await listModels(dir, catalog)
      if (json) {
        for (const model of listed) stdout.write(`${JSON.stringify(model)}\n`)
        return
      }
      const style = styleOf(stdout, env)
      const rows = listed.map(model => [model.name, model.task, model.state, megabytes(model.bytes), whereOf(model)])
      const [head, ...lines] = table([['model', 'task', 'state', 'MB', 'where'], ...rows], 'lllrl')
      stdout.write(`${[style.dim(head), ...lines].join('\n')}\n`)
    })
}

/** Where a model is, or what to do to have it. */
export function whereOf({ name, state, folder = '' }: Pick<ListedModel, 'name' | 'state' | 'folder'>): string {
  const pull = `facewise models pull ${name}`
  if (state === 'available') return `get it: ${pull}`
  if (state === 'partial') return `continue: ${pull}`
  if (state === 'damaged') return `${folder} (what is wrong: facewise models verify ${name})`
  return folder
}

const HELP = `
Examples:
  facewise models list
      A table: packaged models come with Facewise, pulled ones are in the model directory.
  facewise models list --json | jq -r 'select(.state == "pulled").folder'
      The folders of the pulled ones.

With --json each line is { "name", "title", "task", "state", "bytes", "folder"?, "store"? }; state is packaged, pulled,
damaged, partial (a pull was begun) or available (it can be pulled; bytes are those of the download).`
