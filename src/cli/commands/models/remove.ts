import { FacewiseError } from '../../../errors.ts'
import { modelDirectory } from '../../../models/directory.node.ts'
import { listModels } from '../../../models/list.node.ts'
import { removeModel } from '../../../models/pull.node.ts'
import { epilogue } from '../../epilogue.ts'
import { failureOf } from '../../failure.ts'
import { JSON_OPTION } from '../../options.ts'
import { styleOf } from '../../terminal.ts'
import { isUsage } from './failing.ts'
import { directoryOption, type RegisterModelsCommand } from './register.ts'

/** `facewise models remove`. */
export const removeCommand: RegisterModelsCommand = (group, context, catalog) => {
  const { stdout, stderr, env } = context.terminal
  group
    .command('remove')
    .description('Removes a model from the model directory, and what an unfinished pull of it left.')
    .argument('<name>', 'the model')
    .addOption(directoryOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (name: string, { dir = modelDirectory(), json }: { dir?: string; json?: boolean }) => {
      const known = (await listModels(dir, catalog)).map(model => model.name)
      if (!known.includes(name)) {
        throw new FacewiseError('INVALID_ARGUMENT', `There is no model "${name}"; there is ${known.join(', ')}.`)
      }
      try {
        const removed = await removeModel(name, dir)
        if (json) stdout.write(`${JSON.stringify({ model: name, removed })}\n`)
        else stdout.write(removed ? `${name}  removed from ${dir}\n` : `${name}  was not in ${dir}\n`)
      } catch (error) {
        if (isUsage(error)) throw error
        context.fail()
        const failure = failureOf(error)
        if (json) stdout.write(`${JSON.stringify({ model: name, error: failure })}\n`)
        stderr.write(`${styleOf(stderr, env).bad('failed:')} ${failure.message}\n`)
      }
    })
}

const HELP = `
Examples:
  facewise models remove facenet-512
      \`facewise models pull facenet-512\` gets it again.

With --json the line is { "model", "removed" }; "removed" is false where it was not there.`
