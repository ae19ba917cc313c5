/** Another process that writes: `lancedb-writer.ts FOLDER NAME COUNT` stores records one at a time, deletes, and says what it did as JSON. */
import { lancedbStore } from '../../src/store/lancedb.ts'

const [uri, name, count] = process.argv.slice(2)
const store = await lancedbStore({ uri })
const vector = (i: number): Float32Array => Float32Array.of(1, i, name === 'a' ? 1 : 2, 0)
for (let i = 0; i < Number(count); i++) {
  await store.upsert([
    { id: `${name}${i}`, subject: name, vector: vector(i), model: 'm' },
    { id: `both${i % 10}`, subject: 'both', vector: vector(i), model: 'm', metadata: { by: name } },
  ])
}
let gone = 0
for (let i = 0; i < 10; i++) gone += await store.delete({ ids: [`both${i}`] })
await store.close()
process.stdout.write(JSON.stringify({ gone }))
