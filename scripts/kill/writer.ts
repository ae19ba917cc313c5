/**
 * Stores batch after batch until it is killed, and says on stdout what was acknowledged: `+N` for batch N, `-N` for its removal.
 *
 *   tsx scripts/kill/writer.ts STORE FOLDER FIRST
 */
import { writeSync } from 'node:fs'
import { batchOf, removedBy, subjectOf } from './batches.ts'
import { targetOf } from './targets.ts'

const [name, folder, first] = process.argv.slice(2)
const { store, keep } = await targetOf(name).open(folder)
for (let batch = Number(first); ; batch++) {
  await store.upsert(batchOf(batch))
  await keep()
  writeSync(1, `+${batch}\n`)
  const removed = removedBy(batch)
  if (removed === undefined) continue
  await store.delete({ subject: subjectOf(removed) })
  await keep()
  writeSync(1, `-${removed}\n`)
}
