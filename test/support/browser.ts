/** An operator in a browser: signed in with a cookie, sending from a page of the broker's own origin. */
import { adminPassword, type TestBroker } from './broker.ts'
import {
  createAuthenticator,
  type FullAssertion,
  type VirtualAuthenticator,
} from './authenticator.ts'

export type Answer = {
  readonly status: number
  readonly body: Record<string, unknown>
}

export type Browser = {
  readonly operatorId: string
  readonly name: string
  /** What it is signed in with, for a request that is not sent by `send`. */
  readonly cookie: string
  send(method: string, path: string, body?: unknown, url?: string): Promise<Answer>
  /** As `send`, as the CLI of the same operator. */
  asCli(method: string, path: string, body?: unknown): Promise<Answer>
}

export const testPublicUrl = 'http://localhost:8474'

async function ask(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: unknown,
): Promise<Answer & { readonly cookie: string }> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
  }
}

/** Signs an operator of this name in, whom it adds first where `roles` are given. Every password is `adminPassword`, unless it is said. */
export async function openBrowser(
  broker: Pick<TestBroker, 'url' | 'api'>,
  name: string,
  roles?: readonly string[],
  password = adminPassword,
): Promise<Browser> {
  if (roles !== undefined) {
    const added = await broker.api<{ operator: { id: string }; setup_secret: string }>(
      'POST',
      '/v1/operators',
      {
        name,
        roles,
        password,
      },
    )
    const { setup_secret } = added
    await ask(`${broker.url}/v1/setup`, 'POST', {}, { name, setup_secret, password })
    // Refused once an admin has a passkey: `allowPasskey` then, with a touch of it.
    const { id } = added.operator
    await broker.api('POST', `/v1/operators/${id}/allow-passkey`, { password }).catch(() => {})
  }
  return signInBrowser(broker.url, name, password)
}

export async function signInBrowser(
  own: string,
  name: string,
  password = adminPassword,
): Promise<Browser> {
  const page = { origin: testPublicUrl }
  const signIn = `${own}/v1/sign-in`
  const { cookie } = await ask(signIn, 'POST', page, { name, password, cookie: true })
  const { body } = await ask(signIn, 'POST', {}, { name, password })
  const me = await ask(`${own}/v1/me`, 'GET', { cookie }, undefined)
  return {
    operatorId: String(me.body['id']),
    name,
    cookie,
    send: (method, path, given, url = own) =>
      ask(`${url}${path}`, method, { ...page, cookie }, given),
    asCli: (method, path, given) =>
      ask(`${own}${path}`, method, { authorization: `Bearer ${String(body['token'])}` }, given),
  }
}

/** A touch of this operator's passkey for an act that is no approval. */
export async function touch(
  browser: Browser,
  authenticator: VirtualAuthenticator,
  act: string,
  subject: string,
  change?: object,
): Promise<FullAssertion> {
  const body = {
    act,
    subject,
    password: adminPassword,
    ...(change === undefined ? {} : { change }),
  }
  const prepared = await browser.send('POST', '/v1/passkeys/touch-options', body)
  if (prepared.status !== 200) throw new Error(`not prepared: ${JSON.stringify(prepared.body)}`)
  return authenticator.assert(prepared.body['options'] as { challenge: string })
}

/** Registers a new passkey as a person would; with a touch of the one that they `have`. */
export async function registerPasskey(
  browser: Browser,
  name = 'key',
  have?: VirtualAuthenticator,
): Promise<{ readonly id: string; readonly authenticator: VirtualAuthenticator }> {
  const authenticator = createAuthenticator({ origin: testPublicUrl })
  const prepared = await browser.send('POST', '/v1/passkeys/options', { password: adminPassword })
  const { options, touch } = prepared.body as {
    options: { challenge: string }
    touch?: { challenge: string }
  }
  if (prepared.status !== 200) throw new Error(`not prepared: ${JSON.stringify(prepared.body)}`)
  const registration = authenticator.register(options)
  const assertion = touch === undefined ? undefined : have?.assert(touch)
  const { status, body } = await browser.send('POST', '/v1/passkeys', {
    name,
    registration,
    ...(assertion === undefined ? {} : { assertion }),
  })
  if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`)
  return { id: String(body['id']), authenticator }
}
