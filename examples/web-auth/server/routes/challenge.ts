import { Hono } from 'hono'
import * as v from 'valibot'
import { type IssuedChallenge, ROUTES } from '../../protocol.ts'
import type { RouteParts } from '../app.ts'
import type { Issue } from '../challenges.ts'
import { readJson } from '../http/body.ts'
import type { AppContext, AppEnvironment } from '../http/environment.ts'
import { loggedIn, sessionOf } from '../http/session.ts'
import { RULES } from '../limits.ts'
import { noSession, Refused } from '../refusal.ts'
import { faceRule } from './log-in.ts'
import { EmailSchema } from './sign-up.ts'

const ChallengeSchema = v.strictObject({
  purpose: v.picklist(['enrol', 'log-in', 'who'], 'Say what the challenge is for.'),
  email: v.optional(EmailSchema),
})

export function challengeRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, challenges, limits } = parts
  const app = new Hono<AppEnvironment>()

  /** For whom a log-in is, with a try taken: who gives up a challenge for the next has had it. */
  async function forLogIn(c: AppContext, email: string | undefined): Promise<Issue> {
    const { stage, accountId } = sessionOf(c, 'anonymous', 'password')
    if (stage === 'password') {
      const account = accountId ? await accounts.byId(accountId) : undefined
      if (!account) throw noSession()
      await limits.reserve(faceRule(c, parts, 'password', account.emailHash))
      return { purpose: 'log-in', emailHash: account.emailHash, accountId: account.id }
    }
    if (email === undefined) throw new Refused('invalid', 'Give your e-mail first.', { fields: ['email'] })
    const emailHash = accounts.emailHash(email)
    const account = await accounts.byEmail(email)
    await limits.reserve(faceRule(c, parts, 'anonymous', emailHash))
    // Whether there is such an account, and whether it wants this, is decided at the end: the answer here is always the same.
    return { purpose: 'log-in', emailHash, accountId: account?.faceAlone ? account.id : null }
  }

  async function forAccount(c: AppContext, purpose: 'enrol' | 'who'): Promise<Issue> {
    const { accountId } = loggedIn(c)
    const account = await accounts.byId(accountId)
    if (!account) throw noSession()
    await limits.reserve([purpose === 'enrol' ? RULES.enrolment : RULES.who, accountId])
    return { purpose, emailHash: account.emailHash, accountId }
  }

  app.post(ROUTES.challenge, async c => {
    const { purpose, email } = await readJson(c, ChallengeSchema)
    const session = sessionOf(c)
    await limits.reserve([RULES.challengeFrom, c.get('address')])
    const issue = purpose === 'log-in' ? await forLogIn(c, email) : await forAccount(c, purpose)
    const challenge = await challenges.issue(session, issue)
    return c.json({ challenge, now: Date.now() } satisfies IssuedChallenge)
  })

  return app
}
