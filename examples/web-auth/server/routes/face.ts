import { Hono } from 'hono'
import { type EnrolmentResult, ROUTES, type Who } from '../../protocol.ts'
import type { RouteParts } from '../app.ts'
import type { AppEnvironment } from '../http/environment.ts'
import { readCapture } from '../http/frames.ts'
import { loggedIn } from '../http/session.ts'
import { RULES } from '../limits.ts'
import { noSession, Refused } from '../refusal.ts'
import { confirmPassword, readPasswordAgain } from './confirm.ts'
import { stateOf } from './session.ts'

export function faceRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, sessions, limits, audit, faces, runs, recoveryCodes } = parts
  const app = new Hono<AppEnvironment>()

  app.post(ROUTES.face, async c => {
    const session = loggedIn(c)
    const { accountId } = session
    const address = c.get('address')
    await limits.reserve([RULES.captureFrom, address])
    const { challengeId, frames, photos, password } = await runs.reading(() => readCapture(c))
    const account = await accounts.byId(accountId)
    if (!account) throw noSession()
    // A session that somebody left open must not be enough to put another face in.
    await confirmPassword(parts, session, account, password)
    if (frames.length > 0 === photos.length > 0) {
      throw new Refused('invalid', 'Send frames of a challenge, or photos.', { fields: ['frame', 'photo'] })
    }
    const live = frames.length > 0
    const { signal } = c.req.raw
    const enrol = (pictures: readonly Uint8Array[], until: AbortSignal): ReturnType<typeof faces.enrol> =>
      faces.enrol(accountId, pictures, { findable: account.findable && live, signal: until })
    if (photos.length > 0) await limits.reserve([RULES.enrolment, accountId])
    const { accepted, refused } =
      photos.length > 0
        ? await runs.work(until => enrol(photos, until), signal)
        : await runs.judge(
            { session, purpose: 'enrol', challengeId, frames, at: Date.now(), signal },
            async ({ best }, _, until) => enrol(best, until),
          )
    if (accepted === 0) {
      await audit.note({ what: 'enrolment', outcome: 'poor-picture', accountId, address })
      return c.json({ accepted, refused: refused.map(plain) } satisfies EnrolmentResult)
    }
    if (!(await accounts.noteFace(accountId, live))) {
      // The account was deleted meanwhile: so is its face.
      await faces.forget(accountId)
      throw noSession()
    }
    await sessions.endOthers(accountId, session)
    await audit.note({ what: 'enrolment', outcome: 'done', accountId, address })
    const codes = await recoveryCodes.issue(accountId)
    return c.json({
      accepted,
      refused: refused.map(plain),
      ...(codes.length > 0 && { recoveryCodes: codes }),
    } satisfies EnrolmentResult)
  })

  app.delete(ROUTES.face, async c => {
    const session = loggedIn(c)
    const { accountId } = session
    const account = await accounts.byId(accountId)
    if (!account) throw noSession()
    await confirmPassword(parts, session, account, await readPasswordAgain(c))
    await faces.forget(accountId)
    await accounts.forgetFace(accountId)
    await sessions.endOthers(accountId, session)
    await audit.note({ what: 'face deleted', outcome: 'done', accountId, address: c.get('address') })
    return c.json(stateOf(session, await accounts.byId(accountId)))
  })

  app.post(ROUTES.who, async c => {
    const session = loggedIn(c)
    const { accountId } = session
    const address = c.get('address')
    await limits.reserve([RULES.captureFrom, address])
    const { challengeId, frames } = await runs.reading(() => readCapture(c))
    const { signal } = c.req.raw
    // A living person has to look into the camera, so that nobody finds out the name to a photograph.
    const found = await runs.judge(
      { session, purpose: 'who', challengeId, frames, at: Date.now(), signal },
      async ({ best: [frame] }, _, until) => faces.whose(frame, until),
    )
    const account = found ? await accounts.byId(found) : undefined
    const name = account?.findable ? account.name : null
    await audit.note({ what: 'who is this', outcome: 'done', accountId, address })
    return c.json({ name } satisfies Who)
  })

  return app
}

const plain = ({ code, message }: { code: string; message: string }): { code: string; message: string } => ({
  code,
  message,
})
