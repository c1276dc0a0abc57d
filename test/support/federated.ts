/** A broker that trusts an issuer on loopback, as if it were GitHub's, and the agent whose grants its jobs use. */
import type { TestContext } from 'node:test'
import { adminPassword, type TestBrokerOptions } from './broker.ts'
import { startIssuerServer, type IssuerServer } from './issuer-server.ts'
import { openStage, type Stage } from './stage.ts'

export const publicUrl = 'http://localhost:8474'

/** What a job of the trusted repository says. */
export const jobClaims = {
  sub: 'repo:acme/app:environment:staging',
  aud: publicUrl,
  repository: 'acme/app',
  repository_id: '123',
  repository_owner_id: '7',
  environment: 'staging',
  ref: 'refs/heads/main',
}

export type Exchanged = { readonly status: number; readonly body: Record<string, unknown> }

export type Federated = Stage & {
  readonly issuer: IssuerServer
  readonly issuerId: string
  /** Makes a rule; by default for the repository of `jobClaims`. */
  readonly rule: (
    terms?: Record<string, unknown>,
    expected?: number,
  ) => Promise<Record<string, unknown>>
  /** Exchanges this token, or one of `jobClaims` with these changes. */
  readonly exchange: (
    token: string | Record<string, unknown>,
    form?: Record<string, string | undefined>,
    url?: string,
  ) => Promise<Exchanged>
  /** A capability; fails where there is none. */
  readonly capability: (claims?: Record<string, unknown>) => Promise<string>
}

export async function openFederated(
  t: TestContext,
  options: TestBrokerOptions & { readonly grant?: Record<string, unknown> } = {},
): Promise<Federated> {
  const issuer = await startIssuerServer(t)
  const stage = await openStage(t, options)
  const { broker, granted } = stage
  const { id: issuerId } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
    issuer: issuer.issuer,
    internal: true,
    platform: 'github',
    password: adminPassword,
  })
  let made = 0

  async function exchange(
    token: string | Record<string, unknown>,
    form: Record<string, string | undefined> = {},
    url = broker.url,
  ): Promise<Exchanged> {
    const subject = typeof token === 'string' ? token : issuer.token({ ...jobClaims, ...token })
    const all = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: subject,
      ...form,
    }
    const fields = Object.entries(all).filter(
      (each): each is [string, string] => each[1] !== undefined,
    )
    const response = await fetch(`${url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(fields),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  return {
    ...stage,
    issuer,
    issuerId,
    rule: (terms = {}, expected) =>
      broker.api(
        'POST',
        '/v1/trust-rules',
        {
          name: `rule ${String(++made)}`,
          issuer: issuerId,
          agent: granted.agentId,
          conditions: [{ claim: 'repository_id', equals: '123' }],
          ...terms,
          password: adminPassword,
        },
        expected,
      ),
    exchange,
    async capability(claims = {}) {
      const { status, body } = await exchange(claims)
      if (status !== 200) throw new Error(`it was not exchanged: ${JSON.stringify(body)}`)
      return String(body['access_token'])
    },
  }
}
