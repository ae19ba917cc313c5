import type { MiddlewareHandler } from 'hono'
import type { AppEnvironment } from './environment.ts'

/** Everything is from here, and nothing inline; WebAssembly may be compiled, which `unsafe-eval` would allow together with `eval`. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "style-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What every answer says to the browser. @param secure whether the app is reached by https. */
export function securityHeaders(secure: boolean): MiddlewareHandler<AppEnvironment> {
  return async (c, next) => {
    await next()
    c.header('Content-Security-Policy', POLICY)
    c.header(
      'Permissions-Policy',
      'camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()',
    )
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('Referrer-Policy', 'no-referrer')
    c.header('Cross-Origin-Opener-Policy', 'same-origin')
    c.header('Cross-Origin-Resource-Policy', 'same-origin')
    if (secure) c.header('Strict-Transport-Security', 'max-age=63072000; includeSubDomains')
    // What is said to one person is nobody else's, and not the disk's either.
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
  }
}
