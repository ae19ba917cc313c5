import { Hono } from 'hono'
import * as v from 'valibot'
import { ROUTES, type SessionState } from '../../protocol.ts'
import type { AccountRecord } from '../accounts.ts'
import type { RouteParts } from '../app.ts'
import { readJson } from '../http/body.ts'
import type { AppContext, AppEnvironment } from '../http/environment.ts'
import { sessionOf } from '../http/session.ts'
import { RULES } from '../limits.ts'
import type { Beginning, Session } from '../sessions.ts'

/** What the page is told of its session. */
export function stateOf(session: Session, account: AccountRecord | undefined): SessionState {
  const { stage, csrf } = session
  return { stage, csrf, ...(account && { account: { name: account.name, hasFace: account.faceAt !== null } }) }
}

/** Begins a session in the place of the present one, under a new token, and gives the browser its cookie. */
export async function goOn(
  c: AppContext,
  { sessions, cookies, devices }: RouteParts,
  how: Beginning,
  account?: AccountRecord,
): Promise<Session> {
  const old = c.get('session')
  const { token, session } = old ? await sessions.rotate(old, how) : await sessions.begin(how)
  cookies.setSession(c, token)
  if (account && how.stage === 'full' && !devices.known(cookies.device(c), account.emailHash)) {
    cookies.setDevice(c, devices.issue(account.emailHash))
  }
  return session
}

const LogOutSchema = v.strictObject({ everywhere: v.optional(v.boolean()) })

export const ANONYMOUS: Beginning = { stage: 'anonymous', accountId: null, passwordAt: null }

export function sessionRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, limits, audit, sessions } = parts
  const app = new Hono<AppEnvironment>()

  app.get(ROUTES.session, async c => {
    const found = c.get('session')
    if (found) return c.json(stateOf(found, found.accountId ? await accounts.byId(found.accountId) : undefined))
    await limits.reserve([RULES.sessionFrom, c.get('address')])
    return c.json(stateOf(await goOn(c, parts, ANONYMOUS), undefined))
  })

  app.post(ROUTES.logOut, async c => {
    const { accountId, stage } = sessionOf(c)
    const { everywhere } = c.req.header('content-type') === undefined ? {} : await readJson(c, LogOutSchema)
    const session = await goOn(c, parts, ANONYMOUS)
    if (everywhere && stage === 'full' && accountId) await sessions.endOthers(accountId, session)
    if (stage === 'full') await audit.note({ what: 'log-out', outcome: 'done', accountId, address: c.get('address') })
    return c.json(stateOf(session, undefined))
  })

  return app
}
