/** What an admin types, as requests to the broker. Every answer that came is kept, to be searched. */
import type { BrokerProcess } from './broker-process.ts'

const password = 'correct horse battery staple'

/** Every answer that anybody received: status, headers and body, as text. */
export type Received = string[]

export type Admin = {
  readonly environmentId: string
  /** What the broker found the credential to reach. */
  readonly reach: { readonly kind: string; readonly detail?: string }
  readonly credentialName: string
  readonly agentId: string
  /** Mints a grant for the agent; gives its id. */
  grant(body: Readonly<Record<string, unknown>>): Promise<string>
  /** A capability issued from a grant. */
  capability(grantId: string): Promise<Capability>
  /** Entries of the audit log, oldest first. */
  audit(filter: Readonly<Record<string, string>>): Promise<readonly Entry[]>
}

export type Capability = {
  readonly token: string
  /** Seconds. */
  readonly lifetime: number
  readonly verbs: readonly string[]
}

export type Entry = {
  readonly at: string
  readonly correlationId: string
  readonly kind: string
  readonly result: string
  readonly reason?: string
  readonly about?: readonly string[]
  readonly operations?: readonly { readonly name: string; readonly resources: readonly string[] }[]
}

/** Sets the broker up: an environment bound to one of the provider's, a token for it, an agent. */
export async function setUp(
  broker: BrokerProcess,
  received: Received,
  wish: { readonly secret: string; readonly environment: string; readonly railwayId: string },
): Promise<Admin> {
  let bearer = ''
  async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {}
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (bearer !== '') headers['authorization'] = `Bearer ${bearer}`
    const response = await fetch(`${broker.url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return read<T>(response, `${method} ${path}`)
  }
  async function read<T>(response: Response, what: string): Promise<T> {
    const text = await response.text()
    received.push(`${String(response.status)} ${JSON.stringify([...response.headers])} ${text}`)
    if (!response.ok) throw new Error(`${what} answered ${String(response.status)}: ${text}`)
    return JSON.parse(text) as T
  }

  const name = 'admin'
  await ask('POST', '/v1/setup', { name, setup_secret: broker.setupSecret, password })
  const signedIn = await ask<{ token: string }>('POST', '/v1/sign-in', { name, password })
  bearer = signedIn.token
  const environment = await ask<{ id: string }>('POST', '/v1/environments', {
    name: wish.environment,
    bindings: [{ provider: 'railway', kind: 'environment', id: wish.railwayId }],
  })
  const credentialName = 'railway account token'
  const credential = await ask<{ id: string; reach: Admin['reach'] }>('POST', '/v1/credentials', {
    name: credentialName,
    provider: 'railway',
    environment: environment.id,
    secret: wish.secret,
    password,
  })
  const { agent, key } = await ask<{ agent: { id: string }; key: string }>('POST', '/v1/agents', {
    name: 'coding agent',
  })

  return {
    environmentId: environment.id,
    reach: credential.reach,
    credentialName,
    agentId: agent.id,
    async grant(body) {
      const grant = await ask<{ id: string }>('POST', '/v1/grants', {
        agent: agent.id,
        credential: credential.id,
        ...body,
        password,
      })
      return grant.id
    },
    async capability(grant) {
      const response = await fetch(`${broker.url}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: agent.id,
          client_secret: key,
          authorization_details: JSON.stringify([{ type: 'valetkey', grant }]),
        }),
      })
      const issued = await read<{
        access_token: string
        expires_in: number
        authorization_details: { verbs: string[] }[]
      }>(response, 'POST /oauth/token')
      return {
        token: issued.access_token,
        lifetime: issued.expires_in,
        verbs: issued.authorization_details[0]?.verbs ?? [],
      }
    },
    async audit(filter) {
      const query = new URLSearchParams({ limit: '200', ...filter }).toString()
      const page = await ask<{ items: { entry: Entry }[] }>('GET', `/v1/audit?${query}`)
      return page.items.map((item) => item.entry).toReversed()
    },
  }
}
