import * as v from 'valibot'
import type { AccountRecord } from '../accounts.ts'
import type { RouteParts } from '../app.ts'
import { readJson } from '../http/body.ts'
import type { AppContext } from '../http/environment.ts'
import { RULES } from '../limits.ts'
import { passwordAgain, wrongPassword } from '../refusal.ts'
import { PASSWORD_FRESH, type Session } from '../sessions.ts'
import { PasswordSchema } from './sign-up.ts'

const PasswordAgainSchema = v.strictObject({ password: PasswordSchema })

/** The password of a request that may leave it out. */
export async function readPasswordAgain(c: AppContext): Promise<string | undefined> {
  if (c.req.header('content-type') === undefined) return undefined
  return (await readJson(c, PasswordAgainSchema)).password
}

/**
 * Makes sure that the person is there who knows the password: it is given again, or was typed in this session a moment ago.
 *
 * @throws Refused `refused` for a wrong one; `session` with the hint `password` where it has to be typed again; `locked`.
 */
export async function confirmPassword(
  { passwords, limits, sessions }: RouteParts,
  session: Session,
  account: AccountRecord,
  password: string | undefined,
): Promise<void> {
  if (password === undefined) {
    if (session.passwordAt !== null && Date.now() - session.passwordAt <= PASSWORD_FRESH) return
    throw passwordAgain()
  }
  await limits.reserve([RULES.passwordAgain, account.id])
  if (!(await passwords.matches(account.password, password))) throw wrongPassword()
  await limits.clear(RULES.passwordAgain, account.id)
  await sessions.notePassword(session)
}
