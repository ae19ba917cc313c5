import { Hono } from 'hono'
import * as v from 'valibot'
import { type LogInState, ROUTES } from '../../protocol.ts'
import type { AccountRecord } from '../accounts.ts'
import type { RouteParts } from '../app.ts'
import type { EventName } from '../audit.ts'
import { lineOf, readJson } from '../http/body.ts'
import type { AppContext, AppEnvironment } from '../http/environment.ts'
import { readCapture } from '../http/frames.ts'
import { sessionOf } from '../http/session.ts'
import { RULES, type Rule } from '../limits.ts'
import { noSession, Refused, wrongFace, wrongPassword } from '../refusal.ts'
import { goOn, stateOf } from './session.ts'
import { EmailSchema, PasswordSchema } from './sign-up.ts'

const PasswordLogInSchema = v.strictObject({ email: EmailSchema, password: PasswordSchema })
const RecoverySchema = v.strictObject({ code: lineOf(40, 'Give one of your codes.') })

/** Under which rule, and for whom, a try to open an account with a face is counted. */
export function faceRule(
  c: AppContext,
  { devices, cookies }: RouteParts,
  stage: 'anonymous' | 'password',
  emailHash: string,
): readonly [Rule, string] {
  const device = devices.known(cookies.device(c), emailHash)
  if (device) return [RULES.faceOfDevice, device]
  return [stage === 'password' ? RULES.faceOfAccount : RULES.faceAlone, emailHash]
}

export function logInRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, passwords, limits, audit, devices, cookies, faces, runs, recoveryCodes } = parts
  const app = new Hono<AppEnvironment>()

  /** Does the work, and writes down how it went whatever that was. */
  async function noted<T>(
    c: AppContext,
    what: EventName,
    accountId: () => string | null,
    work: () => Promise<T>,
  ): Promise<T> {
    const note = (outcome: string): Promise<void> =>
      audit.note({ what, outcome, accountId: accountId(), address: c.get('address') })
    try {
      const result = await work()
      await note('done')
      return result
    } catch (error) {
      // Tries while it is locked come by the hundred, and would push what matters out of the list.
      if (error instanceof Refused && error.code !== 'locked') await note(error.code)
      throw error
    }
  }

  app.post(ROUTES.password, async c => {
    const { email, password } = await readJson(c, PasswordLogInSchema)
    sessionOf(c)
    const emailHash = accounts.emailHash(email)
    const device = devices.known(cookies.device(c), emailHash)
    const rule: readonly [Rule, string] = device
      ? [RULES.passwordOfDevice, device]
      : [RULES.passwordOfAccount, emailHash]
    let account: AccountRecord | undefined
    return noted(
      c,
      'password log-in',
      () => account?.id ?? null,
      async () => {
        // An e-mail that nobody has is treated the same: found out, hashed, counted.
        account = await accounts.byEmail(email)
        // A browser that is known has tries of its own, whatever others at its address do.
        if (!device) await limits.reserve([RULES.passwordFrom, c.get('address')])
        await limits.reserve(rule)
        if (!(await passwords.matches(account?.password, password)) || !account) throw wrongPassword()
        await limits.clear(...rule)
        const next = account.faceAt === null ? 'done' : 'face'
        const stage = next === 'done' ? 'full' : 'password'
        const session = await goOn(c, parts, { stage, accountId: account.id, passwordAt: Date.now() }, account)
        return c.json({ ...stateOf(session, account), next } satisfies LogInState)
      },
    )
  })

  app.post(ROUTES.faceLogIn, async c => {
    const session = sessionOf(c, 'anonymous', 'password')
    await limits.reserve([RULES.captureFrom, c.get('address')])
    const { challengeId, frames } = await runs.reading(() => readCapture(c))
    let accountId = session.accountId
    return noted(
      c,
      'face log-in',
      () => accountId,
      async () => {
        const submission = {
          session,
          purpose: 'log-in',
          challengeId,
          frames,
          at: Date.now(),
          signal: c.req.raw.signal,
        } as const
        const { account, emailHash } = await runs.judge(submission, async ({ vector }, issue) => {
          accountId = issue.accountId
          // Looked up anew: it may have changed since the challenge was issued. Without an account the same is done for nobody.
          const found = await accounts.byId(issue.accountId ?? 'nobody')
          const same = await faces.isOf(issue.accountId ?? 'nobody', vector)
          const allowed = found && found.faceAt !== null && (session.stage === 'password' || found.faceAlone)
          if (!allowed || !same) throw wrongFace()
          return { account: found, emailHash: issue.emailHash }
        })
        await limits.clear(...faceRule(c, parts, session.stage === 'password' ? 'password' : 'anonymous', emailHash))
        await accounts.noteFaceUse(account.id)
        const full = await goOn(
          c,
          parts,
          { stage: 'full', accountId: account.id, passwordAt: session.passwordAt },
          account,
        )
        return c.json(stateOf(full, account))
      },
    )
  })

  app.post(ROUTES.recovery, async c => {
    const session = sessionOf(c, 'password')
    const { code } = await readJson(c, RecoverySchema)
    const account = session.accountId ? await accounts.byId(session.accountId) : undefined
    if (!account) throw noSession()
    return noted(
      c,
      'recovery code',
      () => account.id,
      async () => {
        await limits.reserve([RULES.recoveryCode, account.id])
        if (!(await recoveryCodes.use(account.id, code))) {
          throw new Refused('refused', 'This is none of your codes, or it was used before.')
        }
        await limits.clear(RULES.recoveryCode, account.id)
        const full = await goOn(
          c,
          parts,
          { stage: 'full', accountId: account.id, passwordAt: session.passwordAt },
          account,
        )
        return c.json(stateOf(full, account))
      },
    )
  })

  return app
}
