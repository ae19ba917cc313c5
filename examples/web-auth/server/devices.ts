import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Keys } from './keys.ts'

/** How long a browser is known, in seconds. */
export const DEVICE_LIFE = 365 * 24 * 60 * 60

/**
 * Browsers that were logged in to an account before, known by a cookie that only the server can make: a random number and a keyed hash of it
 * and the account's e-mail. It lets nobody in; tries from a known browser are counted for themselves, so that others cannot use them up
 * (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 */
export interface Devices {
  issue(emailHash: string): string
  /** Under which tries of this browser for this account are counted; nothing for one that is not known. */
  known(cookie: string | undefined, emailHash: string): string | undefined
}

export function createDevices(keys: Keys): Devices {
  return {
    issue(emailHash) {
      const nonce = randomBytes(16).toString('base64url')
      return `${nonce}.${keys.hash('device', nonce, emailHash)}`
    },
    known(cookie, emailHash) {
      const [nonce, mark, ...rest] = cookie?.split('.') ?? []
      if (!nonce || !mark || rest.length > 0) return undefined
      const [given, right] = [Buffer.from(mark), Buffer.from(keys.hash('device', nonce, emailHash))]
      return given.length === right.length && timingSafeEqual(given, right) ? nonce : undefined
    },
  }
}
