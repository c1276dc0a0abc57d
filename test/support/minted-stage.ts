/**
 * A broker whose credential for GitHub is a consent: a refresh token that works once, at a token service of its own. Both
 * stand-ins write down what reaches them, and answer what a test tells them to.
 */
import type { TestContext } from 'node:test'
import { adminPassword, openTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts'
import { startRecordedServer, type Answered, type Recorded } from './recorded-server.ts'
import { answerOf, grantOn, type Answer, type Granted } from './world.ts'

/** What the parameters name; where it really is, configuration says. */
export const tokenService = 'https://login.provider.example'
export const clientSecret = 'cs_Kq2m8Zv4Tn6Wb1Xs9Rd3'
export const firstRefreshToken = 'rt_first_8dJ2kq0ZpT5mVxW1'

export const mintParameters = {
  kind: 'oauth_refresh',
  token_endpoint: `${tokenService}/oauth/token`,
  client_id: 'valetkey client',
  client_auth: 'client_secret_basic',
  scopes: ['repo:read', 'repo:write'],
  read_scopes: ['repo:read'],
} as const

export type Issued = {
  readonly accessToken: string
  readonly refreshToken: string
  readonly scope: string
}

/** An authorization server whose refresh tokens work once: one that is used again takes all of its consent with it. */
export type TokenStandIn = {
  readonly origin: string
  readonly requests: (Recorded & { readonly form: URLSearchParams })[]
  readonly issued: Issued[]
  /** Whether the consent still holds. */
  alive: boolean
  /** What it answers in place of the truth. */
  answer: ((truth: Answered, request: Recorded) => Answered | Promise<Answered>) | undefined
}

export async function startTokenStandIn(t: TestContext): Promise<TokenStandIn> {
  let current = firstRefreshToken
  let count = 0
  const standIn: { -readonly [K in keyof TokenStandIn]: TokenStandIn[K] } = {
    origin: '',
    requests: [],
    issued: [],
    alive: true,
    answer: undefined,
  }
  function truth(request: Recorded): Answered {
    const form = new URLSearchParams(request.body.toString())
    standIn.requests.push({ ...request, form })
    if (request.target.startsWith('/oauth/revoke')) return { status: 200, headers: {}, json: {} }
    if (!standIn.alive || form.get('refresh_token') !== current) {
      standIn.alive = false
      return { status: 400, headers: {}, json: { error: 'invalid_grant' } }
    }
    count++
    current = `rt_${String(count)}_Zq0mVxW18dJ2kpT5`
    const scope = form.get('scope') ?? 'repo:read repo:write'
    const accessToken = `at_${String(count)}_pT5mVxW18dJ2kq0Z_${scope.replace(/[^a-z]/g, '')}`
    standIn.issued.push({ accessToken, refreshToken: current, scope })
    return {
      status: 200,
      headers: {},
      json: {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: 3_600,
        refresh_token: current,
        scope,
      },
    }
  }
  const server = await startRecordedServer(async (request) => {
    const answered = truth(request)
    return standIn.answer === undefined ? answered : standIn.answer(answered, request)
  })
  t.after(() => server.close())
  standIn.origin = server.origin
  return standIn
}

export type ProviderStandIn = {
  readonly origin: string
  readonly seen: { readonly line: string; readonly authorization: string | undefined }[]
  /** What it answers to what is not a question of the broker's own. */
  answer: (request: Recorded) => Answered
}

/** GitHub as far as this needs it: it says that a repository is called what it was asked for, and does anything. */
export async function startProviderStandIn(t: TestContext): Promise<ProviderStandIn> {
  const standIn: { -readonly [K in keyof ProviderStandIn]: ProviderStandIn[K] } = {
    origin: '',
    seen: [],
    answer: (request) => ({
      status: 200,
      headers: {},
      json: request.method === 'GET' ? { full_name: request.target.slice('/repos/'.length) } : {},
    }),
  }
  const server = await startRecordedServer((request) => {
    const { authorization } = request.headers
    standIn.seen.push({
      line: `${request.method} ${request.target}`,
      authorization: typeof authorization === 'string' ? authorization : undefined,
    })
    return Promise.resolve(standIn.answer(request))
  })
  t.after(() => server.close())
  standIn.origin = server.origin
  return standIn
}

export type MintedStage = {
  readonly broker: TestBroker
  readonly granted: Granted
  readonly provider: ProviderStandIn
  readonly service: TokenStandIn
}

export async function openMintedStage(
  t: TestContext,
  options: TestBrokerOptions & {
    readonly mint?: Record<string, unknown>
    readonly grant?: Record<string, unknown>
  } = {},
): Promise<MintedStage> {
  const {
    mint = mintParameters,
    grant = { verbs: ['read', 'issues/delete-label'], approval: 'never' },
    ...rest
  } = options
  const provider = await startProviderStandIn(t)
  const service = await startTokenStandIn(t)
  const broker = await openTestBroker(t, {
    upstreams: { github: provider.origin },
    tokenServices: { [tokenService]: service.origin },
    ...rest,
  })
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app' }],
    secret: JSON.stringify({ refresh_token: firstRefreshToken, client_secret: clientSecret }),
    mint,
    grant,
  })
  return { broker, granted, provider, service }
}

export async function readIssues(url: string, token: string): Promise<Answer> {
  return answerOf(
    await fetch(`${url}/proxy/github/repos/acme/app/issues`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  )
}

export async function deleteLabel(url: string, token: string): Promise<Answer> {
  return answerOf(
    await fetch(`${url}/proxy/github/repos/acme/app/labels/bug`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    }),
  )
}

/** Replaces the credential's secret, as an admin who has consented anew. */
export function replaceSecret(
  { broker, granted }: Pick<MintedStage, 'broker' | 'granted'>,
  more: Record<string, unknown>,
  expected = 201,
): Promise<Record<string, unknown>> {
  const body = { password: adminPassword, ...more }
  return broker.api('POST', `/v1/credentials/${granted.credentialId}/versions`, body, expected)
}
