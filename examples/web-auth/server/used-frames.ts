import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from './database/database.ts'
import type { Keys } from './keys.ts'

/** How long a frame is remembered, in milliseconds. */
const REMEMBERED = 90 * 24 * 60 * 60_000

/** Frames that were sent before, by keyed hashes: of a picture itself nothing is kept. */
export interface UsedFrames {
  /**
   * Notes frames as used. It knows the bytes, not the picture: a frame that is compressed anew is another one. That is what the
   * challenge is for; this makes the plainest replay fail whatever was drawn.
   *
   * @returns whether all of them are new here.
   */
  note(frames: readonly Uint8Array[]): Promise<boolean>
  purge(): Promise<void>
}

export function createUsedFrames(database: Database, keys: Keys, now: () => number = Date.now): UsedFrames {
  return {
    async note(frames) {
      const hashes = new Set<string>()
      for (const [i, frame] of frames.entries()) {
        // Hashing a whole body at once would hold up others for some ten milliseconds.
        if (i % 16 === 15) await nextTurn()
        hashes.add(keys.hash('frame', frame))
      }
      const at = now()
      const rows = [...hashes].flatMap(hash => [hash, at])
      const places = [...hashes].map(() => '(?, ?)').join(', ')
      const added = await database.run(
        `INSERT INTO frames (hash, seen_at) VALUES ${places} ON CONFLICT (hash) DO NOTHING`,
        ...rows,
      )
      return added === hashes.size
    },
    async purge() {
      await database.run('DELETE FROM frames WHERE seen_at < ?', now() - REMEMBERED)
    },
  }
}
