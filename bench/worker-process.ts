/**
 * A process that does the work of one worker, for `bench/workers.ts`: two of these share nothing but the machine, so what two give of one is the most that two
 * workers can. Told `files` or `pictures`, it does that work once and answers how long it took.
 */
import { startPool, timeWork, type Work } from './worker-work.ts'

const pool = await startPool(1)
process.on('message', (work: Work | 'end') => {
  if (work === 'end') process.exit(0)
  timeWork(pool, work).then(time => process.send?.(time))
})
process.send?.('ready')
