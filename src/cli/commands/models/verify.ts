import { FacewiseError } from '../../../errors.ts'
import { modelDirectory } from '../../../models/directory.node.ts'
import { type ListedModel, listModels, type VerifiedModel, verifyModel } from '../../../models/list.node.ts'
import { epilogue } from '../../epilogue.ts'
import { failureOf } from '../../failure.ts'
import { JSON_OPTION } from '../../options.ts'
import { megabytes } from '../../progress.ts'
import { count } from '../../table.ts'
import { styleOf } from '../../terminal.ts'
import { directoryOption, type RegisterModelsCommand } from './register.ts'

/** `facewise models verify`. */
export const verifyCommand: RegisterModelsCommand = (group, context, catalog) => {
  const { stdout, stderr, env } = context.terminal
  group
    .command('verify')
    .description('Checks every file of models against its sha256.')
    .argument('[name...]', 'the models; all that are here where none is named')
    .addOption(directoryOption())
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (names: string[], { dir = modelDirectory(), json }: { dir?: string; json?: boolean }) => {
      const listed = await listModels(dir, catalog)
      for (const name of chosen(names, listed)) {
        const result = await verifyModel(name, dir)
        const errors = result ? result.errors : [missing(name, dir)]
        if (errors.length > 0) context.fail()
        const report = {
          model: name,
          ok: errors.length === 0,
          files: result?.files ?? 0,
          errors: errors.map(failureOf),
        }
        if (json) stdout.write(`${JSON.stringify(report)}\n`)
        else if (report.ok) stdout.write(`${wholeText(result!)}\n`)
        for (const { message } of report.errors) stderr.write(`${styleOf(stderr, env).bad('failed:')} ${message}\n`)
        if (!json && errors.length > 0 && catalog.names.includes(name)) {
          stderr.write(`Get it again: facewise models pull ${name}\n`)
        }
      }
    })
}

/** The named models, or all that are here. */
function chosen(names: readonly string[], listed: readonly ListedModel[]): string[] {
  const known = listed.map(model => model.name)
  const unknown = names.find(name => !known.includes(name))
  if (unknown !== undefined) {
    throw new FacewiseError('INVALID_ARGUMENT', `There is no model "${unknown}"; there is ${known.join(', ')}.`)
  }
  if (names.length > 0) return [...new Set(names)]
  return listed.filter(({ state }) => state !== 'available' && state !== 'partial').map(model => model.name)
}

function missing(name: string, dir: string): FacewiseError {
  return new FacewiseError('MODEL_NOT_FOUND', `The model ${name} is not in ${dir}.`)
}

function wholeText({ name, files, bytes }: VerifiedModel): string {
  return `${name}  all there and unaltered: ${count(files, 'file')}, ${megabytes(bytes)} MB`
}

const HELP = `
Examples:
  facewise models verify
      All models that are here, those of the package too.
  facewise models verify facenet-512
      One model.

With --json each line is { "model", "ok", "files", "errors": [{ "code", "message" }] }. Exit code: 0 all are whole; 1 not
all, each wrong file is named; 2 the call was wrong.`
