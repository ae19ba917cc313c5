import {
  type ChallengeRequest,
  CONSENT_VERSION,
  CSRF_HEADER,
  FRAME_FIELDS,
  type IssuedChallenge,
  type LogInState,
  type Refusal,
  ROUTES,
  type SessionState,
} from '../../../examples/web-auth/protocol.ts'

/** What a browser does: keeps cookies, sends the token, and says where a request comes from. */
export interface Client {
  /** Cookies by name; a test may take or plant them. */
  readonly cookies: Map<string, string>
  csrf: string
  request(path: string, init?: RequestInit): Promise<Response>
  /** A request with JSON, and its answer. */
  json<T>(method: string, path: string, body?: unknown): Promise<Answer<T>>
  form<T>(path: string, parts: FormData): Promise<Answer<T>>
  /** Begins a session, or asks for the state of the present one. */
  session(): Promise<SessionState>
}

export interface Answer<T> {
  readonly status: number
  readonly headers: Headers
  /** Of a request that went well. */
  readonly value: T
  /** Of one that did not. */
  readonly error: Refusal['error']
}

/** @param address where its requests come from, as a proxy says; another one for each client by default. */
export function createClient(url: string, address = someAddress()): Client {
  const cookies = new Map<string, string>()
  const client: Client = {
    cookies,
    csrf: '',
    async request(path, init = {}) {
      const headers = new Headers(init.headers)
      if (cookies.size > 0 && !headers.has('cookie')) {
        headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
      }
      if (client.csrf && !headers.has(CSRF_HEADER)) headers.set(CSRF_HEADER, client.csrf)
      if (!headers.has('origin')) headers.set('origin', url)
      headers.set('x-forwarded-for', address)
      const response = await fetch(`${url}${path}`, { ...init, headers })
      for (const line of response.headers.getSetCookie()) {
        const [pair, ...attributes] = line.split(';')
        const [name, value] = pair.split('=')
        if (value === '' || attributes.some(attribute => /max-age=0/i.test(attribute))) cookies.delete(name)
        else cookies.set(name, value)
      }
      return response
    },
    json: async (method, path, body) =>
      answerOf(
        client,
        await client.request(path, {
          method,
          ...(body !== undefined && {
            headers: { 'content-type': 'application/json' },
            body: typeof body === 'string' ? body : JSON.stringify(body),
          }),
        }),
      ),
    form: async (path, parts) => answerOf(client, await client.request(path, { method: 'POST', body: parts })),
    async session() {
      return (await client.json<SessionState>('GET', ROUTES.session)).value
    },
  }
  return client
}

function someAddress(): string {
  const part = (): number => Math.floor(Math.random() * 256)
  return `10.${part()}.${part()}.${part()}`
}

async function answerOf<T>(client: Client, response: Response): Promise<Answer<T>> {
  const text = await response.text()
  const body = text.startsWith('{') ? JSON.parse(text) : {}
  if (typeof body.csrf === 'string') client.csrf = body.csrf
  return { status: response.status, headers: response.headers, value: body as T, error: body.error ?? {} }
}

export const PASSWORD = 'correct horse battery'

/** Somebody with an account, logged in. */
export async function signedUp(url: string, email: string, name = 'Ada'): Promise<Client> {
  const client = createClient(url)
  await client.session()
  const body = { name, email, password: PASSWORD, consent: CONSENT_VERSION }
  const { status, error } = await client.json('POST', ROUTES.signUp, body)
  if (status !== 200) throw new Error(`sign-up answered ${status}: ${JSON.stringify(error)}`)
  return client
}

/** Another browser, with the password given and right. */
export async function withPassword(url: string, email: string): Promise<{ client: Client; next: LogInState['next'] }> {
  const client = createClient(url)
  await client.session()
  const { status, value, error } = await client.json<LogInState>('POST', ROUTES.password, { email, password: PASSWORD })
  if (status !== 200) throw new Error(`log-in answered ${status}: ${JSON.stringify(error)}`)
  return { client, next: value.next }
}

/** Enrols by photos. */
export async function enrolled(client: Client, photos: readonly Uint8Array[]): Promise<Answer<{ accepted: number }>> {
  const form = new FormData()
  for (const photo of photos) form.append(FRAME_FIELDS.photo, new Blob([photo as Uint8Array<ArrayBuffer>]))
  return client.form(ROUTES.face, form)
}

export async function challenged(client: Client, request: ChallengeRequest): Promise<IssuedChallenge> {
  const { status, value, error } = await client.json<IssuedChallenge>('POST', ROUTES.challenge, request)
  if (status !== 200) throw new Error(`challenge answered ${status}: ${JSON.stringify(error)}`)
  return value
}

/** Frames with times, as the page sends them. */
export function framesForm(
  challengeId: string,
  frames: readonly { readonly bytes: Uint8Array; readonly time: number }[],
): FormData {
  const form = new FormData()
  form.append(FRAME_FIELDS.challenge, challengeId)
  form.append(FRAME_FIELDS.times, JSON.stringify(frames.map(({ time }) => time)))
  for (const { bytes } of frames) {
    form.append(FRAME_FIELDS.frame, new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }), 'frame.jpg')
  }
  return form
}
