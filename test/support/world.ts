/** An agent with a grant on a stand-in provider, made through the API as an admin would. */
import type { TestBroker } from './broker.ts'
import { adminPassword } from './broker.ts'

export type Granted = {
  readonly environmentId: string
  readonly credentialId: string
  readonly agentId: string
  readonly agentKey: string
  readonly grantId: string
  /** A capability; by default all that the grant allows, from this very broker. `url`: another replica's. */
  readonly token: (details?: Record<string, unknown>, url?: string) => Promise<string>
}

export type GrantWish = {
  readonly provider: string
  readonly bindings: readonly {
    readonly provider: string
    readonly kind: string
    readonly id: string
  }[]
  readonly secret: string
  readonly environment?: string
  readonly protected?: boolean
  readonly style?: string
  /** Where the secret mints what goes out: the kind, and its parameters. */
  readonly mint?: Record<string, unknown>
  /** The rest of the body of `POST /v1/grants`. */
  readonly grant?: Record<string, unknown>
}

let made = 0

export async function grantOn(
  broker: Pick<TestBroker, 'url' | 'api'>,
  wish: GrantWish,
): Promise<Granted> {
  const n = ++made
  const password = adminPassword
  const environment = await broker.api<{ id: string }>('POST', '/v1/environments', {
    name: wish.environment ?? `test/${String(n)}`,
    protected: wish.protected ?? false,
    bindings: wish.bindings,
  })
  const credential = await broker.api<{ id: string }>('POST', '/v1/credentials', {
    name: `credential ${String(n)}`,
    provider: wish.provider,
    environment: environment.id,
    secret: wish.secret,
    ...(wish.style === undefined ? {} : { style: wish.style }),
    ...(wish.mint === undefined ? {} : { mint: wish.mint }),
    password,
  })
  const { agent, key } = await broker.api<{ agent: { id: string }; key: string }>(
    'POST',
    '/v1/agents',
    {
      name: `agent ${String(n)}`,
    },
  )
  const grant = await broker.api<{ id: string }>('POST', '/v1/grants', {
    agent: agent.id,
    credential: credential.id,
    ...wish.grant,
    password,
  })
  return {
    environmentId: environment.id,
    credentialId: credential.id,
    agentId: agent.id,
    agentKey: key,
    grantId: grant.id,
    async token(details, url = broker.url) {
      const { status, body } = await tokenRequest(url, agent.id, key, details)
      if (status !== 200)
        throw new Error(`/oauth/token answered ${String(status)}: ${JSON.stringify(body)}`)
      return String(body['access_token'])
    },
  }
}

export async function tokenRequest(
  url: string,
  agentId: string,
  key: string,
  details?: Record<string, unknown>,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: agentId,
    client_secret: key,
  })
  if (details !== undefined)
    form.set('authorization_details', JSON.stringify([{ type: 'valetkey', ...details }]))
  const response = await fetch(`${url}/oauth/token`, { method: 'POST', body: form })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

/** A GraphQL request to Railway through the broker. */
export async function railway(
  url: string,
  token: string,
  body: string | Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return answerOf(
    await fetch(`${url}/proxy/railway/graphql/v2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  )
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  let json: Record<string, unknown> = {}
  try {
    json = JSON.parse(text) as Record<string, unknown>
  } catch {
    // Not JSON: the test looks at the text.
  }
  return { status: response.status, headers: response.headers, text, json }
}
