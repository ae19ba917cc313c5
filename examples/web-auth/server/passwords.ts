import { type Algorithm, hash, type Options, verify } from '@node-rs/argon2'
import { LIMITS } from '../protocol.ts'
import { COMMON_PASSWORDS } from './common-passwords.ts'
import { createGate } from './gate.ts'

/** Argon2id as the OWASP Password Storage Cheat Sheet has it: 19 MiB, two passes, one lane. */
const COST: Options = { algorithm: 2 satisfies Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Passwords, hashed and compared beside JavaScript, a few at a time. */
export interface Passwords {
  hash(password: string): Promise<string>
  /**
   * Whether a password belongs to a hash. Without one, as for an e-mail that nobody has, the same work is done on a made-up hash and the
   * answer is no.
   */
  matches(hashed: string | undefined, password: string): Promise<boolean>
}

/** @param argon2 does the work; the package's own by default. */
export async function createPasswords(
  argon2: { hash: typeof hash; verify: typeof verify } = { hash, verify },
): Promise<Passwords> {
  // libuv has four threads for this by default. 64 that wait are some seconds; more would be let wait for nothing.
  const gate = createGate({ atOnce: 4, waiting: 64, expected: 150 })
  const nobody = await argon2.hash(crypto.randomUUID(), COST)
  return {
    hash: password => gate.run(() => argon2.hash(normalised(password), COST)),
    async matches(hashed, password) {
      const same = await gate.run(() => argon2.verify(hashed ?? nobody, normalised(password)))
      return hashed !== undefined && same
    },
  }
}

/**
 * What is wrong with a new password, after NIST SP 800-63B, 5.1.1.2: its length and whether everybody tries it first, and no rules of
 * composition. `undefined` for a good one.
 *
 * @param personal what is known of the person: e-mail and name.
 */
export function weakness(password: string, personal: readonly string[]): string | undefined {
  const length = [...normalised(password)].length
  const { least, most } = LIMITS.passwordLength
  if (length < least) return `A password has at least ${least} characters. Several words are easy to remember.`
  if (length > most) return `A password has at most ${most} characters.`
  const lower = normalised(password).toLowerCase()
  if (new Set(lower).size < 4 || COMMON_PASSWORDS.has(lower) || isRun(lower)) {
    return 'This is one of the passwords that are tried first. Take another one.'
  }
  if (
    personal.some(
      text => text.length >= 3 && (lower === text.toLowerCase() || lower === text.split('@')[0].toLowerCase()),
    )
  ) {
    return 'A password must not be your name or e-mail.'
  }
  return undefined
}

/** One password, however a keyboard composes its characters. */
function normalised(password: string): string {
  return password.normalize('NFKC')
}

/** Whether it only counts up or down, in the alphabet or along the keyboard. */
function isRun(text: string): boolean {
  const rows = ['abcdefghijklmnopqrstuvwxyz', '01234567890123456789', 'qwertyuiopasdfghjklzxcvbnm']
  return rows.some(row => row.includes(text) || [...row].reverse().join('').includes(text))
}
