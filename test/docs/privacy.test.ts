import dgram from 'node:dgram'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { type Box, cropArea, decode, type Picture } from '../../src/image/index.ts'
import { createFacewise } from '../../src/index.ts'
import { memoryStore } from '../../src/store/index.ts'
import { postgresStore } from '../../src/store/postgres.ts'
import { samplePhoto } from '../data.ts'

/** What `docs/privacy.md` promises and no other test looks at. */
const folder = mkdtempSync(join(tmpdir(), 'facewise-privacy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A vector of length 1 whose bytes nothing else has: sixty-four times an eighth, of which the signs are drawn. */
const secret = Float32Array.from({ length: 64 }, (_, i) => (Math.sin(58.4 * i + 8) > 0 ? 0.125 : -0.125))
const others = Array.from({ length: 50 }, (_, i) => ({
  id: `other ${i}`,
  subject: `other ${i}`,
  vector: Float32Array.from(secret, (value, k) => value + Math.sin(i + k)),
  model: 'm',
}))
const hidden = { id: 'hidden', subject: 'SECRET-SUBJECT', vector: secret, model: 'm' }
const traces = [Buffer.from(secret.buffer), Buffer.from('SECRET-SUBJECT')]

it('sends nothing, whatever it does with faces', async () => {
  const connected = vi.spyOn(net.Socket.prototype, 'connect')
  const sent = vi.spyOn(dgram.Socket.prototype, 'send')
  const ways = (): number => connected.mock.calls.length + sent.mock.calls.length
  const fw = await createFacewise({ store: `file:${join(folder, 'faces.db')}` })
  const [face] = await fw.describe(samplePhoto(6), {
    attributes: ['emotion', 'age-gender', 'pose', 'quality', 'liveness'],
  })
  expect(face.emotion && face.age && face.liveness).toBeTruthy()
  const cut = cropAbout(await decode(samplePhoto(6)), face.box)
  await fw.enroll('ada', cut, { minQuality: 0 })
  expect((await fw.identify(cut))[0].match?.subject).toBe('ada')
  expect((await fw.verify(cut, cut)).same).toBe(true)
  expect(await fw.forget('ada')).toBe(1)
  await fw.dispose()
  expect(ways()).toBe(0)
  // The watch sees what there is to see.
  await expect(fetch('http://127.0.0.1:65534')).rejects.toThrow()
  expect(ways()).toBeGreaterThan(0)
  vi.restoreAllMocks()
})

describe('a deleted embedding', () => {
  it('lies in the files of PostgreSQL until they are vacuumed, and in its log after that', async () => {
    const place = join(folder, 'postgres')
    const database = await PGlite.create(place, { extensions: { vector } })
    const store = await postgresStore({ client: database })
    const found = async (part: string): Promise<number> => {
      await database.exec('CHECKPOINT')
      const bytes = filesOf(join(place, part)).map(file => readFileSync(file))
      return traces.filter(trace => bytes.some(each => each.includes(trace))).length
    }
    await store.upsert([...others, hidden])
    expect([await found('base'), await found('pg_wal')]).toEqual([2, 2])
    expect(await store.delete({ subject: hidden.subject })).toBe(1)
    expect(await found('base')).toBeGreaterThan(0)
    expect(await store.search(secret, { k: 60 })).toHaveLength(others.length)
    await database.exec('VACUUM facewise.embeddings')
    expect([await found('base'), await found('pg_wal')]).toEqual([0, 2])
    await store.close()
    await database.close()
  })

  it('lies in the snapshots that were saved before', async () => {
    const store = await memoryStore()
    await store.upsert([...others, hidden])
    const found = (snapshot: Uint8Array): number => traces.filter(trace => Buffer.from(snapshot).includes(trace)).length
    const before = await store.snapshot()
    await store.delete({ subject: hidden.subject })
    expect([found(before), found(await store.snapshot())]).toEqual([2, 0])
    await store.close()
  })
})

function filesOf(path: string): string[] {
  return readdirSync(path).flatMap(name => {
    const inside = join(path, name)
    return statSync(inside).isDirectory() ? filesOf(inside) : [inside]
  })
}

/** The part of a picture about a box, with half of its size more on each side; black beyond the picture. */
function cropAbout(picture: Picture, box: Box): Picture {
  const [x, y] = [Math.round(box.x - box.width / 2), Math.round(box.y - box.height / 2)]
  const [width, height] = [Math.round(2 * box.width), Math.round(2 * box.height)]
  const out = new Float32Array(width * height * 3)
  cropArea(picture, x, y, x + width, y + height, { width, height, out, offset: 0, scale: 1, shift: 0 })
  return { data: Uint8Array.from(out), width, height }
}
