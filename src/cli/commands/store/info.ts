import type { Command } from 'commander'
import { openedIdentity } from '../../../store/encryption/envelope.ts'
import { type EmbeddingStore, type Identity, redactUrl, type StoreCapabilities } from '../../../store/index.ts'
import type { CommandContext } from '../../command.ts'
import { epilogue } from '../../epilogue.ts'
import { JSON_OPTION } from '../../options.ts'
import { createProgress, type Progress } from '../../progress.ts'
import { table } from '../../table.ts'
import { type Style, styleOf } from '../../terminal.ts'
import { openExisting, URLS } from './existing.ts'
import { fail } from './failing.ts'

/** Records between two drawings of the bar. */
const REDRAW_RECORDS = 500

/** What `facewise store info` finds out; `--json` prints it as it is. */
interface StoreInfo extends Partial<Identity> {
  readonly url: string
  readonly store: string
  readonly encrypted: boolean
  readonly records: number
  readonly subjects: number
  readonly capabilities: Omit<StoreCapabilities, 'name'>
}

/** `facewise store info`. */
export function infoCommand(group: Command, context: CommandContext): void {
  const { stdout, stderr, env } = context.terminal
  group
    .command('info')
    .description('Says what a store is and holds: its model, its records and subjects, what it can do.')
    .argument('<url>', `the store: ${URLS}`)
    .option(...JSON_OPTION)
    .addHelpText('after', epilogue(HELP))
    .action(async (url: string, { json }: { json?: boolean }) => {
      try {
        const store = await openExisting(url)
        try {
          const progress = createProgress(stderr, await store.count())
          const info = await infoOf(store, url, progress)
          progress.clear()
          stdout.write(json ? `${JSON.stringify(info)}\n` : toText(info, styleOf(stdout, env)))
        } finally {
          await store.close()
        }
      } catch (error) {
        fail(error, { url: redactUrl(url) }, json, context)
      }
    })
}

async function infoOf(store: EmbeddingStore, url: string, progress: Progress): Promise<StoreInfo> {
  const identity = await store.identity()
  const opened = identity && openedIdentity(identity)
  const subjects = new Set<string>()
  let records = 0
  for await (const { subject } of store.list()) {
    if (records % REDRAW_RECORDS === 0) progress.show(records, 'counting subjects')
    records++
    subjects.add(subject)
  }
  const { name, ...capabilities } = store.capabilities
  return {
    url: redactUrl(url),
    store: name,
    encrypted: opened !== undefined,
    ...(opened ?? identity),
    records,
    subjects: subjects.size,
    capabilities,
  }
}

function toText(info: StoreInfo, style: Style): string {
  const { durable, shared, atomicUpsert, exact } = info.capabilities
  const can = [
    durable ? 'outlives the process' : 'gone with the process',
    shared ? 'several processes at once' : 'one process at a time',
    atomicUpsert ? 'all or nothing of a write' : 'a write may be done in part',
    exact ? 'exact search' : 'approximate search',
  ]
  const rows = [
    ['store', `${info.store}, ${info.url}`],
    ['model', info.model ? `${info.model}, ${info.dimension} numbers` : 'none yet: it takes that of the first record'],
    ...(info.encrypted ? [['encrypted', 'yes: reading it needs the key']] : []),
    ['records', String(info.records)],
    ['subjects', String(info.subjects)],
    ['can do', can.join('; ')],
  ]
  const lines = table(rows, 'll').map(line => line.replace(/^(\w+( \w+)?)(?= {2}|$)/, name => style.dim(name)))
  return `${lines.join('\n')}\n`
}

const HELP = `
Examples:
  facewise store info file:faces.db
  facewise store info postgres://ada@localhost/faces --json | jq .records

Reads all records to count the subjects. A store that is not there is not made. Passwords of the URL are not printed.

With --json the line is { "url", "store", "encrypted", "model"?, "dimension"?, "records", "subjects", "capabilities":
{ "durable", "shared", "atomicUpsert", "exact" } } or { "url", "error": { "code", "message" } }. Exit code: 0 all done;
1 the store could not be read; 2 the call was wrong.`
