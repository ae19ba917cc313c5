import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Account,
  type EnrolmentResult,
  type IssuedChallenge,
  type Purpose,
  ROUTES,
  type SessionState,
  type Who,
} from '../../../examples/web-auth/protocol.ts'
import { fromRawPixels } from '../../../src/image/index.ts'
import { encrypted, generateKey, openStore } from '../../../src/store/index.ts'
import { swing, viewPrint } from '../../attributes/liveness/perspective.ts'
import { developmentData } from '../../data.ts'
import {
  type Answer,
  type Client,
  challenged,
  createClient,
  enrolled,
  framesForm,
  PASSWORD,
  signedUp,
  withPassword,
} from './client.ts'
import { portrait } from './photos.ts'
import { anew, fitting, inTime, noisy, type RecordedFrame, recording, TURNS } from './recordings.ts'
import { type TestServer, testServer } from './server.ts'

const ADA = 'ada@example.org'
const BEA = 'bea@example.org'
const CLEO = 'cleo@example.org'
const OTHER = { turn_yaw: 'turn_yaw2', turn_yaw2: 'turn_yaw' } as const
const EMPTY = { create: { width: 400, height: 300, channels: 3, background: '#456' } } as const

/** A real server on real recordings: the person of all recordings but one is Ada; Bea is on a photo that comes with a package. */
describe.skipIf(!developmentData)('a face', () => {
  const data = developmentData as string
  let server: TestServer
  let ada: Client
  let bea: Client

  beforeAll(async () => {
    server = await testServer({ ...TURNS, FACEWISE_WEB_WORKERS: '2', FACEWISE_WEB_WAITING: '50' })
    ada = await signedUp(server.url, ADA)
    const { value } = await attempt<EnrolmentResult>(ada, 'enrol', ROUTES.face)
    expect(value.accepted).toBeGreaterThan(0)
    bea = await signedUp(server.url, BEA, 'Bea')
    expect((await enrolled(bea, [await portrait()])).value.accepted).toBe(1)
  })
  afterAll(() => server.remove())

  /** Asks for a challenge and answers it with the recording that fits, or with other frames. */
  async function attempt<T = SessionState>(
    client: Client,
    purpose: Purpose,
    route: string,
    { email, frames = name => recording(data, name) }: { email?: string; frames?: Frames } = {},
  ): Promise<Answer<T>> {
    const issued = await challenged(client, { purpose, ...(email && { email }) })
    return client.form<T>(route, await answer(issued, frames))
  }
  type Frames = (fits: 'turn_yaw' | 'turn_yaw2') => Promise<RecordedFrame[]>

  async function answer(issued: IssuedChallenge, frames: Frames = name => recording(data, name)): Promise<FormData> {
    return framesForm(issued.challenge.id, await inTime(issued, await frames(fitting(issued.challenge))))
  }

  const still = (): Promise<Buffer> => readFile(join(data, 'data', 'liveness', 'frames', 'steady', '00252.jpg'))

  function times(count: number, make: (i: number) => Promise<Uint8Array>): Promise<RecordedFrame[]> {
    return Promise.all(Array.from({ length: count }, async (_, i) => ({ bytes: await make(i), time: i * 80 })))
  }

  async function swungPrint(fits: 'turn_yaw' | 'turn_yaw2'): Promise<RecordedFrame[]> {
    const { data: pixels, info } = await sharp(await still())
      .raw()
      .toBuffer({ resolveWithObject: true })
    const print = fromRawPixels({ data: new Uint8Array(pixels), width: info.width, height: info.height, channels: 3 })
    // To the side that is asked for, back, and to the other.
    const path = swing('yaw', fits === 'turn_yaw' ? -40 : 40, 1)
    return times(path.length, i => {
      const { data: seen, width, height } = viewPrint(print, [200, 160], path[i])
      return noisy(sharp(seen, { raw: { width, height, channels: 3 } }))
    })
  }

  async function besideAnother(fits: 'turn_yaw' | 'turn_yaw2'): Promise<RecordedFrame[]> {
    const other = await sharp(await portrait())
      .resize(240, 252)
      .toBuffer()
    return recording(data, fits, image =>
      image.extend({ right: 240 }).composite([{ input: other, left: 400, top: 24 }]),
    )
  }

  /** Somebody who has the password, in a browser that counts as known: its tries are its own. */
  async function intruder(email: string): Promise<Client> {
    const { client, next } = await withPassword(server.url, email)
    expect(next).toBe('face')
    const { devices, accounts } = server.parts
    client.cookies.set('device', devices.issue(accounts.emailHash(email)))
    return client
  }

  async function alone(email: string): Promise<Answer<SessionState>> {
    const client = createClient(server.url)
    await client.session()
    return attempt(client, 'log-in', ROUTES.faceLogIn, { email })
  }

  it.concurrent('opens the account after the password, by the movements that were asked for, under a new session', async () => {
    const { client } = await withPassword(server.url, ADA)
    const before = client.cookies.get('session')
    const { status, value } = await attempt(client, 'log-in', ROUTES.faceLogIn)
    expect([status, value.stage, value.account?.name]).toEqual([200, 'full', 'Ada'])
    expect(client.cookies.get('session')).not.toBe(before)
    const account = await client.json<Account>('GET', ROUTES.account)
    expect(account.value.face?.lastUsedAt).toBeDefined()
    expect(account.value.events[0]).toMatchObject({ what: 'face log-in', outcome: 'done' })
    // The session of before opens nothing, whoever kept it.
    const old = createClient(server.url)
    old.cookies.set('session', before!)
    expect((await old.json('GET', ROUTES.account)).error.code).toBe('session')
  })

  it.concurrent('of another person opens nothing, password or not', async () => {
    const client = await intruder(BEA)
    const { status, error } = await attempt(client, 'log-in', ROUTES.faceLogIn)
    expect([status, error.code]).toEqual([401, 'refused'])
    expect((await client.session()).stage).toBe('password')
    expect((await client.json('GET', ROUTES.account)).error.code).toBe('session')
  })

  it.concurrent('alone is answered alike by an account that does not take it and by none', async () => {
    const [without, nobody] = await Promise.all([alone(ADA), alone('nobody@example.org')])
    expect([without.status, without.error.code]).toEqual([401, 'refused'])
    expect([nobody.status, nobody.error]).toEqual([without.status, without.error])
  })

  it.concurrent('is refused with the challenge of another session, which that one can still use; and with one that was used', async () => {
    const [victim, thief] = [await intruder(ADA), await intruder(ADA)]
    const issued = await challenged(victim, { purpose: 'log-in' })
    const form = await answer(issued)
    const stolen = await thief.form<SessionState>(ROUTES.faceLogIn, form)
    expect([stolen.status, stolen.error.code]).toEqual([409, 'challenge-gone'])
    // Twice at once: one of them is the first.
    const both = await Promise.all([1, 2].map(() => victim.form<SessionState>(ROUTES.faceLogIn, form)))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    // For another purpose it was not issued, and a made-up one never.
    const enrol = await challenged(ada, { purpose: 'enrol' })
    const wrongPurpose = await ada.form(ROUTES.who, framesForm(enrol.challenge.id, []))
    expect(wrongPurpose.error.code).toBe('challenge-gone')
    expect((await thief.form(ROUTES.faceLogIn, framesForm('0'.repeat(32), []))).error.code).toBe('challenge-gone')
  })

  it.concurrent('that was sent before is refused under a new challenge, and so are times that are not its own', async () => {
    const client = await intruder(ADA)
    const first = await challenged(client, { purpose: 'log-in' })
    const frames = await inTime(first, await recording(data, fitting(first.challenge)))
    expect((await client.form<SessionState>(ROUTES.faceLogIn, framesForm(first.challenge.id, frames))).status).toBe(200)

    const thief = await intruder(ADA)
    const second = await challenged(thief, { purpose: 'log-in' })
    const replayed = await inTime(
      second,
      frames.map(({ bytes, time }) => ({ bytes, time: time - frames[0].time })),
    )
    const again = await thief.form(ROUTES.faceLogIn, framesForm(second.challenge.id, replayed))
    expect([again.status, again.error.code, again.error.hint]).toEqual([422, 'not-live', 'used-frames'])

    const third = await challenged(thief, { purpose: 'log-in' })
    const early = await recording(data, fitting(third.challenge))
    const from = (begin: number): FormData =>
      framesForm(
        third.challenge.id,
        early.map(({ bytes, time }) => ({ bytes, time: begin + time })),
      )
    expect((await thief.form(ROUTES.faceLogIn, from(third.challenge.issuedAt - 4000))).error.hint).toBe('times')
    const fourth = await challenged(thief, { purpose: 'log-in' })
    const late = early.map(({ bytes, time }) => ({ bytes, time: Date.now() + 20_000 + time }))
    expect((await thief.form(ROUTES.faceLogIn, framesForm(fourth.challenge.id, late))).error.hint).toBe('times')
  })

  /** What is held before the camera, and what comes of it. */
  const ATTACKS: readonly (readonly [string, Frames, outcome: RegExp])[] = [
    ['one frame again and again', () => times(24, async () => anew(await still())), /^not-live: frozen$/],
    ['one photo', () => times(24, async () => noisy(sharp(await still()))), /^not-live: incomplete$/],
    ['a print that is swung', swungPrint, /^not-live: /],
    ['the other movements', fits => recording(data, OTHER[fits]), /^not-live: (wrong-action|incomplete)$/],
    ['two people', besideAnother, /^several-faces: /],
    ['nobody', () => times(24, () => noisy(sharp(EMPTY))), /^no-face: incomplete$/],
  ]
  it.concurrent.each(ATTACKS)('does not pass as %s', async (_, frames, outcome) => {
    const client = await intruder(ADA)
    const { status, error } = await attempt(client, 'log-in', ROUTES.faceLogIn, { frames })
    expect(status).toBe(422)
    expect(`${error.code}: ${error.hint}`).toMatch(outcome)
    expect((await client.session()).stage).toBe('password')
  })

  it('alone opens an account that says so', async () => {
    const change = await ada.json<Account>('PATCH', ROUTES.account, { password: PASSWORD, faceAlone: true })
    expect(change.value.faceAlone).toBe(true)
    expect((await alone(ADA)).value.stage).toBe('full')
    await ada.json('PATCH', ROUTES.account, { password: PASSWORD, faceAlone: false })
    const { value } = await ada.json<Account>('GET', ROUTES.account)
    const outcomes = value.events.filter(({ what }) => what === 'face log-in').map(({ outcome }) => outcome)
    expect(outcomes).toEqual(expect.arrayContaining(['done', 'challenge-gone', 'not-live', 'no-face', 'several-faces']))
  })

  it('gives a name away only of who wants to be found, to who is logged in, and of a living person', async () => {
    const who = async (frames?: Frames): Promise<Who | string> => {
      // Each in a browser of its own, since a session has one challenge at a time.
      const { client } = await withPassword(server.url, CLEO)
      const { value, error } = await attempt<Who>(client, 'who', ROUTES.who, { frames })
      return error.code ?? value
    }
    await signedUp(server.url, CLEO, 'Cleo')
    const photo = (): Promise<RecordedFrame[]> => recording(data, 'steady')
    const change = { password: PASSWORD, findable: true }
    expect(await who()).toEqual({ name: null })
    await ada.json('PATCH', ROUTES.account, change)
    expect(await Promise.all([who(), who(photo)])).toEqual([{ name: 'Ada' }, 'not-live'])
    // Whose photos somebody sends nobody knows: with these nobody is found.
    expect((await bea.json('PATCH', ROUTES.account, change)).error.fields).toEqual(['findable'])
    await ada.json('PATCH', ROUTES.account, { password: PASSWORD, findable: false })
    expect(await who()).toEqual({ name: null })
    const stranger = createClient(server.url)
    await stranger.session()
    expect((await stranger.json('POST', ROUTES.challenge, { purpose: 'who' })).error.code).toBe('session')
  })

  it('is no use in a copy of the files without the key', async () => {
    const copy = mkdtempSync(join(tmpdir(), 'facewise-web-copy-'))
    cpSync(server.folder, copy, { recursive: true })
    rmSync(join(copy, 'key'))
    const raw = await openStore(`file:${join(copy, 'faces.db')}`)
    const records = []
    for await (const record of raw.list()) records.push(record)
    expect(records).toHaveLength(2)
    // Neither a name nor an embedding: random ids and ciphertext.
    for (const { subject, metadata } of records) {
      expect(subject).toMatch(/^[0-9a-f-]{36}$/)
      expect(JSON.stringify(metadata)).not.toContain('findable')
    }
    await raw.close()
    const guess = encrypted(await openStore(`file:${join(copy, 'faces.db')}`), { key: generateKey() })
    await expect(guess.get(records[0].id)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
    await guess.close()
    await expect(testServer({ FACEWISE_WEB_DATA: copy })).rejects.toThrow(/another key/)
    rmSync(copy, { recursive: true, force: true })
  })

  it('is forgotten when its owner says so: the password alone opens the account then', async () => {
    const { status } = await ada.json('DELETE', ROUTES.face, { password: PASSWORD })
    expect(status).toBe(200)
    expect((await withPassword(server.url, ADA)).next).toBe('done')
    const { value } = await ada.json<Account & { templates: unknown[] }>('GET', ROUTES.export)
    expect(value.face).toBeUndefined()
    expect(value.templates).toEqual([])
  })
})
