import { Hono } from 'hono'
import * as v from 'valibot'
import { CONSENT_VERSION, LIMITS, ROUTES } from '../../protocol.ts'
import type { RouteParts } from '../app.ts'
import { lineOf, readJson } from '../http/body.ts'
import type { AppEnvironment } from '../http/environment.ts'
import { RULES } from '../limits.ts'
import { weakness } from '../passwords.ts'
import { Refused } from '../refusal.ts'
import { goOn, stateOf } from './session.ts'

/** An address as HTML's `<input type="email">` takes it, or nearly: that it exists only a mail can tell. */
const EMAIL = /^[^\s@<>"(),:;[\]\\]+@[^\s@<>"(),:;[\]\\]+\.[^\s@<>"(),:;[\]\\]+$/

export const EmailSchema = v.pipe(
  lineOf(LIMITS.emailLength, 'Give your e-mail, such as ada@example.org.'),
  v.regex(EMAIL, 'Give your e-mail, such as ada@example.org.'),
)
/** Of any length that a body has: of one that is too long something better is said than that it is invalid. */
export const PasswordSchema = v.pipe(
  v.string('Give your password.'),
  v.check(text => text.length > 0 && !/\p{Cs}/u.test(text), 'Give your password.'),
)

const SignUpSchema = v.strictObject({
  name: lineOf(LIMITS.nameLength, `Give your name, with up to ${LIMITS.nameLength} characters.`),
  email: EmailSchema,
  password: PasswordSchema,
  consent: v.string('Agree first.'),
})

export function signUpRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, passwords, limits, audit } = parts
  const app = new Hono<AppEnvironment>()

  app.post(ROUTES.signUp, async c => {
    const { name, email, password, consent } = await readJson(c, SignUpSchema)
    if (consent !== CONSENT_VERSION) {
      throw new Refused('consent', 'Nothing is stored without your consent to the present words. Load the page again.')
    }
    const weak = weakness(password, [email, name])
    if (weak) throw new Refused('invalid', weak, { fields: ['password'] })
    const address = c.get('address')
    await limits.reserve([RULES.signUpFrom, address])
    const account = await accounts.create({
      name,
      email,
      password: await passwords.hash(password),
      consentVersion: consent,
    })
    if (!account) {
      // Who asks learns that this e-mail has an account. Without mails to confirm by there is no other honest answer; it is limited.
      throw new Refused('invalid', 'With this e-mail no account can be made. Log in, if you have one.', {
        fields: ['email'],
      })
    }
    const session = await goOn(c, parts, { stage: 'full', accountId: account.id, passwordAt: Date.now() }, account)
    await audit.note({ what: 'sign-up', outcome: 'done', accountId: account.id, address })
    return c.json(stateOf(session, account))
  })

  return app
}
