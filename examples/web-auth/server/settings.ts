import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHALLENGE_ACTIONS, type ChallengeAction, countChallenges } from 'facewise/attributes'

/** What an operator decides, by the environment. */
export interface Settings {
  readonly port: number
  readonly host: string
  /** As browsers see the app, such as `https://app.example`. With https cookies are `Secure` and HSTS is sent. */
  readonly origin: string
  /** Whether a proxy stands in front, whose `X-Forwarded-For` names the client. */
  readonly proxy: boolean
  /** Where the SQLite files and the key of development lie. */
  readonly dataFolder: string
  /** `postgres://...`; SQLite files in `dataFolder` without. */
  readonly databaseUrl?: string
  /** 32 bytes in base64. */
  readonly key?: string
  /** The built page. */
  readonly pageFolder: string
  /** Threads that look at faces. */
  readonly workers: number
  /** Runs that may wait for them; those beyond are told to come again. */
  readonly waiting: number
  /** What a challenge is drawn from. */
  readonly challenge: { readonly actions?: readonly ChallengeAction[]; readonly steps: number }
  /** Whether events are also written to stdout, a JSON object a line. */
  readonly printEvents: boolean
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * Reads the settings; the README of the example lists them.
 *
 * @throws Error that names the variable and says what it has to be.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const port = wholeNumber(env, 'PORT', 3000, 0, 65_535)
  const origin = originOf(env.FACEWISE_WEB_ORIGIN ?? `http://localhost:${port}`)
  const databaseUrl = env.DATABASE_URL || undefined
  if (databaseUrl && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new Error('DATABASE_URL begins with postgres://; leave it out for a SQLite file.')
  }
  if (databaseUrl && !env.FACEWISE_WEB_KEY) {
    throw new Error('With DATABASE_URL all servers need one key: set FACEWISE_WEB_KEY (`openssl rand -base64 32`).')
  }
  return {
    port,
    host: env.HOST ?? '127.0.0.1',
    origin,
    proxy: flag(env, 'FACEWISE_WEB_PROXY'),
    dataFolder: env.FACEWISE_WEB_DATA ?? here('../../../output/web-auth'),
    databaseUrl,
    key: env.FACEWISE_WEB_KEY || undefined,
    pageFolder: env.FACEWISE_WEB_PAGE ?? join(here('..'), 'web', 'dist'),
    workers: wholeNumber(env, 'FACEWISE_WEB_WORKERS', Math.max(1, availableParallelism() - 1), 1, 64),
    waiting: wholeNumber(env, 'FACEWISE_WEB_WAITING', 8, 0, 1000),
    challenge: challengeOf(env),
    printEvents: flag(env, 'FACEWISE_WEB_EVENTS'),
  }
}

function challengeOf(env: NodeJS.ProcessEnv): Settings['challenge'] {
  const steps = wholeNumber(env, 'FACEWISE_WEB_STEPS', 3, 1, 6)
  const names = env.FACEWISE_WEB_ACTIONS?.split(',').map(name => name.trim())
  const unknown = names?.find(name => !CHALLENGE_ACTIONS.some(action => action === name && action !== 'smile'))
  if (unknown !== undefined) {
    throw new Error(
      `FACEWISE_WEB_ACTIONS is a list of ${CHALLENGE_ACTIONS.filter(a => a !== 'smile')}; got "${unknown}".`,
    )
  }
  const actions = names as ChallengeAction[] | undefined
  // Says now, not at the first log-in, that nothing can be drawn.
  countChallenges({ steps, ...(actions && { actions }) })
  return { steps, ...(actions && { actions }) }
}

function originOf(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search) return url.origin
  throw new Error(`FACEWISE_WEB_ORIGIN is an origin such as https://app.example; got "${value}".`)
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, standard: number, least: number, most: number): number {
  const value = env[name] ? Number(env[name]) : standard
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`${name} is a whole number from ${least} to ${most}; got "${env[name]}".`)
}

function flag(env: NodeJS.ProcessEnv, name: string): boolean {
  const value = env[name] || '0'
  if (value === '0' || value === '1') return value === '1'
  throw new Error(`${name} is 0 or 1; got "${value}".`)
}
