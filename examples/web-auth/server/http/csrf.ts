import { timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { CSRF_HEADER } from '../../protocol.ts'
import { noSession, Refused } from '../refusal.ts'
import type { AppEnvironment } from './environment.ts'

const HARMLESS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Lets through what changes something only from the app's own page: by what the browser says of where the request comes from, and by a
 * token that other sites cannot read. Either alone would do; one that fails is noticed.
 *
 * @param origin of the app, as browsers see it.
 */
export function refuseForgery(origin: string): MiddlewareHandler<AppEnvironment> {
  // In development this machine has two names.
  const origins = new Set([origin, origin.replace('//localhost:', '//127.0.0.1:')])
  const refuse = (): never => {
    throw new Refused('forgery', 'This request does not come from this app. Load the page again.')
  }
  return async (c, next) => {
    if (!HARMLESS.has(c.req.method)) {
      const from = c.req.header('origin')
      if (from !== undefined && !origins.has(from)) refuse()
      const site = c.req.header('sec-fetch-site')
      if (site !== undefined && site !== 'same-origin') refuse()
      const session = c.get('session')
      if (!session) throw noSession()
      const [given, right] = [Buffer.from(c.req.header(CSRF_HEADER) ?? ''), Buffer.from(session.csrf)]
      if (given.length !== right.length || !timingSafeEqual(given, right)) refuse()
    }
    await next()
  }
}
