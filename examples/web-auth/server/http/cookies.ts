import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { DEVICE_LIFE } from '../devices.ts'
import type { AppContext } from './environment.ts'

/**
 * The two cookies: out of reach of scripts and of other sites' forms. With https their names begin with `__Host-`, which browsers take from
 * this very host by https alone (RFC 6265bis, 4.1.3).
 */
export interface Cookies {
  session(c: AppContext): string | undefined
  device(c: AppContext): string | undefined
  setSession(c: AppContext, token: string): void
  setDevice(c: AppContext, mark: string): void
  dropSession(c: AppContext): void
}

export function createCookies(secure: boolean): Cookies {
  const prefix = secure ? ('host' as const) : undefined
  const options = { path: '/', httpOnly: true, sameSite: 'Lax', secure, ...(prefix && { prefix }) } as const
  const read = (c: AppContext, name: string): string | undefined => getCookie(c, name, prefix)
  return {
    session: c => read(c, 'session'),
    device: c => read(c, 'device'),
    // Without `Max-Age` it goes with the browser; the server ends it before.
    setSession: (c, token) => setCookie(c, 'session', token, options),
    setDevice: (c, mark) => setCookie(c, 'device', mark, { ...options, maxAge: DEVICE_LIFE }),
    dropSession: c => void deleteCookie(c, prefix ? '__Host-session' : 'session', { path: '/', secure }),
  }
}
