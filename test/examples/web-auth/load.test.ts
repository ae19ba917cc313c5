import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Health, ROUTES } from '../../../examples/web-auth/protocol.ts'
import type { Answer, Client } from './client.ts'
import { challenged, framesForm, signedUp } from './client.ts'
import { type TestServer, testServer } from './server.ts'

const PEOPLE = 6
let server: TestServer
let clients: Client[]
beforeAll(async () => {
  // One thread, and room for two to wait.
  server = await testServer({ FACEWISE_WEB_WAITING: '2' })
  clients = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => signedUp(server.url, `person-${i}@example.org`)))
})
afterAll(() => server.remove())

/** Frames with nobody in them, which are looked at to the last. */
async function frames(count: number, begin: number): Promise<{ bytes: Uint8Array; time: number }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
      const image = sharp({ create: { width: 640, height: 480, channels: 3, background: 'grey', noise } })
      return { bytes: await image.jpeg().toBuffer(), time: begin + 1 + i / 100 }
    }),
  )
}

/** A challenge and its answer, to be sent. */
async function prepared(client: Client, count: number): Promise<() => Promise<Answer<unknown>>> {
  const { challenge } = await challenged(client, { purpose: 'enrol' })
  const form = framesForm(challenge.id, await frames(count, challenge.issuedAt))
  await sleep(5)
  return () => client.form(ROUTES.face, form)
}

describe('a server with much to do', () => {
  it('answers while it thinks, lets some wait, and tells the others at once when to come again', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    const sends = await Promise.all(clients.map(client => prepared(client, 20)))
    const answers = Promise.all(sends.map(send => send()))
    let healthy = 0
    delay.enable()
    let over = false
    void answers.finally(() => {
      over = true
    })
    while (!over) {
      const { status } = (await (await fetch(`${server.url}${ROUTES.health}`)).json()) as Health
      if (status === 'ok') healthy++
      await sleep(20)
    }
    delay.disable()
    const codes = (await answers).map(({ error }) => error.code)
    // One was looked at, two waited: as many as there is room for, at least; more where one was done before the last had come.
    expect(codes.filter(code => code === 'no-face').length).toBeGreaterThanOrEqual(3)
    const refused = (await answers).filter(({ error }) => error.code === 'unavailable')
    expect(refused.length).toBeGreaterThanOrEqual(1)
    for (const { status, headers } of refused) {
      expect(status).toBe(503)
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    }
    expect(codes.every(code => code === 'no-face' || code === 'unavailable')).toBe(true)
    expect(healthy).toBeGreaterThan(3)
    console.log(
      `event loop meanwhile: 99 % within ${(delay.percentile(99) / 1e6).toFixed(0)} ms; ${healthy} health checks`,
    )
    // Who was sent away has not used up the challenge's place in the queue for good.
    expect(server.parts.runs.load).toEqual({ inside: 0, waiting: 0 })
  })

  it('stops looking when the client goes away, and goes on with the next', async () => {
    const [first, second] = clients
    const { challenge } = await challenged(first, { purpose: 'enrol' })
    const body = framesForm(challenge.id, await frames(60, challenge.issuedAt))
    await sleep(5)
    const gone = new AbortController()
    const request = first.request(ROUTES.face, { method: 'POST', body, signal: gone.signal })
    while (server.parts.runs.load.inside === 0) await sleep(5)
    gone.abort()
    await expect(request).rejects.toThrow()
    while (server.parts.runs.load.inside > 0) await sleep(5)
    expect((await (await prepared(second, 3))()).error.code).toBe('no-face')
  })
})
