import { join } from 'node:path'
import { createClient as libsql } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LogInState, ROUTES, type SessionState } from '../../../examples/web-auth/protocol.ts'
import { deriveKeys } from '../../../examples/web-auth/server/keys.ts'
import { createSessions, SESSION_LIFE } from '../../../examples/web-auth/server/sessions.ts'
import { createClient, PASSWORD, signedUp } from './client.ts'
import { type TestServer, testServer } from './server.ts'

const EMAIL = 'ada@example.org'
let server: TestServer
beforeAll(async () => {
  server = await testServer()
  await signedUp(server.url, EMAIL)
})
afterAll(() => server.remove())

const logIn = { email: EMAIL, password: PASSWORD }

describe('a session', () => {
  it('lies in the database as a hash alone', async () => {
    const client = await signedUp(server.url, 'hash@example.org')
    const database = libsql({ url: `file:${join(server.folder, 'accounts.db')}` })
    const { rows } = await database.execute('SELECT * FROM sessions')
    database.close()
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(client.cookies.get('session'))
  })

  it('that an attacker planted is none after the log-in', async () => {
    const attacker = createClient(server.url)
    await attacker.session()
    const victim = createClient(server.url)
    victim.cookies.set('session', attacker.cookies.get('session')!)
    await victim.session()
    expect((await victim.json<LogInState>('POST', ROUTES.password, logIn)).value.stage).toBe('full')
    expect(victim.cookies.get('session')).not.toBe(attacker.cookies.get('session'))
    expect((await attacker.json('GET', ROUTES.account)).error.code).toBe('session')
    // A token of the attacker's own making is not taken over either.
    const made = createClient(server.url)
    made.cookies.set('session', 'a'.repeat(43))
    expect((await made.session()).stage).toBe('anonymous')
    expect(made.cookies.get('session')).not.toBe('a'.repeat(43))
  })

  it('is gone after the log-out, also for who kept the cookie', async () => {
    const client = await signedUp(server.url, 'out@example.org')
    const kept = client.cookies.get('session')!
    expect((await client.json<SessionState>('POST', ROUTES.logOut)).value.stage).toBe('anonymous')
    const thief = createClient(server.url)
    thief.cookies.set('session', kept)
    expect((await thief.json('GET', ROUTES.account)).error.code).toBe('session')
  })

  it('ends with all others of its account where the person says so', async () => {
    const [here, there] = [await signedUp(server.url, 'all@example.org'), createClient(server.url)]
    await there.session()
    await there.json('POST', ROUTES.password, { email: 'all@example.org', password: PASSWORD })
    expect((await there.session()).stage).toBe('full')
    const other = await signedUp(server.url, 'not-all@example.org')
    expect((await here.json('POST', ROUTES.logOut, { everywhere: true })).status).toBe(200)
    expect((await there.json('GET', ROUTES.account)).error.code).toBe('session')
    expect((await other.session()).stage).toBe('full')
  })

  it('ends when it was not used for long, and at last in any case', async () => {
    let now = Date.now()
    const sessions = createSessions(
      server.parts.database,
      deriveKeys(Buffer.alloc(32, 1).toString('base64')),
      () => now,
    )
    const begin = async (): Promise<string> =>
      (await sessions.begin({ stage: 'full', accountId: 'a', passwordAt: null })).token
    const idle = await begin()
    const used = await begin()
    for (const end = now + SESSION_LIFE.full.most; now < end; now += 20 * 60_000) {
      expect(await sessions.find(used)).toBeDefined()
    }
    now++
    expect(await sessions.find(used)).toBeUndefined()
    expect(await sessions.find(idle)).toBeUndefined()
  })
})

describe('a request', () => {
  it('that comes from another site changes nothing', async () => {
    const client = await signedUp(server.url, 'csrf@example.org')
    const tries: HeadersInit[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'x-csrf-token': '' },
      { 'x-csrf-token': 'x'.repeat(43) },
    ]
    for (const headers of tries) {
      const response = await client.request(ROUTES.logOut, { method: 'POST', headers })
      expect([response.status, (await response.json()).error.code]).toEqual([403, 'forgery'])
    }
    expect((await client.session()).stage).toBe('full')
    // Another session's token is not this one's, nor is that of before the log-in.
    const other = await signedUp(server.url, 'csrf2@example.org')
    const crossed = await client.request(ROUTES.logOut, { method: 'POST', headers: { 'x-csrf-token': other.csrf } })
    expect(crossed.status).toBe(403)
    const none = createClient(server.url)
    expect((await none.json('POST', ROUTES.password, logIn)).error.code).toBe('session')
    expect((await client.json('POST', ROUTES.logOut)).status).toBe(200)
  })

  it('is answered with headers that keep the page to itself', async () => {
    const client = createClient(server.url)
    const pages = [
      await client.request('/'),
      await client.request(ROUTES.session),
      await client.request(ROUTES.account),
    ]
    expect(pages.map(({ status }) => status)).toEqual([404, 200, 401])
    for (const { headers } of pages) expectHeaders(headers)
  })

  function expectHeaders(headers: Headers): void {
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /,
    )
    expect(headers.get('content-security-policy')).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/)
    expect(headers.get('permissions-policy')).toContain('camera=(self)')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('strict-transport-security')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('cache-control')).toBe('no-store')
  }

  it('under https has cookies that only https carries', async () => {
    const secure = await testServer({ FACEWISE_WEB_ORIGIN: 'https://app.example' })
    try {
      const response = await fetch(`${secure.url}${ROUTES.session}`)
      const [cookie] = response.headers.getSetCookie()
      expect(cookie).toMatch(/^__Host-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      expect(response.headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/)
      const plain = createClient(secure.url)
      plain.cookies.set('session', cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf(';')))
      expect((await plain.json('GET', ROUTES.account)).error.code).toBe('session')
    } finally {
      await secure.remove()
    }
  })
})
