/**
 * Writes to a SQLite store from a process of its own: waits for a line on stdin, stores its records a few at a time, reads between them, and
 * says on stdout how many it missed among those that it had stored itself.
 *
 *   tsx test/store/sqlite-writer.ts URL NAME COUNT
 */
import { once } from 'node:events'
import { sqliteStore } from '../../src/store/sqlite.ts'

const [url, name, count] = process.argv.slice(2)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()
const store = await sqliteStore({ url })
const vectorOf = (i: number): Float32Array => Float32Array.of(1, i, name.charCodeAt(0), -i)
let missed = 0
for (let i = 0; i < Number(count); i += 5) {
  const records = Array.from({ length: 5 }, (_, j) => ({
    id: `${name}${i + j}`,
    subject: name,
    vector: vectorOf(i + j),
    model: 'shared',
    metadata: { i: i + j },
  }))
  // All processes replace this one.
  await store.upsert([...records, { id: 'common', subject: `by ${name}`, vector: vectorOf(i), model: 'shared' }])
  if ((await store.count({ subject: name })) !== i + 5) missed++
  const [match] = await store.search(vectorOf(i), { k: 1, metric: 'euclidean', subject: name })
  if (match?.id !== `${name}${i}`) missed++
}
await store.close()
process.stdout.write(`missed ${missed}\n`)
