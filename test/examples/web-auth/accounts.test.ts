import { hash, verify } from '@node-rs/argon2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, CONSENT_VERSION, type LogInState, ROUTES } from '../../../examples/web-auth/protocol.ts'
import { createPasswords, weakness } from '../../../examples/web-auth/server/passwords.ts'
import { type Answer, createClient, PASSWORD, signedUp, withPassword } from './client.ts'
import { type TestServer, testServer } from './server.ts'

/** Which hashes passwords were compared with. */
const compared: string[] = []
let server: TestServer
beforeAll(async () => {
  const passwords = await createPasswords({
    hash,
    verify: (hashed, password, ...rest) => {
      compared.push(String(hashed))
      return verify(hashed, password, ...rest)
    },
  })
  server = await testServer({}, { passwords })
})
afterAll(() => server.remove())

/** From an address of its own. */
async function logIn(email: string, password: string, device?: string): Promise<Answer<LogInState>> {
  const client = createClient(server.url)
  await client.session()
  if (device) client.cookies.set('device', device)
  return client.json<LogInState>('POST', ROUTES.password, { email, password })
}

describe('sign-up', () => {
  const good = { name: 'Ada', email: 'new@example.org', password: PASSWORD, consent: CONSENT_VERSION }
  const signUp = async (body: unknown): Promise<Answer<unknown>> => {
    const client = createClient(server.url)
    await client.session()
    return client.json('POST', ROUTES.signUp, body)
  }

  it('makes one account of an e-mail, however it is written', async () => {
    expect((await signUp(good)).status).toBe(200)
    const { status, error } = await signUp({ ...good, email: 'NEW@Example.org' })
    expect([status, error.code, error.fields]).toEqual([400, 'invalid', ['email']])
  })

  it('says which field is wrong, and stores nothing without consent', async () => {
    expect((await signUp({ ...good, consent: '1999' })).error.code).toBe('consent')
    expect((await signUp({ ...good, email: 'nowhere' })).error.fields).toEqual(['email'])
    expect((await signUp({ ...good, name: ' ' })).error.fields).toEqual(['name'])
    expect((await signUp({ ...good, name: 'a\u0000b' })).error.fields).toEqual(['name'])
    expect((await signUp({ ...good, name: 'x'.repeat(81) })).error.fields).toEqual(['name'])
    expect((await signUp({ ...good, password: 'short' })).error.fields).toEqual(['password'])
    expect((await signUp({ ...good, admin: true })).error.code).toBe('invalid')
  })

  it('refuses passwords that are tried first, and asks for no kinds of characters', () => {
    const [email, name] = ['lovelace@example.org', 'Ada Lovelace']
    for (const bad of [
      'aaaaaaaaaaaa',
      'Password123',
      'qwertyuiop',
      '0123456789',
      'lovelace@example.org',
      'Ada Lovelace',
    ]) {
      expect(weakness(bad, [email, name]), bad).toBeDefined()
    }
    expect(weakness('x'.repeat(201), [])).toBeDefined()
    expect(weakness('only lower case words', [email, name])).toBeUndefined()
    expect(weakness('пароль из слов', [email, name])).toBeUndefined()
  })
})

describe('log-in by password', () => {
  it('gives the same answer and does the same work for an e-mail that nobody has', async () => {
    await signedUp(server.url, 'known@example.org')
    compared.length = 0
    const wrong = await logIn('known@example.org', 'not the password')
    const nobody = await logIn('unknown@example.org', 'not the password')
    expect([wrong.status, wrong.error]).toEqual([401, expect.objectContaining({ code: 'refused' })])
    expect([nobody.status, nobody.error]).toEqual([wrong.status, wrong.error])
    expect(compared).toHaveLength(2)
    const costs = compared.map(text => text.split('$').slice(1, 4).join('$'))
    expect(new Set(costs)).toEqual(new Set(['argon2id$v=19$m=19456,t=2,p=1']))
    expect((await logIn('known@example.org', PASSWORD)).value.next).toBe('done')
  })

  it('takes about as long for both', async () => {
    const times: Record<'known' | 'nobody', number[]> = { known: [], nobody: [] }
    // Eight tries of each, since ten are the limit, by turns, so that what else the machine does meets both.
    for (let account = 0; account < 4; account++) {
      await signedUp(server.url, `timing-${account}@example.org`)
      for (let i = 0; i < 16; i++) {
        const kind = i % 2 === 0 ? 'known' : 'nobody'
        const client = createClient(server.url)
        await client.session()
        const email = `timing-${account}@example.${kind === 'known' ? 'org' : 'com'}`
        const began = performance.now()
        const { error } = await client.json('POST', ROUTES.password, { email, password: 'not the password' })
        times[kind].push(performance.now() - began)
        expect(error.code).toBe('refused')
      }
    }
    const told = Object.entries(times).map(([kind, all]) => {
      const sorted = [...all].sort((a, b) => a - b)
      const [low, middle, high] = [0.25, 0.5, 0.75].map(share => sorted[Math.floor(share * sorted.length)].toFixed(1))
      return `${kind} ${middle} ms (${low} to ${high})`
    })
    // The work is asserted above; a time on a busy machine would prove nothing.
    console.log(`a wrong password, median and quartiles of ${times.known.length}: ${told.join(', ')}`)
  })

  it('lets 200 tries at once compare no more than the limit, and leaves the owner a way in', async () => {
    const email = 'target@example.org'
    const owner = await signedUp(server.url, email)
    const clients = Array.from({ length: 20 }, () => createClient(server.url))
    await Promise.all(clients.map(client => client.session()))
    compared.length = 0
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        clients[i % 20].json<LogInState>('POST', ROUTES.password, { email, password: `guess number ${i}` }),
      ),
    )
    const codes = answers.map(({ error }) => error.code)
    expect(codes.filter(code => code === 'refused')).toHaveLength(10)
    expect(codes.filter(code => code === 'locked')).toHaveLength(190)
    expect(compared).toHaveLength(10)
    const lockedOut = answers.find(({ error }) => error.code === 'locked')!
    expect(lockedOut.status).toBe(429)
    expect(Number(lockedOut.headers.get('retry-after'))).toBe(lockedOut.error.retryAfter)
    // The right password does not help a stranger now; the owner's own browser is counted for itself.
    expect((await logIn(email, PASSWORD)).error.code).toBe('locked')
    expect((await logIn(email, PASSWORD, owner.cookies.get('device'))).value.stage).toBe('full')
    // Another account's mark is none.
    const other = await signedUp(server.url, 'other@example.org')
    expect((await logIn(email, PASSWORD, other.cookies.get('device'))).error.code).toBe('locked')
    const { value } = await owner.json<Account>('GET', ROUTES.account)
    expect(value.events.filter(({ outcome }) => outcome === 'refused')).toHaveLength(10)
  })
})

describe('an account', () => {
  it('is changed with the password alone, and tries of it are limited', async () => {
    const client = await signedUp(server.url, 'change@example.org')
    const change = (password: string): Promise<Answer<Account>> =>
      client.json('PATCH', ROUTES.account, { password, findable: false })
    expect((await change('not the password')).error.code).toBe('refused')
    expect((await change(PASSWORD)).value.findable).toBe(false)
    const alone = await client.json('PATCH', ROUTES.account, { password: PASSWORD, faceAlone: true })
    expect(alone.error.fields).toEqual(['faceAlone'])
    const found = await client.json('PATCH', ROUTES.account, { password: PASSWORD, findable: true })
    expect(found.error.fields).toEqual(['findable'])
    for (let i = 0; i < 5; i++) expect((await change('not the password')).error.code).toBe('refused')
    expect((await change(PASSWORD)).error.code).toBe('locked')
  })

  it('keeps two users apart, at once', async () => {
    const emails = ['left@example.org', 'right@example.org']
    const clients = await Promise.all(emails.map(email => signedUp(server.url, email, email)))
    const seen = await Promise.all(
      Array.from({ length: 40 }, (_, i) => clients[i % 2].json<Account>('GET', ROUTES.account)),
    )
    expect(seen.map(({ value }) => value.email)).toEqual(seen.map((_, i) => emails[i % 2]))
  })

  it('takes SQL and HTML for what they are: text', async () => {
    const evil = `'); DROP TABLE accounts; -- <script>alert(1)</script> \${x} %00 "`
    const client = await signedUp(server.url, `o'brien"--@example.org`.replace('"', ''), evil)
    const { value, headers } = await client.json<Account>('GET', ROUTES.account)
    expect(value.name).toBe(evil)
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    for (const email of [`x' OR '1'='1@example.org`, `${evil}@example.org`, 'a%@example.org']) {
      expect((await logIn(email, evil)).error.code).toMatch(/^(refused|invalid)$/)
    }
    expect((await withPassword(server.url, `o'brien--@example.org`)).next).toBe('done')
  })
})
