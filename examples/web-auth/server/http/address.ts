import { isIPv6 } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import type { AppEnvironment } from './environment.ts'

/**
 * Says where a request comes from.
 *
 * @param proxy whether the last address of `X-Forwarded-For` is the client's, set by one's own proxy. Without a proxy anybody could write
 * that header.
 */
export function clientAddress(proxy: boolean): MiddlewareHandler<AppEnvironment> {
  return async (c, next) => {
    const forwarded = proxy ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
    c.set('address', networkOf(forwarded || c.env.incoming?.socket.remoteAddress || 'unknown'))
    await next()
  }
}

/** An address as limits count it: of IPv6 the first 64 bits, since one customer has all the others. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  if (!isIPv6(plain)) return plain
  const [head, tail] = plain.split('%')[0].split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0')
  return [...groups, ...after]
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}
