/** Requests to the server. Every refusal, and a server that does not answer, is a {@link Refused}. */
import {
  type Account,
  type AccountChange,
  type ChallengeRequest,
  CSRF_HEADER,
  type EnrolmentResult,
  type IssuedChallenge,
  type LogInState,
  type LogOut,
  type PasswordAgain,
  type PasswordLogIn,
  type RecoveryCode,
  type Refusal,
  type RefusalCode,
  ROUTES,
  type SessionState,
  type SignUp,
  type Who,
} from '../protocol.ts'
import { currentSession, passwordWasTyped, setSession } from './session.ts'

/** Why something was refused: a code of the protocol, or `unreachable`. */
export class Refused extends Error {
  readonly code: RefusalCode | 'unreachable'
  readonly fields: readonly string[]
  /** Why a challenge was not passed, a code of the library. */
  readonly hint?: string
  /** Seconds to wait. */
  readonly retryAfter?: number

  constructor(code: Refused['code'], message: string, rest: Partial<Refusal['error']> = {}) {
    super(message)
    this.code = code
    this.fields = rest.fields ?? []
    this.hint = rest.hint
    this.retryAfter = rest.retryAfter
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** How long the server may take: it looks at up to 160 frames. */
const TIMEOUT_MS = 90_000

async function send(method: Method, route: string, body: object | undefined, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = method === 'GET' ? {} : { [CSRF_HEADER]: currentSession().csrf }
  const isForm = body instanceof FormData
  if (body && !isForm) headers['content-type'] = 'application/json'
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    return await fetch(route, {
      method,
      headers,
      body: isForm ? body : body && JSON.stringify(body),
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
  } catch {
    signal?.throwIfAborted()
    throw new Refused('unreachable', 'The server does not answer.')
  }
}

async function request<T>(method: Method, route: string, body?: object, signal?: AbortSignal): Promise<T> {
  let response = await send(method, route, body, signal)
  let refusal = await refusalOf(response)
  if (refusal?.code === 'forgery') {
    // Another tab has logged in or out, which changes the token: once with the new one.
    setSession(await request<SessionState>('GET', ROUTES.session))
    response = await send(method, route, body, signal)
    refusal = await refusalOf(response)
  }
  if (refusal?.code === 'session' && route !== ROUTES.session) {
    setSession(await request<SessionState>('GET', ROUTES.session))
  }
  if (refusal) throw refusal
  return (response.status === 204 ? undefined : await response.json()) as T
}

async function refusalOf(response: Response): Promise<Refused | undefined> {
  if (response.ok) return
  try {
    const { error } = (await response.json()) as Refusal
    return new Refused(error.code, error.message, error)
  } catch {
    // Something between here and the server answered in its place.
    return new Refused('unreachable', `The server answered ${response.status}.`)
  }
}

/** One function for each thing that the page asks for. Those that change the session have set it when they resolve. */
export const api = {
  async session(): Promise<void> {
    setSession(await request<SessionState>('GET', ROUTES.session))
  },
  async signUp(body: SignUp): Promise<void> {
    setSession(await request<SessionState>('POST', ROUTES.signUp, body))
    passwordWasTyped()
  },
  async logIn(body: PasswordLogIn): Promise<LogInState['next']> {
    const state = await request<LogInState>('POST', ROUTES.password, body)
    setSession(state)
    passwordWasTyped()
    return state.next
  },
  challenge: (body: ChallengeRequest, signal: AbortSignal) =>
    request<IssuedChallenge>('POST', ROUTES.challenge, body, signal),
  async faceLogIn(frames: FormData, signal: AbortSignal): Promise<void> {
    setSession(await request<SessionState>('POST', ROUTES.faceLogIn, frames, signal))
  },
  async recover(code: string): Promise<void> {
    setSession(await request<SessionState>('POST', ROUTES.recovery, { code } satisfies RecoveryCode))
  },
  enrol: (framesOrPhotos: FormData, signal: AbortSignal) =>
    request<EnrolmentResult>('POST', ROUTES.face, framesOrPhotos, signal),
  who: (frames: FormData, signal: AbortSignal) => request<Who>('POST', ROUTES.who, frames, signal),
  forgetFace: (body: PasswordAgain) => request<unknown>('DELETE', ROUTES.face, body),
  account: () => request<Account>('GET', ROUTES.account),
  changeAccount: (body: AccountChange) => request<unknown>('PATCH', ROUTES.account, body),
  deleteAccount: (body: PasswordAgain) => request<unknown>('DELETE', ROUTES.account, body),
  async export(): Promise<Blob> {
    const response = await send('GET', ROUTES.export, undefined)
    const refusal = await refusalOf(response)
    if (refusal) throw refusal
    return response.blob()
  },
  logOut: (everywhere: boolean) => request<unknown>('POST', ROUTES.logOut, { everywhere } satisfies LogOut),
}
