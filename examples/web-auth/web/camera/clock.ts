/** Gives the server's time of a moment of this page (`performance.now()`), in whole milliseconds since 1970. */
export type ServerClock = (moment: number) => number

/**
 * The server's clock, from what it said when it answered. The answer was on its way for a while, so this clock is late by that, never
 * early: no frame is from before its challenge, and none from the server's future.
 *
 * @param now what the server said; @param received `performance.now()` when the answer was there.
 */
export function serverClock(now: number, received: number): ServerClock {
  return moment => Math.round(now + moment - received)
}
