import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeConformance } from '../../src/store/conformance/index.ts'
import { postgresStore } from '../../src/store/postgres.ts'

let database: PGlite

beforeAll(async () => {
  database = await PGlite.create({ extensions: { vector } })
})

afterAll(() => database?.close())

const remove = async (place: string): Promise<void> => {
  await database.query(`DROP SCHEMA "${place}" CASCADE`)
}

describe.each([
  ['with an index', {}],
  ['without', { index: false }],
] as const)('the PostgreSQL store in PGlite, %s', (_, settings) => {
  const cases = storeConformance({
    open: (schema, options) => postgresStore({ client: database, schema, ...settings, ...options }),
    remove,
    large: 2_000,
    rounds: 20,
  })
  it.each(cases)('$name', ({ run }) => run())
})

it('refuses a schema that is no name', async () => {
  for (const schema of ['a"; DROP SCHEMA public; --', '', '1a', "a'b", 'x'.repeat(64)]) {
    await expect(postgresStore({ client: database, schema })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  }
})

it('says that a server is away, without the password', async () => {
  const error = await postgresStore({ url: 'postgres://ada:secret@127.0.0.1:1/x' }).catch(error => error)
  expect(error.code).toBe('STORE_UNAVAILABLE')
  expect(error.message).not.toContain('secret')
})

it('sees what another store put into the empty database that it was opened on', async () => {
  const schema = 'second'
  const [one, other] = await Promise.all([1, 2].map(() => postgresStore({ client: database, schema })))
  await one.upsert([{ id: 'a', subject: 'ada', vector: Float32Array.of(1, 0), model: 'm' }])
  expect(await other.count()).toBe(1)
  expect((await other.get('a'))?.model).toBe('m')
  expect(await other.delete({ ids: ['a'] })).toBe(1)
  await remove(schema)
})
