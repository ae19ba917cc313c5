import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cdp } from 'vitest/browser'
import type { EmbeddingStore, NewFaceRecord } from '../../src/store/index.ts'
import { indexedDbStore } from '../../src/store/indexeddb.ts'

/** What Playwright's session with the browser takes; the tests' types know no commands of it. */
interface Session {
  send(command: string, parameters: object): Promise<unknown>
}
const browser = (): Session => cdp() as unknown as Session

const record = (id: string, model = 'm'): NewFaceRecord => ({
  id,
  subject: 'ada',
  vector: Float32Array.of(1, 0, 0, 0),
  model,
})
const query = Float32Array.of(1, 0, 0, 0)

let name: string
let opened: { close(): unknown }[] = []
beforeEach(() => {
  name = `tabs-${crypto.randomUUID()}`
})
afterEach(async () => {
  for (const each of opened) await each.close()
  opened = []
  await done(indexedDB.deleteDatabase(name))
})

async function open(options: Partial<Parameters<typeof indexedDbStore>[0]> = {}): Promise<EmbeddingStore> {
  const store = await indexedDbStore({ name, ...options })
  opened.push(store)
  return store
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** The database as another program opens it, which does not let go when it is asked to. */
async function stubborn(version?: number, upgrade?: (database: IDBDatabase) => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name, version)
  request.onupgradeneeded = () => upgrade?.(request.result)
  const database = await done(request)
  opened.push(database)
  return database
}

/** What a worker says, until it has nothing more to say. */
function worker(model: string, count: number): { began: Promise<void>; ended: Promise<string>; kill(): void } {
  const thread = new Worker(new URL('./indexeddb.worker.ts', import.meta.url), { type: 'module' })
  let begin = (): void => {}
  const began = new Promise<void>(resolve => {
    begin = resolve
  })
  const ended = new Promise<string>((resolve, reject) => {
    thread.onmessage = ({ data }) => (data === 'begins' ? begin() : resolve(data))
    thread.onerror = ({ message }) => reject(new Error(message))
  })
  opened.push({ close: () => thread.terminate() })
  thread.postMessage({ name, model, count })
  return { began, ended, kill: () => thread.terminate() }
}

describe('two places with one database', () => {
  it('see what the other stores and deletes', async () => {
    const [here, there] = [await open(), await open()]
    await here.upsert([record('a')])
    expect(await there.identity()).toEqual({ model: 'm', dimension: 4 })
    expect(await there.search(query, { k: 5 })).toMatchObject([{ id: 'a' }])
    await there.upsert([record('b')])
    expect(await here.count()).toBe(2)
    expect(await there.delete({ ids: ['a'] })).toBe(1)
    expect(await here.get('a')).toBeUndefined()
  })

  it('are a page and a worker too', async () => {
    const store = await open()
    expect(await worker('m', 10).ended).toBe('stored')
    expect(await store.count({ subject: 'worker' })).toBe(10)
    expect(await worker('other', 10).ended).toBe('STORE_MISMATCH')
  })

  it('cannot both begin it with a model of their own', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => open()))
    const outcomes = await Promise.all(
      stores.map((store, i) =>
        store.upsert([record(`r${i}`, `model${i}`)]).then(
          () => 'stored',
          error => error.code,
        ),
      ),
    )
    expect(outcomes.filter(outcome => outcome === 'stored')).toHaveLength(1)
    expect(outcomes.filter(outcome => outcome === 'STORE_MISMATCH')).toHaveLength(7)
    expect(await stores[0].count()).toBe(1)
  })

  it('find all of a call or nothing, also where a worker is killed in the midst of it', async () => {
    const store = await open()
    const found: number[] = []
    for (const wait of [0, 1, 5, 20, 50, 100]) {
      const { began, kill } = worker('m', 3000)
      await began
      await new Promise(resolve => setTimeout(resolve, wait))
      kill()
      found.push(await store.count())
      await store.delete({ subject: 'worker' })
    }
    expect(found.filter(count => count !== 0 && count !== 3000)).toEqual([])
  })
})

describe('a database that goes away', () => {
  it('is let go when another tab deletes it, and begins anew', async () => {
    const store = await open()
    await store.upsert([record('a')])
    await done(indexedDB.deleteDatabase(name))
    expect(await store.count()).toBe(0)
    expect(await store.search(query, { k: 1 })).toEqual([])
    await store.upsert([record('b')])
    const other = await open()
    expect(await other.identity()).toEqual({ model: 'm', dimension: 4 })
    expect(await other.get('b')).toMatchObject({ id: 'b' })
  })

  it('does not mix models, where the one that begins it anew has another', async () => {
    const store = await open()
    await store.upsert([record('a')])
    await done(indexedDB.deleteDatabase(name))
    const other = await open()
    await other.upsert([record('b', 'other')])
    await expect(store.search(query, { k: 1 })).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    await expect(store.upsert([record('a')])).rejects.toMatchObject({ code: 'STORE_MISMATCH' })
    expect(await other.count()).toBe(1)
  })

  it('is opened again after the browser has closed it', async () => {
    const store = await open()
    await store.upsert([record('a')])
    const outcomes = new Set<string>()
    for (let i = 0; i < 5; i++) {
      const records = Array.from({ length: 2000 }, (_, j) => record(`r${j}`))
      const writing = store.upsert(records).then(
        () => 'stored',
        error => error.code,
      )
      await browser().send('Storage.clearDataForOrigin', { origin: location.origin, storageTypes: 'indexeddb' })
      outcomes.add(await writing)
      // A call may fall into the closing; the same store goes on.
      await expect.poll(() => store.count().catch(error => error.code)).toBeTypeOf('number')
      await store.upsert([record('b')])
      expect(await store.get('b')).toMatchObject({ id: 'b' })
    }
    outcomes.delete('stored')
    outcomes.delete('STORE_UNAVAILABLE')
    expect([...outcomes]).toEqual([])
  })
})

describe('a database that cannot be opened', () => {
  it('waits for another tab that holds an older version, says so, and opens when that is gone', async () => {
    const old = await stubborn(1)
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/another tab .* older version.* Close or reload/),
    })
    old.close()
    const store = await open()
    await store.upsert([record('a')])
    expect(await store.count()).toBe(1)
  })

  it('waits for an answer of the browser no longer than it was told', async () => {
    const holder = await stubborn()
    // Waits until the one that holds it is gone, and whoever opens it waits behind.
    const deleting = indexedDB.deleteDatabase(name)
    await new Promise(resolve => {
      deleting.onblocked = resolve
    })
    await expect(open({ timeout: 300 })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('did not answer in 300 ms'),
    })
    holder.close()
    const store = await open()
    expect(await store.count()).toBe(0)
  })

  it.each([1, 2])('belongs to something else (version %i): it is left as it is', async version => {
    const foreign = await stubborn(version, database => database.createObjectStore('songs'))
    foreign.close()
    await expect(open()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('belongs to something else'),
    })
    const again = await stubborn()
    expect([again.version, [...again.objectStoreNames]]).toEqual([version, ['songs']])
  })

  it('becomes a store where it is empty', async () => {
    ;(await stubborn()).close()
    const store = await open()
    await store.upsert([record('a')])
    expect(await store.count()).toBe(1)
  })

  it('is of a later release, whose tab need not wait for this one', async () => {
    const store = await open()
    await store.upsert([record('a')])
    const later = await stubborn(3)
    expect(later.version).toBe(3)
    await expect(store.count()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/later release.*reload the page/),
    })
  })

  it('is forbidden in a sandboxed frame', async () => {
    const frame = document.createElement('iframe')
    frame.sandbox.add('allow-scripts')
    frame.srcdoc = `<script>
      try { indexedDB.open('x'); parent.postMessage('allowed', '*') } catch (error) { parent.postMessage(error.name + ': ' + error.message, '*') }
    </script>`
    const said = new Promise<string>(resolve => {
      addEventListener('message', ({ source, data }) => source === frame.contentWindow && resolve(data))
    })
    document.body.append(frame)
    const [errorName, message] = (await said).split(': ')
    frame.remove()
    expect(errorName).toBe('SecurityError')
    // What such a frame's engine does, here: its own objects cannot be reached from outside.
    const factory = {
      open() {
        throw new DOMException(message, errorName)
      },
    } as unknown as IDBFactory
    await expect(open({ factory })).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('sandboxed frame'),
    })
  })
})

it('stores nothing of a call for which there is no room, says so, and goes on when there is', async () => {
  const { origin } = location
  // The browser remembers for a while how much room there was; not where it begins anew.
  await browser().send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' })
  const { usage = 0 } = await navigator.storage.estimate()
  await browser().send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + 2 ** 23 })
  const store = await open()
  try {
    await store.upsert([record('a')])
    const records = Array.from({ length: 400 }, (_, i) => ({ ...record(`r${i}`), metadata: { note: noise(50_000) } }))
    await expect(store.upsert(records)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/no room.*nothing of the call was stored: delete records/),
    })
    expect(await store.count()).toBe(1)
  } finally {
    await browser().send('Storage.overrideQuotaForOrigin', { origin })
  }
  await store.upsert([record('b')])
  expect(await store.count()).toBe(2)
})

/** Letters that cannot be compressed. */
function noise(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return String.fromCharCode(...bytes.map(byte => 33 + (byte % 94)))
}

it.each([
  [{ name: '' }, 'needs a name'],
  [{ name: 7 as never }, 'needs a name'],
  [{ name: 'x', timeout: 0 }, 'timeout'],
])('refuses %o', async (options, words) => {
  await expect(indexedDbStore(options)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(words),
  })
})
