import { Hono } from 'hono'
import { type Health, ROUTES } from '../../protocol.ts'
import type { RouteParts } from '../app.ts'
import type { AppEnvironment } from '../http/environment.ts'

/** Milliseconds that the database may take for the smallest question. */
const PATIENCE = 2000

export function healthRoutes({ database, faces, stopping }: RouteParts): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>()
  app.get(ROUTES.health, async c => {
    const answers = database.rows('SELECT 1 AS one').then(
      () => true,
      () => false,
    )
    const inTime = new Promise<false>(resolve => setTimeout(resolve, PATIENCE, false).unref())
    const reached = await Promise.race([answers, inTime])
    const models = faces.ready
    const status = stopping() ? 'stopping' : !reached ? 'unhealthy' : models ? 'ok' : 'starting'
    return c.json({ status, database: reached, models } satisfies Health, status === 'ok' ? 200 : 503)
  })
  return app
}
