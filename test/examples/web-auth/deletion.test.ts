import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient as libsql } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Account,
  type EnrolmentResult,
  FRAME_FIELDS,
  ROUTES,
  type SessionState,
} from '../../../examples/web-auth/protocol.ts'
import { openStore } from '../../../src/store/index.ts'
import { type Answer, type Client, createClient, enrolled, PASSWORD, signedUp } from './client.ts'
import { portrait } from './photos.ts'
import { type TestServer, testServer } from './server.ts'

const GONE = { email: 'forget.me.entirely@example.org', name: 'Rumpelstiltskin Forgetme' }

let server: TestServer
let stays: Client
beforeAll(async () => {
  server = await testServer()
  stays = await signedUp(server.url, 'stays@example.org', 'Stays')
  await enrolled(stays, [await portrait(1)])
})
afterAll(() => server.remove())

/** What the files hold of somebody, as the bytes that are looked for. */
async function tracesOf(email: string): Promise<Record<string, Buffer>> {
  const database = libsql({ url: `file:${join(server.folder, 'accounts.db')}` })
  const { rows } = await database.execute({
    sql: 'SELECT id, email_hash, password FROM accounts WHERE email = ?',
    args: [email],
  })
  const id = String(rows[0].id)
  const codes = await database.execute({ sql: 'SELECT hash FROM recovery_codes WHERE account_id = ?', args: [id] })
  const sessions = await database.execute({ sql: 'SELECT hash FROM sessions WHERE account_id = ?', args: [id] })
  database.close()
  const inside = await openStore(`file:${join(server.folder, 'faces.db')}`)
  const traces: Record<string, Buffer> = {
    email: Buffer.from(email),
    name: Buffer.from(GONE.name),
    id: Buffer.from(id),
    'hash of the e-mail': Buffer.from(String(rows[0].email_hash)),
    'hash of the password': Buffer.from(String(rows[0].password)),
    'recovery code': Buffer.from(String(codes.rows[0].hash)),
    session: Buffer.from(String(sessions.rows[0].hash)),
  }
  for await (const { metadata } of inside.list({ subject: id })) {
    // The embedding is in there, with all else that is encrypted.
    const { ciphertext } = metadata as { ciphertext: string }
    for (const at of [0, ciphertext.length >> 1]) {
      traces[`ciphertext at ${at}`] = Buffer.from(ciphertext.slice(at, at + 40))
    }
  }
  await inside.close()
  return traces
}

/** Which of them are in any file of the folder. */
function found(traces: Record<string, Buffer>): string[] {
  const files = readdirSync(server.folder).map(name => readFileSync(join(server.folder, name), { flag: 'r' }))
  return Object.keys(traces).filter(name => files.some(bytes => bytes.includes(traces[name])))
}

describe('an account that is deleted', () => {
  it('is gone from every file, and from every browser', async () => {
    const gone = await signedUp(server.url, GONE.email, GONE.name)
    expect((await enrolled(gone, [await portrait()])).value.accepted).toBe(1)
    const exported = await gone.json<Account & { templates: unknown[] }>('GET', ROUTES.export)
    expect(exported.headers.get('content-disposition')).toContain('attachment')
    expect(exported.value).toMatchObject({ ...GONE, templates: [{ model: 'dlib-resnet-128', numbers: 128 }] })
    expect(JSON.stringify(exported.value)).not.toMatch(/argon2|"vector"|\[-?0\.\d+,/)
    const other = createClient(server.url)
    other.cookies.set('session', gone.cookies.get('session')!)
    const traces = await tracesOf(GONE.email)
    expect(Object.keys(traces).length).toBeGreaterThanOrEqual(9)
    expect(found(traces)).toEqual(Object.keys(traces))

    expect((await gone.json('DELETE', ROUTES.account, { password: 'not the password' })).error.code).toBe('refused')
    const { status, value } = await gone.json<SessionState>('DELETE', ROUTES.account, { password: PASSWORD })
    expect([status, value.stage]).toEqual([200, 'anonymous'])
    expect(found(traces)).toEqual([])
    expect((await other.json('GET', ROUTES.account)).error.code).toBe('session')
    const again = await gone.json('POST', ROUTES.password, { email: GONE.email, password: PASSWORD })
    expect(again.error.code).toBe('refused')
    // Others are still there.
    expect((await stays.json<Account>('GET', ROUTES.account)).value).toMatchObject({ name: 'Stays', face: {} })
  })
})

describe('a face that is deleted or replaced', () => {
  it('is gone from every file, while the account stays', async () => {
    const email = 'keeps.the.account@example.org'
    const client = await signedUp(server.url, email)
    await enrolled(client, [await portrait()])
    const encryptedFace = async (): Promise<Record<string, Buffer>> =>
      Object.fromEntries(Object.entries(await tracesOf(email)).filter(([name]) => name.startsWith('ciphertext')))
    const first = await encryptedFace()
    expect(found(first)).toHaveLength(2)
    await enrolled(client, [await portrait(1)])
    expect(found(first)).toEqual([])
    const second = await encryptedFace()
    expect(found(second)).toHaveLength(2)
    expect((await client.json('DELETE', ROUTES.face, {})).error.code).toBe('invalid')
    expect((await client.json('DELETE', ROUTES.face, { password: PASSWORD })).status).toBe(200)
    expect(found(second)).toEqual([])
    expect((await client.json<Account>('GET', ROUTES.account)).value.face).toBeUndefined()
  })

  it('is not replaced from a session that was left open, without the password', async () => {
    const email = 'left.open@example.org'
    const client = await signedUp(server.url, email)
    const { database, accounts } = server.parts
    const { id } = (await accounts.byEmail(email))!
    const aQuarterAgo = Date.now() - 15 * 60_000 - 1
    await database.run('UPDATE sessions SET password_at = ? WHERE account_id = ?', aQuarterAgo, id)
    const enrol = async (password?: string): Promise<Answer<EnrolmentResult>> => {
      const form = new FormData()
      form.append(FRAME_FIELDS.photo, new Blob([(await portrait()) as Uint8Array<ArrayBuffer>]))
      if (password) form.append(FRAME_FIELDS.password, password)
      return client.form(ROUTES.face, form)
    }
    const without = await enrol()
    expect([without.status, without.error.code, without.error.hint]).toEqual([401, 'session', 'password'])
    expect((await enrol('not the password')).error.code).toBe('refused')
    expect((await enrol(PASSWORD)).value.accepted).toBe(1)
  })

  it('of an account that vanished in a crash is forgotten at the next start', async () => {
    const { faces } = server.parts
    const signal = AbortSignal.timeout(30_000)
    await faces.enrol('nobody', [await portrait()], { findable: false, signal })
    expect(await faces.list('nobody')).toHaveLength(1)
    await faces.sweep(async id => (await server.parts.accounts.byId(id)) !== undefined)
    expect(await faces.list('nobody')).toEqual([])
  })
})

describe('recovery codes', () => {
  it('open the account once each, after the password, where there is no camera', async () => {
    const email = 'codes@example.org'
    const owner = await signedUp(server.url, email)
    const { value } = await enrolled(owner, [await portrait()])
    const [code] = (value as unknown as { recoveryCodes: string[] }).recoveryCodes
    const client = createClient(server.url)
    await client.session()
    expect((await client.json('POST', ROUTES.recovery, { code })).error.code).toBe('session')
    await client.json('POST', ROUTES.password, { email, password: PASSWORD })
    expect((await client.json('POST', ROUTES.recovery, { code: 'aaaaa-aaaaa' })).error.code).toBe('refused')
    expect((await client.json<SessionState>('POST', ROUTES.recovery, { code: code.toUpperCase() })).value.stage).toBe(
      'full',
    )
    const next = createClient(server.url)
    await next.session()
    await next.json('POST', ROUTES.password, { email, password: PASSWORD })
    expect((await next.json('POST', ROUTES.recovery, { code })).error.code).toBe('refused')
  })
})
