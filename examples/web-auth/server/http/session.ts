import type { MiddlewareHandler } from 'hono'
import type { SessionStage } from '../../protocol.ts'
import { noSession } from '../refusal.ts'
import type { Session, Sessions } from '../sessions.ts'
import type { Cookies } from './cookies.ts'
import type { AppContext, AppEnvironment } from './environment.ts'

/** Finds the session of a request, if it has one that lives. */
export function readSession(sessions: Sessions, cookies: Cookies): MiddlewareHandler<AppEnvironment> {
  return async (c, next) => {
    const token = cookies.session(c)
    // A token has 43 characters; what is longer is not worth a hash.
    const session = token && token.length <= 64 ? await sessions.find(token) : undefined
    if (session) c.set('session', session)
    else if (token) cookies.dropSession(c)
    await next()
  }
}

/** The session of a request. @throws Refused `session` without one that is as far as one of `stages`. */
export function sessionOf(c: AppContext, ...stages: readonly SessionStage[]): Session {
  const session = c.get('session')
  if (!session || (stages.length > 0 && !stages.includes(session.stage))) throw noSession()
  return session
}

/** The session of somebody who is logged in. @throws Refused `session`. */
export function loggedIn(c: AppContext): Session & { readonly accountId: string } {
  const session = sessionOf(c, 'full')
  if (session.accountId === null) throw noSession()
  return { ...session, accountId: session.accountId }
}
