import { deepStrictEqual } from 'node:assert'
import type { FacewiseErrorCode } from '../../../src/errors.ts'
import type { ImageInput } from '../../../src/image/index.ts'
import type { FacewiseWorker } from '../../../src/worker/index.ts'
import type { Random } from '../../random.ts'
import type { Pictures } from './pictures.ts'

/** A call, and what has to come of it when nothing disturbs it. */
export interface SoakCall {
  readonly name: string
  run(fw: FacewiseWorker, signal: AbortSignal): Promise<unknown>
  /** Throws where the answer is wrong. */
  check(answer: unknown): void
  /** The error that it has to end with instead. */
  readonly code?: FacewiseErrorCode
}

/** Makes calls. */
export interface SoakCalls {
  /** One of all kinds. */
  any(): SoakCall
}

/** Whom `identify` may name; strangers come and go beside them. */
const STAYS = { where: { stays: true }, threshold: 0.06 }

/**
 * Records the right answers and makes calls of them.
 *
 * @param fw where they are recorded. Two people stay enrolled in its store.
 */
export async function recordCalls(fw: FacewiseWorker, pictures: Pictures, random: Random): Promise<SoakCalls> {
  const { good, people, bad, film } = pictures
  for (const { subject, first } of people) await fw.enroll(subject, first, { metadata: { stays: true } })

  type Ask = (by: FacewiseWorker, input: ImageInput, signal?: AbortSignal) => Promise<unknown>
  const asked: Record<'detect' | 'represent' | 'describe' | 'identify', Ask> = {
    detect: (by, input, signal) => by.detect(input, { signal }),
    represent: (by, input, signal) => by.represent(input, { signal }),
    describe: (by, input, signal) => by.describe(input, { signal }),
    identify: (by, input, signal) => by.identify(input, { ...STAYS, signal }),
  }
  type Asked = keyof typeof asked
  const right = new Map<string, unknown>()
  for (const { name, input } of good) {
    for (const method of Object.keys(asked) as Asked[]) {
      const answer = await asked[method](fw, input)
      const key = `${method} ${name}`
      // The same picture in another form has the same answer.
      if (right.has(key)) deepStrictEqual(answer, right.get(key))
      right.set(key, answer)
    }
  }
  const verified = await fw.verify(people[0].first, people[0].second)
  const followed = await follow(fw, film)
  let guests = 0

  const makers: Record<string, () => SoakCall> = {
    verify: () => ({
      name: 'verify',
      run: (by, signal) => by.verify(people[0].first, people[0].second, { signal }),
      check: answer => deepStrictEqual(answer, verified),
    }),
    identifyPerson() {
      const { subject, second } = random.pick(people)
      return {
        name: 'identify',
        run: (by, signal) => by.identify(second, { ...STAYS, signal }),
        check: answer => deepStrictEqual((answer as { match: { subject: string } }[])[0].match.subject, subject),
      }
    },
    guest() {
      const subject = `guest-${guests++}`
      const { first, second } = random.pick(people)
      const templates = random.pick(['mean', 'all'] as const)
      return {
        name: 'enroll, forget',
        async run(by, signal) {
          try {
            const { frames } = await by.enroll(subject, [first, second], { duplicates: 'ignore', templates, signal })
            return [frames.length, await by.forget(subject)]
          } finally {
            // Whatever came of it, nothing of it stays. A store of this side serves even after `dispose`.
            await by.store.delete({ subject })
          }
        },
        check: answer => deepStrictEqual(answer, [2, templates === 'all' ? 2 : 1]),
      }
    },
    twice: () => ({
      name: 'enroll twice',
      run: (by, signal) => by.enroll('somebody', people[0].second, { signal }),
      check: () => {},
      code: 'ENROLMENT_REFUSED',
    }),
    track: () => ({
      name: 'track',
      run: (by, signal) => follow(by, film, signal),
      check: answer => deepStrictEqual(answer, followed),
    }),
    bad() {
      const { name, input, options, code } = random.pick(bad)
      const method = random.pick(['detect', 'represent', 'describe', 'identify'] as const)
      const run = (by: FacewiseWorker, signal: AbortSignal): Promise<unknown> =>
        by[method](input as never, { ...options, signal } as never)
      return { name: `${method} ${name}`, run, check: answer => deepStrictEqual(answer, []), code }
    },
    badFrame() {
      const { input, code } = bad[random.integer(0, 3)]
      const frames = [...film.slice(0, 3), input as never]
      return { name: 'track, a bad frame', run: (by, signal) => follow(by, frames, signal), check: () => {}, code }
    },
  }
  const others = Object.values(makers)
  return {
    any() {
      if (random.float() < 0.4) return random.pick(others)()
      const method = random.pick(Object.keys(asked) as Asked[])
      const { name, input } = random.pick(good)
      return {
        name: method,
        run: (by, signal) => asked[method](by, input, signal),
        check: answer => deepStrictEqual(answer, right.get(`${method} ${name}`)),
      }
    },
  }
}

/** What `track` tells of a film. */
async function follow(fw: FacewiseWorker, film: Pictures['film'], signal?: AbortSignal): Promise<unknown> {
  const told: unknown[] = []
  for await (const { faces, ended } of fw.track(film, { attributes: ['emotion'], every: 6, signal })) {
    told.push(faces, ended)
  }
  return told
}
