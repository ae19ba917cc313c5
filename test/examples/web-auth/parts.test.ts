import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createDevices } from '../../../examples/web-auth/server/devices.ts'
import { createGate } from '../../../examples/web-auth/server/gate.ts'
import { networkOf } from '../../../examples/web-auth/server/http/address.ts'
import { deriveKeys, developmentKey } from '../../../examples/web-auth/server/keys.ts'
import { decide, type LimitState, type Rule } from '../../../examples/web-auth/server/limits.ts'
import { readSettings } from '../../../examples/web-auth/server/settings.ts'

const NOTHING: LimitState = { times: [], strikes: 0, lockedUntil: 0 }
const START = 1_700_000_000_000

describe('decide', () => {
  /** The answers to tries at these times after the start. */
  function answers(rule: Rule, times: readonly number[]): number[] {
    let state = NOTHING
    return times.map(time => {
      const decided = decide(state, rule, START + time)
      state = decided.state
      return decided.wait
    })
  }

  it('slides: a try goes again when the oldest has left the window', () => {
    const rule = { name: 'r', most: 2, window: 100 }
    expect(answers(rule, [0, 40, 50, 99, 101, 102, 141])).toEqual([0, 0, 50, 1, 0, 38, 0])
  })

  it('locks for twice as long each time, and no longer than the longest', () => {
    const rule = { name: 'r', most: 2, window: 10_000, lock: { first: 100, longest: 300 } }
    // Two tries go; the third locks. After a lock one goes.
    expect(answers(rule, [0, 1, 2, 50, 102, 103, 303, 304, 604, 605])).toEqual([0, 0, 100, 52, 0, 200, 0, 300, 0, 300])
  })

  it('forgets locks after a day', () => {
    const rule = { name: 'r', most: 1, window: 10, lock: { first: 100, longest: 1000 } }
    const day = 24 * 60 * 60_000
    expect(answers(rule, [0, 1, day + 200, day + 201])).toEqual([0, 100, 0, 100])
  })
})

describe('createGate', () => {
  it('lets in as many as it says, makes some wait and sends the rest away', async () => {
    const gate = createGate({ atOnce: 2, waiting: 1, expected: 3000 })
    const ends: (() => void)[] = []
    const work = (): Promise<string> => gate.run(() => new Promise(resolve => void ends.push(() => resolve('done'))))
    const all = [work(), work(), work()]
    await expect(work()).rejects.toMatchObject({ code: 'unavailable', details: { retryAfter: 3 } })
    expect(ends).toHaveLength(2)
    ends[0]()
    expect(await all[0]).toBe('done')
    await new Promise(resolve => setImmediate(resolve))
    expect(ends).toHaveLength(3)
    ends[1]()
    ends[2]()
    await Promise.all(all)
    expect(gate.load).toEqual({ inside: 0, waiting: 0 })
  })

  it('gives the place of who leaves the queue to others', async () => {
    const gate = createGate({ atOnce: 1, waiting: 1, expected: 1 })
    let end = (): void => {}
    const first = gate.run(
      () =>
        new Promise<void>(resolve => {
          end = resolve
        }),
    )
    const leaving = new AbortController()
    const second = gate.run(async () => 'second', leaving.signal)
    leaving.abort()
    await expect(second).rejects.toMatchObject({ code: 'unavailable' })
    const third = gate.run(async () => 'third')
    end()
    await first
    expect(await third).toBe('third')
  })
})

describe('networkOf', () => {
  it('is an address of IPv4, and of IPv6 the network', () => {
    expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
    expect(networkOf('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2')
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0')
    expect(networkOf('::1')).toBe('0:0:0:0')
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0')
  })
})

describe('keys', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facewise-web-key-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('of development are made once, for their owner alone, with a warning', () => {
    const warnings: string[] = []
    const first = developmentKey(join(folder, 'data'), message => warnings.push(message))
    expect(developmentKey(join(folder, 'data'), () => {})).toBe(first)
    expect(Buffer.from(first, 'base64')).toHaveLength(32)
    expect(statSync(join(folder, 'data', 'key')).mode & 0o777).toBe(0o600)
    expect(warnings[0]).toContain('FACEWISE_WEB_KEY')
  })

  it('are different for each end, and of 32 bytes', () => {
    const keys = deriveKeys(Buffer.alloc(32, 7).toString('base64'))
    const hashes = (['address', 'csrf', 'device', 'email', 'frame'] as const).map(purpose => keys.hash(purpose, 'x'))
    expect(new Set(hashes).size).toBe(5)
    expect(keys.hash('email', 'ab', 'c')).not.toBe(keys.hash('email', 'a', 'bc'))
    expect(() => deriveKeys('c2hvcnQ=')).toThrow(/32 bytes/)
  })
})

describe('a known device', () => {
  it('is known for its own account alone, and cannot be made', () => {
    const devices = createDevices(deriveKeys(Buffer.alloc(32, 7).toString('base64')))
    const mark = devices.issue('ada')
    expect(devices.known(mark, 'ada')).toBeDefined()
    expect(devices.known(mark, 'bea')).toBeUndefined()
    for (const bad of [undefined, '', '.', `${mark}.x`, mark.slice(0, -1), `x${mark}`]) {
      expect(devices.known(bad, 'ada')).toBeUndefined()
    }
  })
})

describe('readSettings', () => {
  it('needs none', () => {
    expect(readSettings({})).toMatchObject({ port: 3000, origin: 'http://localhost:3000', challenge: { steps: 3 } })
  })

  it.each([
    [{ PORT: 'http' }, /PORT/],
    [{ FACEWISE_WEB_ORIGIN: 'app.example' }, /FACEWISE_WEB_ORIGIN/],
    [{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL/],
    [{ DATABASE_URL: 'postgres://x' }, /FACEWISE_WEB_KEY/],
    [{ FACEWISE_WEB_ACTIONS: 'jump' }, /FACEWISE_WEB_ACTIONS/],
    [{ FACEWISE_WEB_ACTIONS: 'come-closer,smile' }, /FACEWISE_WEB_ACTIONS/],
    [{ FACEWISE_WEB_ACTIONS: 'come-closer' }, /turns or looks/],
    [{ FACEWISE_WEB_PROXY: 'yes' }, /FACEWISE_WEB_PROXY/],
  ])('says what is wrong with %o', (env, message) => {
    expect(() => readSettings(env)).toThrow(message)
  })
})
