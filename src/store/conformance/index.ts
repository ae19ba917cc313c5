/**
 * The suite that every store must pass, for any test runner:
 *
 * ```ts
 * for (const { name, run } of storeConformance({ open: (place, options) => myStore(place, options) })) test(name, run)
 * ```
 *
 * @module
 */
import type { Metadata } from '../metadata.ts'
import type { EmbeddingStore, FaceRecord, NewFaceRecord, SearchOptions, StoreOptions } from '../store.ts'
import { all, check, rejects, same } from './check.ts'
import { NaiveStore } from './model.ts'
import { Random } from './random.ts'

/** How the suite gets at a store. */
export interface ConformanceOptions {
  /** Opens the store at `place`, a name of letters and digits: the same place has the same records, if the store is durable. */
  open(place: string, options?: StoreOptions): Promise<EmbeddingStore>
  /** Removes what is at `place`; called after each case. */
  remove?(place: string): Promise<void>
  /** Records of the large case: 10,000 by default. */
  readonly large?: number
  /** Rounds of random calls that are compared with a naive store: 40 by default. */
  readonly rounds?: number
}

/** One case: resolves if the store does as it must, rejects with a message that says what it did instead. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

type Body = (store: EmbeddingStore, place: string) => Promise<void>

const MODEL = 'conformance-model'
const DIMENSION = 4

/** The cases. They are independent; each opens a place of its own. */
export function storeConformance(options: ConformanceOptions): ConformanceCase[] {
  const { large = 10_000, rounds = 40 } = options
  let places = 0
  const withStore = (name: string, body: Body): ConformanceCase => ({
    name,
    async run() {
      const place = `conformance${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}${places++}`
      const store = await options.open(place)
      try {
        await body(store, place)
      } finally {
        await store.close()
        await options.remove?.(place)
      }
    },
  })
  return [
    withStore('stores, gives back, replaces and deletes records', keepsRecords),
    withStore('keeps vectors to the bit, times, and metadata of every type', keepsValues),
    withStore('keeps Unicode, very long subjects, and SQL in every string', keepsStrings),
    withStore('lists by id in pages, of all or of one subject', lists),
    withStore('finds the nearest in every metric, nearest first', searches),
    withStore('breaks ties by id, and counts what lies just at maxDistance', ties),
    withStore('filters by metadata and by subject', filters),
    withStore('finds each subject once where asked', subjects),
    withStore('refuses what is no record, and stores nothing of it', refuses),
    withStore('refuses what is no query', refusesQueries),
    withStore('holds one model and one dimension', (store, place) => oneModel(store, place, options)),
    withStore('takes records of one id at once', concurrent),
    withStore('lets records be deleted during searches and lists', deletes),
    withStore('stops when the signal fires', aborts),
    withStore('does as a naive store does, whatever is asked', store => random(store, rounds)),
    withStore(`holds ${large.toLocaleString('en')} records`, store => many(store, large)),
    {
      name: 'closes once, and says so afterwards',
      async run() {
        const place = `closing${Math.random().toString(36).slice(2)}`
        const store = await options.open(place)
        await store.upsert([record('a', [1, 0, 0, 0])])
        const reading = store.get('a')
        await store.close()
        check((await reading)?.id === 'a', () => 'a call under way when the store was closed was lost')
        await store.close()
        await rejects(() => store.get('a'), 'DISPOSED', 'get after close')
        await rejects(() => store.upsert([record('b', [1, 0, 0, 0])]), 'DISPOSED', 'upsert after close')
        await rejects(() => store.search(Float32Array.of(1, 0, 0, 0), { k: 1 }), 'DISPOSED', 'search after close')
        await rejects(() => all(store.list()), 'DISPOSED', 'list after close')
        await rejects(() => store.delete({ ids: ['a'] }), 'DISPOSED', 'delete after close')
        await rejects(() => store.count(), 'DISPOSED', 'count after close')
        if (store.capabilities.durable) {
          const again = await options.open(place)
          check((await again.get('a'))?.subject === 'ada', () => 'a record is gone after the store was opened again')
          same(await again.identity(), { model: MODEL, dimension: DIMENSION }, 'the identity after opening again')
          await again.close()
        }
        await options.remove?.(place)
      },
    },
  ]
}

function record(id: string, vector: readonly number[], more: Partial<NewFaceRecord> = {}): NewFaceRecord {
  return { id, subject: 'ada', vector: Float32Array.from(vector), model: MODEL, ...more }
}

async function keepsRecords(store: EmbeddingStore): Promise<void> {
  same(await store.identity(), undefined, 'the identity of an empty store')
  same(await store.count(), 0, 'the count of an empty store')
  same(await store.search(Float32Array.of(1, 0, 0, 0), { k: 3 }), [], 'a search in an empty store')
  same(await all(store.list()), [], 'the list of an empty store')
  await store.upsert([])
  const before = Date.now()
  await store.upsert([
    record('a', [1, 0, 0, 0]),
    record('b', [0, 1, 0, 0], { subject: 'bob', time: 5, metadata: { n: 1 } }),
  ])
  const stored = await store.get('a')
  const after = Date.now()
  check(
    stored !== undefined && stored.time >= before && stored.time <= after,
    () => `the time is not now: ${stored?.time}`,
  )
  same({ ...stored, time: 0 }, { ...record('a', [1, 0, 0, 0]), time: 0, metadata: {} }, 'the record')
  same(await store.identity(), { model: MODEL, dimension: DIMENSION }, 'the identity')
  same(await store.get('c'), undefined, 'a record that is not there')
  same(
    [await store.count(), await store.count({ subject: 'bob' }), await store.count({ subject: 'eve' })],
    [2, 1, 0],
    'counts',
  )
  await store.upsert([record('b', [0, 0, 1, 0], { subject: 'ada', time: 6 })])
  same(
    await store.get('b'),
    { ...record('b', [0, 0, 1, 0]), time: 6, metadata: {} },
    'the record that replaced another',
  )
  same([await store.count(), await store.count({ subject: 'bob' })], [2, 0], 'counts after a record was replaced')
  await store.upsert([record('c', [1, 1, 0, 0]), record('c', [0, 0, 0, 1], { subject: 'cleo' })])
  same((await store.get('c'))?.subject, 'cleo', 'of two records with one id in one call, the one that counts')
  same(await store.delete({ ids: ['c', 'c', 'nobody'] }), 1, 'how many records of these ids are gone')
  same(await store.delete({ ids: [] }), 0, 'how many of no ids are gone')
  same(await store.delete({ subject: 'ada' }), 2, 'how many records of the subject are gone')
  same(await store.delete({ subject: 'ada' }), 0, 'how many are gone the second time')
  same([await store.count(), await store.get('a')], [0, undefined], 'what is left')
  same(await store.search(Float32Array.of(1, 0, 0, 0), { k: 3 }), [], 'a search after everything was deleted')
}

async function keepsValues(store: EmbeddingStore): Promise<void> {
  const values = [0.1, -1e-10, 3.4e10, 1.1754943508222875e-38]
  const metadata: Metadata = {
    text: 'a',
    empty: '',
    yes: true,
    no: false,
    zero: 0,
    half: 0.5,
    big: 9007199254740991,
    tiny: 5e-324,
    huge: 1.7976931348623157e308,
    digits: '1',
    minus: -1.25e-7,
    'a key "with" \'all\' {$.} [0] \\ of it': 'x',
    constructor: 'c',
    ['__proto__']: 'p',
    '': 'no name',
  }
  const vector = Float32Array.from(values)
  await store.upsert([{ id: 'a', subject: 's', vector, model: MODEL, time: 1_700_000_000_123, metadata }])
  vector.fill(7)
  const stored = await store.get('a')
  same(stored?.vector, Float32Array.from(values), 'the vector')
  same(stored?.time, 1_700_000_000_123, 'the time')
  same(stored?.metadata, metadata, 'the metadata')
  check(stored?.vector instanceof Float32Array, () => 'the vector is no Float32Array')
  stored?.vector.fill(9)
  same((await store.get('a'))?.vector, Float32Array.from(values), 'the vector after a copy of it was changed')
  await store.upsert([record('early', [1, 0, 0, 0], { time: -1 })])
  same((await store.get('early'))?.time, -1, 'a time before 1970')
}

async function keepsStrings(store: EmbeddingStore): Promise<void> {
  const strings = [
    "'; DROP TABLE embeddings; --",
    '" OR 1=1 --',
    "$1 ? :a @b %s \\'",
    '{"a": [1]}',
    'Zoë',
    'Zoe\u0308',
    '名前',
    '👩‍👩‍👧',
    ' ',
    '\n\t\r',
    '%',
    '_',
    '\u{10ffff}',
    '\ue000',
    '\uffff',
    'null',
    '*',
    "a''b",
    '\\x00',
    '\u0001',
  ]
  const records = strings.map((text, i) =>
    record(text, [1, i, 0, 0], { subject: text, time: i, metadata: { [text]: text } }),
  )
  await store.upsert(records)
  same(await store.count(), strings.length, 'how many there are')
  for (const [i, text] of strings.entries()) {
    const expected = { ...records[i], metadata: { [text]: text } }
    same(await store.get(text), expected, `the record ${JSON.stringify(text)}`)
    same(await all(store.list({ subject: text })), [expected], `the list of the subject ${JSON.stringify(text)}`)
    const found = await store.search(Float32Array.of(1, 0, 0, 0), { k: 5, where: { [text]: text }, subject: text })
    same(
      found.map(({ id }) => id),
      [text],
      `what the filter ${JSON.stringify(text)} finds`,
    )
  }
  same(await store.delete({ subject: strings[0] }), 1, 'how many records of a subject that looks like SQL are gone')
  same(await store.delete({ ids: [strings[1]] }), 1, 'how many records of an id that looks like SQL are gone')
  same(await store.count(), strings.length - 2, 'how many are left')
  for (const subject of ['x'.repeat(65_536), '長'.repeat(20_000)]) {
    await store.upsert([record('long', [1, 0, 0, 0], { subject })])
    same(
      [(await store.get('long'))?.subject === subject, await store.count({ subject })],
      [true, 1],
      'a very long subject',
    )
    same(await store.delete({ subject }), 1, 'how many records of a very long subject are gone')
  }
  const id = 'é'.repeat(512)
  await store.upsert([record(id, [1, 0, 0, 0])])
  same((await store.get(id))?.id === id, true, 'an id of 1,024 bytes')
}

async function lists(store: EmbeddingStore): Promise<void> {
  const random = new Random(1)
  const naive = new NaiveStore()
  const ids = Array.from(
    { length: 600 },
    (_, i) => `${random.pick(['a', 'B', 'é', '\ue000', '\u{1f600}', '_', '0'])}${random.below(50)}/${i}`,
  )
  const records = ids.map(
    (id, i) => ({ ...record(id, [1, i, 0, 0], { subject: `s${i % 3}`, time: i }), metadata: {} }) as FaceRecord,
  )
  naive.upsert(records)
  await store.upsert(records)
  const idsOf = (list: readonly FaceRecord[]): string[] => list.map(({ id }) => id)
  same(idsOf(await all(store.list())), idsOf(naive.list()), 'all ids, in order')
  same(await all(store.list({ limit: 3 })), naive.list({ limit: 3 }), 'the first three')
  same(await all(store.list({ limit: 0 })), [], 'none')
  const half = naive.list()[300].id
  const after = naive.list({ subject: 's1', after: half, limit: 20 })
  same(
    idsOf(await all(store.list({ subject: 's1', after: half, limit: 20 }))),
    idsOf(after),
    'twenty of a subject after an id',
  )
  same(
    idsOf(await all(store.list({ after: `${half}\u0001` }))),
    idsOf(naive.list({ after: `${half}\u0001` })),
    'after an id that is not there',
  )
  for (const subject of [undefined, 's1']) {
    const paged: string[] = []
    for (let last: string | undefined; ; ) {
      const page = await all(store.list({ subject, after: last, limit: 47 }))
      paged.push(...idsOf(page))
      if (page.length < 47) break
      last = page[page.length - 1].id
    }
    same(paged, idsOf(naive.list({ subject })), `${subject ? 'the ids of a subject' : 'all ids'} by pages`)
  }
}

async function searches(store: EmbeddingStore): Promise<void> {
  await store.upsert([
    record('same', [1, 0, 0, 0], { time: 7, metadata: { n: 1 } }),
    record('longer', [2, 0, 0, 0]),
    record('right', [0, 1, 0, 0]),
    record('back', [-1, 0, 0, 0]),
  ])
  const query = Float32Array.of(1, 0, 0, 0)
  const rounded = async (o: SearchOptions): Promise<[string, number][]> =>
    (await store.search(query, o)).map(({ id, distance }) => [id, Math.round(distance * 1e6) / 1e6])
  same(
    await rounded({ k: 9 }),
    [
      ['longer', 0],
      ['same', 0],
      ['right', 1],
      ['back', 2],
    ],
    'by cosine',
  )
  same(
    await rounded({ k: 9, metric: 'euclidean' }),
    [
      ['same', 0],
      ['longer', 1],
      ['right', Math.round(Math.SQRT2 * 1e6) / 1e6],
      ['back', 2],
    ],
    'by Euclid',
  )
  same(
    await rounded({ k: 9, metric: 'squared-euclidean' }),
    [
      ['same', 0],
      ['longer', 1],
      ['right', 2],
      ['back', 4],
    ],
    'by the square',
  )
  same(await rounded({ k: 1, metric: 'euclidean' }), [['same', 0]], 'the nearest alone')
  const [first] = await store.search(query, { k: 1, metric: 'euclidean' })
  same(first, { id: 'same', subject: 'ada', distance: 0, time: 7, metadata: { n: 1 } }, 'a match')
}

async function ties(store: EmbeddingStore): Promise<void> {
  const ids = ['b', 'a', '\u{1f600}', '\uffff', 'C', 'é']
  await store.upsert([...ids.map(id => record(id, [3, 4, 0, 0])), record('far', [0, 0, 1, 0])])
  const query = Float32Array.of(3, 4, 0, 0)
  const order = ['C', 'a', 'b', 'é', '\uffff', '\u{1f600}']
  for (const metric of ['cosine', 'euclidean', 'squared-euclidean'] as const) {
    const idsOf = async (o: Partial<SearchOptions>): Promise<string[]> =>
      (await store.search(query, { k: 10, metric, ...o })).map(({ id }) => id)
    same(await idsOf({}), [...order, 'far'], `equally near ones (${metric})`)
    same(await idsOf({ k: 3 }), order.slice(0, 3), `the first three of equally near ones (${metric})`)
    same(await idsOf({ maxDistance: 0 }), order, `what lies at distance 0 (${metric})`)
    const far = (await store.search(query, { k: 10, metric }))[6].distance
    same((await idsOf({ maxDistance: far })).length, 7, `how many lie at ${far} or nearer (${metric})`)
    same((await idsOf({ maxDistance: far * (1 - 1e-9) })).length, 6, `how many lie a little nearer (${metric})`)
  }
}

async function filters(store: EmbeddingStore): Promise<void> {
  const all: readonly [string, Metadata][] = [
    ['a', { door: 'north', age: 30, staff: true, code: 1 }],
    ['b', { door: 'south', age: 40.5, staff: false, code: '1' }],
    ['c', { door: 'north', age: 50, code: true }],
    ['d', {}],
  ]
  await store.upsert(
    all.map(([id, metadata]) => record(id, [1, 0, 0, 0], { metadata, subject: id < 'c' ? 'ada' : 'bob' })),
  )
  const cases: readonly [NonNullable<SearchOptions['where']>, string][] = [
    [{}, 'abcd'],
    [{ door: 'north' }, 'ac'],
    [{ door: 'north', staff: true }, 'a'],
    [{ door: 'West' }, ''],
    [{ code: 1 }, 'a'],
    [{ code: '1' }, 'b'],
    [{ code: true }, 'c'],
    [{ code: { in: [1, '1'] } }, 'ab'],
    [{ code: { in: [] } }, ''],
    [{ staff: { not: true } }, 'bcd'],
    [{ age: { gt: 30, lte: 50 } }, 'bc'],
    [{ age: { gte: 30, lt: 50 } }, 'ab'],
    [{ code: { gte: 0 } }, 'a'],
    [{ door: { gt: 0 } }, ''],
    [{ staff: { exists: true } }, 'ab'],
    [{ staff: { exists: false } }, 'cd'],
    [{ nothing: { exists: false }, door: { in: ['south'] } }, 'b'],
  ]
  for (const [where, expected] of cases) {
    const found = await store.search(Float32Array.of(1, 0, 0, 0), { k: 10, where })
    same(found.map(({ id }) => id).join(''), expected, `what fulfils ${JSON.stringify(where)}`)
  }
  const [north] = await store.search(Float32Array.of(1, 0, 0, 0), { k: 10, where: { door: 'north' }, subject: 'bob' })
  same(north.id, 'c', 'what fulfils a filter and is of a subject')
}

async function subjects(store: EmbeddingStore): Promise<void> {
  const records = Array.from({ length: 300 }, (_, i) =>
    // One subject has all the nearest records.
    record(`r${String(i).padStart(3, '0')}`, [1, i / 100, 0, 0], {
      subject: i < 250 ? 'crowd' : `s${i % 5}`,
      metadata: { even: i % 2 === 0 },
    }),
  )
  await store.upsert(records)
  const idsOf = async (o: Partial<SearchOptions>): Promise<string[]> =>
    (await store.search(Float32Array.of(1, 0, 0, 0), { k: 3, per: 'subject', ...o })).map(({ id }) => id)
  same(await idsOf({}), ['r000', 'r250', 'r251'], "three subjects' nearest records")
  same(await idsOf({ where: { even: true } }), ['r000', 'r250', 'r252'], "three subjects' nearest that fulfil a filter")
  same((await idsOf({ k: 100 })).length, 6, 'how many subjects there are')
  same(await idsOf({ subject: 's1' }), ['r251'], "one subject's nearest record")
}

async function refuses(store: EmbeddingStore): Promise<void> {
  await store.upsert([record('there', [1, 0, 0, 0])])
  const good = record('good', [0, 1, 0, 0])
  const bad: readonly [string, unknown][] = [
    ['not-a-number', record('x', [1, NaN, 0, 0])],
    ['an infinite number', record('x', [1, Infinity, 0, 0])],
    ['zeros', record('x', [0, 0, 0, 0])],
    ['no numbers', record('x', [])],
    ['a list', { ...good, vector: [1, 0, 0, 0] }],
    ['no vector', { ...good, vector: undefined }],
    ['an empty id', record('', [1, 0, 0, 0])],
    ['an id that is a number', { ...good, id: 7 }],
    ['an id that is too long', record('x'.repeat(1025), [1, 0, 0, 0])],
    ['an empty subject', record('x', [1, 0, 0, 0], { subject: '' })],
    ['a subject that is too long', record('x', [1, 0, 0, 0], { subject: 'x'.repeat(65_537) })],
    ['a NUL', record('x\0', [1, 0, 0, 0])],
    ['half a surrogate pair', record('x', [1, 0, 0, 0], { subject: 'x\ud83d' })],
    ['a time that is no number', record('x', [1, 0, 0, 0], { time: Number.NaN })],
    ['a date', { ...good, time: new Date() }],
    ['a nested value', { ...good, metadata: { a: { b: 1 } } }],
    ['a null', { ...good, metadata: { a: null } }],
    ['metadata with not-a-number', record('x', [1, 0, 0, 0], { metadata: { a: Number.NaN } })],
    ['metadata with a NUL', record('x', [1, 0, 0, 0], { metadata: { a: '\0' } })],
    ['no model', { ...good, model: undefined }],
    ['nothing', undefined],
  ]
  for (const [what, wrong] of bad) {
    await rejects(() => store.upsert([good, wrong as NewFaceRecord]), 'INVALID_ARGUMENT', `a record with ${what}`)
  }
  await rejects(() => store.upsert({} as never), 'INVALID_ARGUMENT', 'no list of records')
  same(await store.count(), 1, 'how many records there are after bad ones were refused')
  await rejects(() => store.get(''), 'INVALID_ARGUMENT', 'an empty id')
  await rejects(() => store.delete({} as never), 'INVALID_ARGUMENT', 'to delete nothing in particular')
  await rejects(() => all(store.list({ limit: -1 })), 'INVALID_ARGUMENT', 'a negative limit')
}

async function refusesQueries(store: EmbeddingStore): Promise<void> {
  await store.upsert([record('there', [1, 0, 0, 0])])
  const query = Float32Array.of(1, 0, 0, 0)
  const bad: readonly [string, Float32Array, unknown][] = [
    ['not-a-number', Float32Array.of(1, NaN, 0, 0), { k: 1 }],
    ['an infinite number', Float32Array.of(1, -Infinity, 0, 0), { k: 1 }],
    ['zeros', new Float32Array(4), { k: 1 }],
    ['a list', [1, 0, 0, 0] as never, { k: 1 }],
    ['no k', query, {}],
    ['k of 0', query, { k: 0 }],
    ['half a k', query, { k: 1.5 }],
    ['a k that is too large', query, { k: 10_001 }],
    ['a negative distance', query, { k: 1, maxDistance: -1 }],
    ['an unknown metric', query, { k: 1, metric: 'manhattan' }],
    ['an unknown grouping', query, { k: 1, per: 'person' }],
    ['an unknown condition', query, { k: 1, where: { a: { like: 'x' } } }],
    ['an empty condition', query, { k: 1, where: { a: {} } }],
    ['a filter with a null', query, { k: 1, where: { a: null } }],
    ['a bound that is a string', query, { k: 1, where: { a: { gt: '1' } } }],
  ]
  for (const [what, vector, o] of bad) {
    await rejects(() => store.search(vector, o as SearchOptions), 'INVALID_ARGUMENT', `a query with ${what}`)
  }
  await rejects(() => store.search(Float32Array.of(1, 0), { k: 1 }), 'STORE_MISMATCH', 'a query of another dimension')
}

async function oneModel(store: EmbeddingStore, place: string, { open }: ConformanceOptions): Promise<void> {
  await store.upsert([record('a', [1, 0, 0, 0])])
  await rejects(
    () => store.upsert([record('b', [1, 0, 0, 0], { model: 'other' })]),
    'STORE_MISMATCH',
    'a record of another model',
  )
  await rejects(() => store.upsert([record('b', [1, 0, 0])]), 'STORE_MISMATCH', 'a record of another dimension')
  await rejects(
    () => store.upsert([record('b', [1, 0, 0, 0]), record('c', [1, 0, 0, 0], { model: 'other' })]),
    'INVALID_ARGUMENT',
    'records of two models',
  )
  same(await store.count(), 1, 'how many records there are')
  if (!store.capabilities.durable || !store.capabilities.shared) return
  await rejects(() => open(place, { model: 'other' }), 'STORE_MISMATCH', 'a store of another model')
  const again = await open(place, { model: MODEL })
  same((await again.get('a'))?.id, 'a', 'the record through a second store at the same place')
  await again.close()
}

async function concurrent(store: EmbeddingStore): Promise<void> {
  const writers = Array.from({ length: 16 }, (_, i) =>
    store.upsert([record('one', [1, i, 0, 0], { subject: `s${i}`, time: i })]),
  )
  await Promise.all(writers)
  const winner = await store.get('one')
  same(
    winner,
    {
      ...record('one', [1, winner?.time ?? 0, 0, 0], { subject: `s${winner?.time}`, time: winner?.time }),
      metadata: {},
    },
    'the record that was written last',
  )
  same([await store.count(), await store.count({ subject: `s${winner?.time}` })], [1, 1], 'counts')
}

async function deletes(store: EmbeddingStore): Promise<void> {
  const random = new Random(2)
  const records = Array.from({ length: 600 }, (_, i) =>
    record(`r${i}`, [...random.vector(DIMENSION)], { subject: `s${i % 10}`, time: i }),
  )
  await store.upsert(records)
  const known = new Set(records.map(({ id }) => id))
  const searching = Array.from({ length: 10 }, async () => {
    const found = await store.search(random.vector(DIMENSION), { k: 20 })
    check(
      found.length === 20 && found.every(({ id }) => known.has(id)),
      () => 'a search during deletes found what was never there',
    )
  })
  const listing = all(store.list())
  const deleting = Array.from({ length: 5 }, (_, i) => store.delete({ subject: `s${i}` }))
  same(await Promise.all(deleting), [60, 60, 60, 60, 60], 'how many records are gone')
  await Promise.all(searching)
  const listed = (await listing).map(({ id }) => id)
  same(new Set(listed).size, listed.length, 'how many ids were listed, each once')
  const kept = records.filter((_, i) => i % 10 >= 5)
  check(
    kept.every(({ id }) => listed.includes(id)),
    () => 'a list during deletes lost a record that was not deleted',
  )
  same(await store.count(), 300, 'how many are left')
}

async function aborts(store: EmbeddingStore): Promise<void> {
  const random = new Random(3)
  await store.upsert(Array.from({ length: 300 }, (_, i) => record(`r${i}`, [...random.vector(DIMENSION)])))
  const query = random.vector(DIMENSION)
  const aborted = AbortSignal.abort()
  await rejects(() => store.get('r1', { signal: aborted }), 'ABORTED', 'get')
  await rejects(() => store.upsert([record('x', [1, 0, 0, 0])], { signal: aborted }), 'ABORTED', 'upsert')
  await rejects(() => store.search(query, { k: 1, signal: aborted }), 'ABORTED', 'search')
  await rejects(() => all(store.list({ signal: aborted })), 'ABORTED', 'list')
  same(await store.get('x'), undefined, 'what was stored by a call that was cancelled before it began')
  const later = new AbortController()
  const batch = Array.from({ length: 500 }, (_, i) =>
    record(`late${i}`, [...random.vector(DIMENSION)], { subject: 'late' }),
  )
  // A fast engine may be done before the signal fires.
  const writing = store.upsert(batch, { signal: later.signal }).then(
    () => 'done',
    ({ code }) => code,
  )
  later.abort()
  check(
    ['done', 'ABORTED'].includes(await writing),
    () => 'a call that is cancelled on its way neither ends nor says ABORTED',
  )
  if (store.capabilities.atomicUpsert) {
    await store.upsert([record('after', [1, 0, 0, 0])])
    const count = await store.count({ subject: 'late' })
    check(count === 0 || count === 500, () => `${count} of 500 records of a cancelled call were stored`)
  }
  const breaking = new AbortController()
  const reading = (async () => {
    for await (const _ of store.list({ signal: breaking.signal })) breaking.abort()
  })()
  await rejects(() => reading, 'ABORTED', 'a list that is cancelled on its way')
  same((await store.search(query, { k: 5 })).length, 5, 'how much is found afterwards')
}

async function random(store: EmbeddingStore, rounds: number): Promise<void> {
  const random = new Random(4)
  const naive = new NaiveStore()
  let found = 0
  let wanted = 0
  for (let round = 0; round < rounds; round++) {
    const records = Array.from(
      { length: random.below(30) },
      (): FaceRecord => ({
        id: `id${random.below(200)}`,
        subject: `s${random.below(12)}`,
        vector: random.vector(DIMENSION, true),
        model: MODEL,
        time: random.below(1e9),
        metadata: Object.fromEntries(
          ['a', 'b', 'c']
            .filter(() => random.below(3) > 0)
            .map(key => [key, random.pick([1, 2, 3.5, '1', 'x', true, false])]),
        ),
      }),
    )
    await store.upsert(records)
    naive.upsert(records)
    if (random.below(3) === 0) {
      const ids = Array.from({ length: 5 }, () => `id${random.below(200)}`)
      const which = random.pick([{ ids: [...new Set(ids)] }, { subject: `s${random.below(12)}` }])
      same(
        await store.delete(which),
        naive.delete(which),
        `round ${round}: how many are gone by ${JSON.stringify(which)}`,
      )
    }
    const listing = {
      subject: random.pick([undefined, 's1']),
      after: random.pick([undefined, 'id1']),
      limit: 1 + random.below(50),
    }
    same(await all(store.list(listing)), naive.list(listing), `round ${round}: the list of ${JSON.stringify(listing)}`)
    const scalar = (): string | number | boolean => random.pick([1, 2, 3.5, '1', 'x', true, false])
    const condition = (): NonNullable<SearchOptions['where']>[string] =>
      random.pick([
        scalar(),
        { in: [scalar(), scalar()] },
        { not: scalar() },
        { gt: 1, lte: 3.5 },
        { exists: random.below(2) === 0 },
      ])
    const metric = random.pick(['cosine', 'euclidean', 'squared-euclidean'] as const)
    const o: SearchOptions = {
      k: 1 + random.below(20),
      metric,
      per: random.pick(['record', 'subject'] as const),
      ...(random.below(2)
        ? { where: Object.fromEntries(['a', 'b'].slice(random.below(2)).map(key => [key, condition()])) }
        : {}),
      ...(random.below(4) ? {} : { subject: `s${random.below(12)}` }),
      ...(random.below(2) ? { maxDistance: random.pick([0, 0.5, 1, 2, 3]) } : {}),
    }
    const query = random.vector(DIMENSION, true)
    const actual = await store.search(query, o)
    const expected = naive.search(query, o)
    const what = `round ${round}: what ${JSON.stringify({ ...o, query: [...query] })} finds`
    if (store.capabilities.exact) {
      same(actual, expected, what)
    } else {
      const everything = naive.search(query, { ...o, k: 10_000 }).map(match => JSON.stringify(match))
      const fits = o.per === 'record' ? actual.every(match => everything.includes(JSON.stringify(match))) : true
      check(fits, () => `${what} is not in the store as it says`)
      wanted += expected.length
      found += actual.filter(({ id }) => expected.some(match => match.id === id)).length
    }
  }
  check(found >= wanted * 0.9, () => `an approximate search found ${found} of ${wanted} matches`)
}

async function many(store: EmbeddingStore, count: number): Promise<void> {
  const random = new Random(5)
  const dimension = 32
  const records = Array.from({ length: count }, (_, i) =>
    record(`r${i}`, [...random.vector(dimension)], { subject: `s${i >> 2}`, metadata: { i } }),
  )
  for (let i = 0; i < count; i += 2_500) await store.upsert(records.slice(i, i + 2_500))
  same(await store.count(), count, 'the count')
  for (let i = 0; i < 5; i++) {
    const wanted = records[random.below(count)]
    const [first] = await store.search(wanted.vector, { k: 10 })
    same([first?.id, Math.round(first?.distance * 1e6)], [wanted.id, 0], 'the nearest of a record that is there')
  }
  const last = count - 1
  const [only] = await store.search(records[0].vector, { k: 1, where: { i: last } })
  same(only?.id, `r${last}`, 'the one record of all that fulfils a filter')
  same(
    (await all(store.list({ after: 'r9', limit: 5 }))).length,
    Math.min(5, records.filter(({ id }) => id > 'r9').length),
    'a short list',
  )
  same(await store.delete({ subject: 's1' }), 4, 'how many of a subject are gone')
}
