/**
 * `npm run example:stores -- URL...`: the same program with every store. Without a URL it runs with one in memory and one in a SQLite
 * file. What it stores it removes again, and nothing else.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFacewise, DEFAULT_FPIR, galleryLimit, isFacewiseError } from 'facewise'
import { type EmbeddingStore, openStore, redactUrl } from 'facewise/store'

const photo = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/@vladmandic/face-api/demo/${name}.jpg`, import.meta.url))
/** The subjects of this program, so that those of others in the same store stay what they are. */
const PREFIX = 'example-stores'

const folder = mkdtempSync(join(tmpdir(), 'facewise-stores-'))
const urls = process.argv.length > 2 ? process.argv.slice(2) : ['memory:', `file:${join(folder, 'faces.db')}`]
const fw = await createFacewise()
const { id: model, manifest } = await fw.embedder()
const guests = await fw.represent(photo('sample1'))
const arrivals = await fw.represent(photo('sample3'))
/** How near a face has to be: so near that at most 1 stranger in 100 is taken for one of the guests. */
const { threshold } = galleryLimit(manifest, DEFAULT_FPIR, guests.length)

/** Enrols, searches, lists and forgets. Nothing here knows which store it is. */
async function tryOut(store: EmbeddingStore): Promise<void> {
  await store.upsert(
    guests.map(({ embedding }, i) => ({
      id: `${PREFIX}/${i}`,
      subject: `${PREFIX}/guest ${i + 1}`,
      vector: embedding.vector,
      model: embedding.model,
      metadata: { example: true, place: i },
    })),
  )
  console.log(`  stored    ${guests.length} faces`)

  for (const [i, { embedding }] of arrivals.entries()) {
    const [match] = await store.search(embedding.vector, { k: 1, maxDistance: threshold, where: { example: true } })
    const who = match ? `${match.subject}, distance ${match.distance.toFixed(4)}` : 'nobody who is stored'
    console.log(`  searched  face ${i + 1} of another photo is ${who}`)
  }

  for (let i = 0; i < guests.length; i++) {
    for await (const { id, metadata } of store.list({ subject: `${PREFIX}/guest ${i + 1}` })) {
      console.log(`  listed    ${id} ${JSON.stringify(metadata)}`)
    }
  }

  let removed = 0
  for (let i = 0; i < guests.length; i++) removed += await store.delete({ subject: `${PREFIX}/guest ${i + 1}` })
  console.log(`  forgot    ${removed} faces`)
}

for (const url of urls) {
  try {
    // The model is told so that a store of another model's embeddings is refused now, not mixed up later.
    const store = await openStore(url, { model })
    const { name, durable, shared, exact } = store.capabilities
    const can = [name, durable && 'durable', shared && 'shared', exact && 'exact'].filter(Boolean).join(', ')
    console.log(`${redactUrl(url)}: ${can}`)
    await tryOut(store).finally(() => store.close())
  } catch (error) {
    if (!isFacewiseError(error)) throw error
    // The message says what to do: install a package, start the server, take another store.
    console.error(`${redactUrl(url)}: ${error.message}`)
    process.exitCode = 1
  }
}
await fw.dispose()
rmSync(folder, { recursive: true, force: true })
