import type { Box } from '../../image/index.ts'

/** How a face moves: where it was last seen, and how fast its middle went then. */
export interface Motion {
  readonly box: Box
  /** In milliseconds. */
  readonly time: number
  /** In pixels a millisecond. */
  readonly vx: number
  readonly vy: number
}

/** What a new position counts in the speed: two frames see most of a turn, and one shaky box throws nothing off. */
const LEARNING = 0.5
/** In milliseconds. A face that is not seen is taken to slow down with this time constant. */
const SLOWING = 1000

/** A face that was just found: it stands still as far as is known. */
export const atRest = (box: Box, time: number): Motion => ({ box, time, vx: 0, vy: 0 })

/** Where the face should be at `time`: on in its direction, with the size that it had. */
export function predict({ box, time: last, vx, vy }: Motion, time: number): Box {
  const run = SLOWING * (1 - Math.exp((last - time) / SLOWING))
  return { ...box, x: box.x + vx * run, y: box.y + vy * run }
}

/**
 * Takes in where the face is now.
 *
 * @param learn whether its speed is read off too; not where another face may have pulled the box away.
 */
export function moved(before: Motion, box: Box, time: number, learn: boolean): Motion {
  const dt = time - before.time
  if (!learn || dt <= 0) return { ...before, box, time }
  const speed = (from: number, to: number, old: number): number => old + LEARNING * ((to - from) / dt - old)
  return {
    box,
    time,
    vx: speed(before.box.x + before.box.width / 2, box.x + box.width / 2, before.vx),
    vy: speed(before.box.y + before.box.height / 2, box.y + box.height / 2, before.vy),
  }
}
