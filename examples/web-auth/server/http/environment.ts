import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Session } from '../sessions.ts'

/** What middlewares leave for those after them. */
export interface AppEnvironment {
  Bindings: HttpBindings
  Variables: {
    /** Whom limits count as one: an address of IPv4, or the network of one of IPv6. */
    address: string
    session?: Session
  }
}

export type AppContext = Context<AppEnvironment>
