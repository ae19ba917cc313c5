import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Account, type Health, type LogInState, ROUTES } from '../../../examples/web-auth/protocol.ts'
import { type PostgresServer, startPostgres } from '../../../scripts/postgres.ts'
import { type Client, challenged, createClient, enrolled, framesForm, PASSWORD, signedUp } from './client.ts'
import { portrait } from './photos.ts'
import { freePort } from './server.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface ServerProcess {
  readonly url: string
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  readonly said: () => string
}

const folder = mkdtempSync(join(tmpdir(), 'facewise-web-'))
const started: ServerProcess[] = []
afterAll(async () => {
  for (const { process: child } of started) child.kill('SIGKILL')
  await Promise.all(started.map(({ ended }) => ended))
  rmSync(folder, { recursive: true, force: true })
})

/** A server as it is started by hand. */
async function startProcess(env: Record<string, string>): Promise<ServerProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'web-auth', 'server', 'main.ts')], {
    cwd: root,
    env: { ...process.env, PORT: String(port), FACEWISE_WEB_WORKERS: '1', FACEWISE_WEB_PROXY: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const ended = new Promise<number | null>(resolve => void child.on('exit', resolve))
  const server = { url: `http://localhost:${port}`, process: child, ended, said: () => said }
  started.push(server)
  for (;;) {
    const health = await fetch(`${server.url}${ROUTES.health}`).then(
      async response => (await response.json()) as Health,
      () => undefined,
    )
    if (health?.status === 'ok') return server
    if (child.exitCode !== null) throw new Error(`the server ended: ${said}`)
    await sleep(100)
  }
}

/** The same browser at another server: a load balancer sends it here and there. */
function at(url: string, client: Client): Client {
  const other = createClient(url)
  for (const [name, value] of client.cookies) other.cookies.set(name, value)
  other.csrf = client.csrf
  return other
}

describe('two servers on one PostgreSQL', () => {
  let postgres: PostgresServer
  let left: ServerProcess
  let right: ServerProcess
  beforeAll(async () => {
    postgres = await startPostgres()
    const env = {
      DATABASE_URL: postgres.url,
      FACEWISE_WEB_KEY: randomBytes(32).toString('base64'),
    }
    ;[left, right] = await Promise.all([startProcess(env), startProcess(env)])
  })
  afterAll(() => postgres.remove())

  it('share sessions, challenges, faces and limits, and nothing else', async () => {
    const email = 'ada@example.org'
    const client = await signedUp(left.url, email)
    const there = at(right.url, client)
    expect((await there.json<Account>('GET', ROUTES.account)).value.email).toBe(email)

    // A challenge of one, taken by the other: once.
    const { challenge } = await challenged(client, { purpose: 'enrol' })
    const grey = sharp({ create: { width: 400, height: 300, channels: 3, background: 'grey' } })
    const frames = [{ bytes: await grey.jpeg().toBuffer(), time: challenge.issuedAt + 1 }]
    const answers = await Promise.all(
      [client, there].map(each => each.form(ROUTES.face, framesForm(challenge.id, frames))),
    )
    expect(answers.map(({ error }) => error.code).sort()).toEqual(['challenge-gone', 'no-face'])

    // A face that one has enrolled, the other knows and removes.
    expect((await enrolled(client, [await portrait()])).value.accepted).toBe(1)
    expect((await there.json<Account>('GET', ROUTES.account)).value.face).toBeDefined()
    const exported = await there.json<{ templates: unknown[] }>('GET', ROUTES.export)
    expect(exported.value.templates).toHaveLength(1)

    // 30 tries at both at once get as far as the limit lets them together.
    const tries = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const guest = createClient(i % 2 ? left.url : right.url)
        await guest.session()
        return guest.json<LogInState>('POST', ROUTES.password, { email, password: `guess number ${i}` })
      }),
    )
    expect(tries.filter(({ error }) => error.code === 'refused')).toHaveLength(10)
    expect(tries.filter(({ error }) => error.code === 'locked')).toHaveLength(20)

    expect((await there.json('DELETE', ROUTES.account, { password: PASSWORD })).status).toBe(200)
    expect((await client.json('GET', ROUTES.account)).error.code).toBe('session')
  })
})

describe('a server that is told to end', () => {
  it('finishes what is under way, refuses what is new, and ends well', async () => {
    const server = await startProcess({ FACEWISE_WEB_DATA: folder, FACEWISE_WEB_EVENTS: '1' })
    const client = await signedUp(server.url, 'late@example.org')
    const enrolment = enrolled(client, [await portrait(), await portrait(1)])
    await sleep(150)
    server.process.kill('SIGTERM')
    expect((await enrolment).status).toBe(200)
    expect(await server.ended).toBe(0)
    await expect(fetch(server.url)).rejects.toThrow()
    // Events are lines of JSON, without a name, an e-mail or an address.
    const events = server
      .said()
      .split('\n')
      .filter(line => line.startsWith('{'))
    expect(events.map(line => JSON.parse(line).what)).toEqual(['sign-up', 'enrolment'])
    expect(events.join()).not.toMatch(/late@|Ada|\b10\.\d+\.\d+\.\d+/)
    // Its key was said to be one for development, and nothing went wrong.
    expect(server.said()).toMatch(/good for development only/)
    expect(server.said()).not.toMatch(/Error/)
  })
})
