import { Hono } from 'hono'
import * as v from 'valibot'
import { type Account, ROUTES } from '../../protocol.ts'
import type { AccountRecord } from '../accounts.ts'
import type { RouteParts } from '../app.ts'
import { readJson } from '../http/body.ts'
import type { AppContext, AppEnvironment } from '../http/environment.ts'
import { loggedIn } from '../http/session.ts'
import { noSession, Refused } from '../refusal.ts'
import { confirmPassword } from './confirm.ts'
import { ANONYMOUS, goOn, stateOf } from './session.ts'
import { PasswordSchema } from './sign-up.ts'

const ChangeSchema = v.strictObject({
  password: PasswordSchema,
  faceAlone: v.optional(v.boolean()),
  findable: v.optional(v.boolean()),
})
const RemovalSchema = v.strictObject({ password: PasswordSchema })
const EVENTS = 50
const ALL_EVENTS = 10_000

const date = (time: number): string => new Date(time).toISOString()

export function accountRoutes(parts: RouteParts): Hono<AppEnvironment> {
  const { accounts, audit, faces, database } = parts
  const app = new Hono<AppEnvironment>()

  async function accountOf(c: AppContext): Promise<AccountRecord> {
    const account = await accounts.byId(loggedIn(c).accountId)
    if (!account) throw noSession()
    return account
  }

  async function shown(account: AccountRecord, events: number): Promise<Account> {
    const { name, email, createdAt, consentVersion, consentAt, faceAlone, findable, faceAt, faceUsedAt } = account
    return {
      name,
      email,
      createdAt: date(createdAt),
      consent: { version: consentVersion, at: date(consentAt) },
      faceAlone,
      findable,
      ...(faceAt !== null && {
        face: { enrolledAt: date(faceAt), ...(faceUsedAt !== null && { lastUsedAt: date(faceUsedAt) }) },
      }),
      events: await audit.of(account.id, events),
    }
  }

  app.get(ROUTES.account, async c => c.json(await shown(await accountOf(c), EVENTS)))

  app.patch(ROUTES.account, async c => {
    const session = loggedIn(c)
    const { password, faceAlone, findable } = await readJson(c, ChangeSchema)
    const account = await accountOf(c)
    await confirmPassword(parts, session, account, password)
    if (faceAlone && account.faceAt === null) {
      throw new Refused('invalid', 'Enrol your face first.', { fields: ['faceAlone'] })
    }
    if (findable && !account.faceLive) {
      // Else anybody could be found by a photo of somebody else.
      throw new Refused('invalid', 'Enrol your face with the camera first.', { fields: ['findable'] })
    }
    // What makes it less open goes first where one of the two fails.
    if (findable === false) await faces.setFindable(account.id, false)
    await accounts.change(account.id, { faceAlone, findable })
    if (findable === true) await faces.setFindable(account.id, true)
    await audit.note({ what: 'settings', outcome: 'done', accountId: account.id, address: c.get('address') })
    return c.json(await shown(await accountOf(c), EVENTS))
  })

  app.get(ROUTES.export, async c => {
    const account = await accountOf(c)
    const kept = await faces.list(account.id)
    await audit.note({ what: 'export', outcome: 'done', accountId: account.id, address: c.get('address') })
    c.header('Content-Disposition', 'attachment; filename="account.json"')
    return c.json({
      ...(await shown(account, ALL_EVENTS)),
      id: account.id,
      password: 'A hash (Argon2id) is kept, from which it cannot be read.',
      // The numbers themselves stay here: they say nothing to a person or another service, and whoever finds this file could draw a face of them.
      templates: kept,
      explanation:
        'Of your face no picture is kept. A template is a list of numbers that a network made of it; it is kept encrypted, and compared with ' +
        'new pictures. It is not part of this file, since it is of use to nobody but an attacker. Ask the operator if you want it all the same.',
    })
  })

  app.delete(ROUTES.account, async c => {
    const session = loggedIn(c)
    const { password } = await readJson(c, RemovalSchema)
    const account = await accountOf(c)
    await confirmPassword(parts, session, account, password)
    // The account first: an enrolment under way notices that it is gone, and takes its face back.
    await accounts.remove(account)
    await faces.forget(account.id)
    c.set('session', undefined)
    const anonymous = await goOn(c, parts, ANONYMOUS)
    await audit.note({ what: 'account deleted', outcome: 'done', accountId: null, address: c.get('address') })
    await database.erase()
    return c.json(stateOf(anonymous, undefined))
  })

  return app
}
