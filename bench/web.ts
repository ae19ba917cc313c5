/**
 * `npm run bench:web -- [USERS...] [--log-ins N]`: log-ins by password and face at the server of examples/web-auth, as it is started by
 * hand on a SQLite file, by 1, 8 and 32 users at once. Each answers its challenge with a recording of the development data, in the time that
 * the recording took. Every fourth account is of somebody else than the person of the recordings, and must not open.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Health, type LogInState, ROUTES, type SessionState } from '../examples/web-auth/protocol.ts'
import { generateKey } from '../src/store/index.ts'
import { developmentData } from '../test/data.ts'
import {
  type Answer,
  type Client,
  challenged,
  createClient,
  enrolled,
  framesForm,
  PASSWORD,
  signedUp,
} from '../test/examples/web-auth/client.ts'
import { portrait } from '../test/examples/web-auth/photos.ts'
import { anew, fitting, inTime, type RecordedFrame, recording, TURNS } from '../test/examples/web-auth/recordings.ts'
import { freePort } from '../test/examples/web-auth/server.ts'
import { row } from './timing.ts'

const STRANGER_EVERY = 4

if (!developmentData) {
  console.error('This needs the recordings of the development data: FACEWISE_DATA names its folder.')
  process.exit(1)
}
const { values, positionals } = parseArgs({ options: { 'log-ins': { type: 'string' } }, allowPositionals: true })
const levels = positionals.length > 0 ? positionals.map(Number) : [1, 8, 32]
const folder = mkdtempSync(join(tmpdir(), 'facewise-bench-web-'))
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Bench</title>')
const port = await freePort()
const url = `http://localhost:${port}`
const root = fileURLToPath(new URL('..', import.meta.url))
const server = spawn(process.execPath, ['--import', 'tsx', join(root, 'examples', 'web-auth', 'server', 'main.ts')], {
  cwd: root,
  env: {
    ...process.env,
    PORT: String(port),
    FACEWISE_WEB_DATA: folder,
    FACEWISE_WEB_KEY: generateKey(),
    FACEWISE_WEB_PAGE: folder,
    FACEWISE_WEB_PROXY: '1',
    ...TURNS,
  },
  stdio: ['ignore', 'ignore', 'inherit'],
})
process.once('exit', () => server.kill('SIGKILL'))

const recorded = new Map<string, RecordedFrame[]>()
for (const name of ['turn_yaw', 'turn_yaw2']) recorded.set(name, await recording(developmentData, name))
const own = recorded.get('turn_yaw')![0].bytes
const strange = await portrait()

/** Memory of the server, in MB. */
function memory(): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) / 1000
}

interface LogIn {
  /** From sending the frames to the decision, in milliseconds. */
  readonly took: number
  readonly answer: Answer<SessionState>
  /** How often it was told to come again. */
  readonly sentAway: number
}

async function logIn(email: string, device: string): Promise<LogIn> {
  const client = createClient(url)
  await client.session()
  client.cookies.set('device', device)
  const { status, value } = await client.json<LogInState>('POST', ROUTES.password, { email, password: PASSWORD })
  if (value.next !== 'face') throw new Error(`the password log-in answered ${status}`)
  const issued = await challenged(client, { purpose: 'log-in' })
  const frames = recorded.get(fitting(issued.challenge))!.map(({ bytes, time }) => ({ bytes: anew(bytes), time }))
  const form = framesForm(issued.challenge.id, await inTime(issued, frames))
  const began = performance.now()
  for (let sentAway = 0; ; sentAway++) {
    const answer = await client.form<SessionState>(ROUTES.faceLogIn, form)
    if (answer.error.code !== 'unavailable') return { took: performance.now() - began, answer, sentAway }
    await sleep(1000 * (answer.error.retryAfter ?? 1) * (0.75 + Math.random() / 2))
  }
}

const accounts: { email: string; device: string; isStranger: boolean }[] = []
async function account(i: number): Promise<void> {
  const email = `user-${crypto.randomUUID()}@example.org`
  const client: Client = await signedUp(url, email)
  const isStranger = i % STRANGER_EVERY === STRANGER_EVERY - 1
  const { value } = await enrolled(client, [isStranger ? strange : own])
  if (value.accepted !== 1) throw new Error('a photo was not taken')
  accounts[i] = { email, device: client.cookies.get('device')!, isStranger }
}

while (
  (
    (await fetch(`${url}${ROUTES.health}`).then(
      answer => answer.json(),
      () => undefined,
    )) as Health | undefined
  )?.status !== 'ok'
) {
  await sleep(50)
}
console.log(
  `${cpus().length} cores, ${recorded.get('turn_yaw')!.length} frames a log-in, memory ${memory().toFixed(0)} MB at the start\n`,
)
row([
  'users',
  'log-ins',
  'a second',
  'median s',
  '95 % s',
  'sent away',
  'let in',
  'wrongly',
  'refused',
  'wrongly',
  'MB',
])
let failed = false
for (const users of levels) {
  const total = Number(values['log-ins'] ?? Math.max(users, 8))
  // Few tries for each, since strangers are locked out after ten.
  accounts.length = 0
  const wanted = Math.ceil(Math.max(users, STRANGER_EVERY, total / 8))
  for (let i = 0; i < wanted; i += 8) {
    await Promise.all(Array.from({ length: Math.min(8, wanted - i) }, (_, k) => account(i + k)))
  }
  const done: (LogIn & { isStranger: boolean })[] = []
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: users }, async () => {
      while (next < total) {
        const { email, device, isStranger } = accounts[next++ % accounts.length]
        done.push({ ...(await logIn(email, device)), isStranger })
      }
    }),
  )
  const seconds = (performance.now() - began) / 1000
  const times = done.map(({ took }) => took / 1000).sort((a, b) => a - b)
  const count = (isStranger: boolean, status: number): number =>
    done.filter(each => each.isStranger === isStranger && each.answer.status === status).length
  const [right, wrong] = [count(false, 200), count(true, 200)]
  const others = done.filter(({ answer: { error } }) => error.code !== undefined && error.code !== 'refused')
  if (others.length > 0)
    console.log(others.map(({ answer: { error } }) => `${error.code} ${error.hint ?? ''}`).join(', '))
  failed ||= wrong > 0
  row(
    [
      users,
      total,
      (total / seconds).toFixed(2),
      times[times.length >> 1].toFixed(1),
      times[Math.ceil(times.length * 0.95) - 1].toFixed(1),
      done.reduce((sum, { sentAway }) => sum + sentAway, 0),
      right,
      wrong,
      count(true, 401),
      done.filter(({ isStranger, answer }) => !isStranger && answer.status !== 200).length,
      memory().toFixed(0),
    ].map(String),
  )
}
server.kill('SIGTERM')
await new Promise(resolve => server.once('exit', resolve))
rmSync(folder, { recursive: true, force: true })
if (failed) {
  console.error('Somebody was let in who is not the person of the account.')
  process.exit(1)
}
