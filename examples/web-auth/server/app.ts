import { Hono } from 'hono'
import { ROUTES } from '../protocol.ts'
import type { Accounts } from './accounts.ts'
import type { Audit } from './audit.ts'
import type { Challenges } from './challenges.ts'
import type { Database } from './database/database.ts'
import type { Devices } from './devices.ts'
import type { Faces } from './faces.ts'
import { clientAddress } from './http/address.ts'
import { type Cookies, createCookies } from './http/cookies.ts'
import { refuseForgery } from './http/csrf.ts'
import type { AppContext, AppEnvironment } from './http/environment.ts'
import { securityHeaders } from './http/headers.ts'
import { servePage } from './http/page.ts'
import { readSession } from './http/session.ts'
import type { Limits } from './limits.ts'
import type { Passwords } from './passwords.ts'
import type { RecoveryCodes } from './recovery.ts'
import { Refused } from './refusal.ts'
import { accountRoutes } from './routes/account.ts'
import { challengeRoutes } from './routes/challenge.ts'
import { faceRoutes } from './routes/face.ts'
import { healthRoutes } from './routes/health.ts'
import { logInRoutes } from './routes/log-in.ts'
import { sessionRoutes } from './routes/session.ts'
import { signUpRoutes } from './routes/sign-up.ts'
import type { Runs } from './runs.ts'
import type { Sessions } from './sessions.ts'
import type { Settings } from './settings.ts'

/** What the app is made of. Each part is of an interface, and none knows of HTTP. */
export interface Parts {
  readonly settings: Pick<Settings, 'origin' | 'proxy' | 'pageFolder'>
  readonly database: Database
  readonly accounts: Accounts
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly devices: Devices
  readonly recoveryCodes: RecoveryCodes
  readonly challenges: Challenges
  readonly limits: Limits
  readonly audit: Audit
  readonly faces: Faces
  readonly runs: Runs
  /** Whether the server is about to end. */
  readonly stopping: () => boolean
}

/** Parts, as routes get them. */
export interface RouteParts extends Parts {
  readonly cookies: Cookies
}

/** The whole app: what happens to a request, in order. */
export function createApp(parts: Parts): Hono<AppEnvironment> {
  const { settings, sessions, stopping } = parts
  const secure = settings.origin.startsWith('https:')
  const cookies = createCookies(secure)
  const routeParts: RouteParts = { ...parts, cookies }
  const app = new Hono<AppEnvironment>()

  app.onError((error, c) => refusalOf(error, c))
  app.use(securityHeaders(secure))
  app.use(clientAddress(settings.proxy))
  app.route('/', healthRoutes(routeParts))
  app.use('/api/*', async (_, next) => {
    if (stopping())
      throw new Refused('unavailable', 'The server is about to restart. Try again in a moment.', { retryAfter: 5 })
    await next()
  })
  app.use('/api/*', readSession(sessions, cookies))
  app.use('/api/*', refuseForgery(settings.origin))
  app.route('/', sessionRoutes(routeParts))
  app.route('/', signUpRoutes(routeParts))
  app.route('/', logInRoutes(routeParts))
  app.route('/', challengeRoutes(routeParts))
  app.route('/', faceRoutes(routeParts))
  app.route('/', accountRoutes(routeParts))
  app.all('/api/*', () => {
    throw new Refused('not-found', 'There is nothing at this address.')
  })
  app.use(servePage(settings.pageFolder))
  app.notFound(c => refusalOf(new Refused('not-found', 'There is nothing at this address.'), c))
  return app
}

/** What a request that failed is told: why it was refused, and of an error of the server's own nothing. */
function refusalOf(error: Error, c: AppContext): Response {
  const refused =
    error instanceof Refused
      ? error
      : new Refused('unavailable', 'Something went wrong here, not with you. Try again in a moment.', { retryAfter: 5 })
  const aborted = c.req.raw.signal.aborted
  // Only what happened and where; what was sent may be a password or a face.
  if (refused !== error && !aborted) console.error(`${c.req.method} ${routeOf(c)}: ${error.stack ?? error.message}`)
  const { retryAfter } = refused.details
  if (retryAfter !== undefined) c.header('Retry-After', String(retryAfter))
  return c.json(refused.body, refused.status)
}

/** The address of a request, if it is one of ours: others are not worth a line of a log. */
function routeOf(c: AppContext): string {
  return Object.values<string>(ROUTES).includes(c.req.path) ? c.req.path : '(page)'
}
