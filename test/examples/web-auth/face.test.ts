import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Account,
  type EnrolmentResult,
  ROUTES,
  type SessionState,
  type Who,
} from '../../../examples/web-auth/protocol.ts'
import { developmentData, samplePhoto } from '../../data.ts'
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
import { anew, fitting, inTime, type RecordedFrame, recording, TURNS } from './recordings.ts'
import { type TestServer, testServer } from './server.ts'

const EMAIL = 'ada@example.org'

describe.skipIf(!developmentData)('faces', () => {
  const data = developmentData as string
  let server: TestServer
  let owner: Client

  beforeAll(async () => {
    server = await testServer(TURNS)
    owner = await signedUp(server.url, EMAIL)
    const { value } = await answered<EnrolmentResult>(owner, 'enrol', ROUTES.face)
    expect(value.accepted).toBeGreaterThan(0)
    expect(value.recoveryCodes).toHaveLength(8)
  })
  afterAll(() => server.remove())

  /** Asks for a challenge and answers it with the recording that fits, or with other frames. */
  async function answered<T>(
    client: Client,
    purpose: 'enrol' | 'log-in' | 'who',
    route: string,
    { email, frames }: { email?: string; frames?: (fits: string) => Promise<RecordedFrame[]> } = {},
  ): Promise<Answer<T>> {
    const issued = await challenged(client, { purpose, ...(email && { email }) })
    const taken = await (frames ?? (name => recording(data, name)))(fitting(issued.challenge))
    return client.form<T>(route, framesForm(issued.challenge.id, await inTime(issued, taken)))
  }

  it('opens the account after the password, by the movements that were asked for', async () => {
    const { client, next } = await withPassword(server.url, EMAIL)
    expect(next).toBe('face')
    const before = client.cookies.get('session')
    const { status, value } = await answered<SessionState>(client, 'log-in', ROUTES.faceLogIn)
    expect([status, value.stage]).toEqual([200, 'full'])
    expect(client.cookies.get('session')).not.toBe(before)
    const account = await client.json<Account>('GET', ROUTES.account)
    expect(account.value.face?.lastUsedAt).toBeDefined()
    expect(account.value.events[0]).toMatchObject({ what: 'face log-in', outcome: 'done' })
  })
})
