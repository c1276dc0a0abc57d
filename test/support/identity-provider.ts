/**
 * oidc-provider, unmodified, as the identity provider of operators on loopback: people, their groups, and somebody at the
 * keyboard who signs in as one of them at once, wherever the provider asks.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { JWK } from 'jose'
import Provider from 'oidc-provider'
import type { IdentityDoorSettings } from '../../src/http/identity/door.ts'
import { testPublicUrl } from './browser.ts'
import { makeKey, type IssuerKey } from './foreign-issuer.ts'

/** What is used here of oidc-provider, which brings no types. */
type Finishing = {
  interactionFinished(
    request: IncomingMessage,
    response: ServerResponse,
    result: object,
  ): Promise<void>
}
type GrantModel = new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> }
type Asking = {
  readonly oidc: {
    readonly session?: { readonly accountId?: string }
    readonly client?: { readonly clientId: string }
    readonly provider: { readonly Grant: GrantModel }
  }
}

export type Human = {
  groups: readonly string[] | undefined
  name: string
}

export type TestProvider = {
  readonly issuer: string
  readonly key: IssuerKey
  /** By subject. Who is deleted has been let go. */
  readonly people: Map<string, Human>
  /** Who sits at the keyboard, by subject. */
  atKeyboard: string
  /** Of every request: its method and path. */
  readonly asked: string[]
  /** What its answers are replaced with, by path; `undefined`: as they are. */
  instead: (
    path: string,
  ) => { status: number; body: string; headers?: Record<string, string> } | undefined
  /** What a broker is to be told of it. */
  readonly settings: IdentityDoorSettings
}

export const groupsOfTest = new Map([
  ['platform', ['admin'] as const],
  ['on-call', ['approver', 'auditor'] as const],
])

export async function openTestProvider(
  t: TestContext,
  options: {
    readonly refresh?: boolean
    readonly secret?: string
    /** Public: the client signs, and has no secret. */
    readonly clientKey?: JWK
  } = {},
): Promise<TestProvider> {
  // It says on the console that it keeps all in memory.
  for (const method of ['info', 'warn'] as const) t.mock.method(console, method, () => undefined)
  const { refresh = true, secret, clientKey } = options
  let callback = (_request: IncomingMessage, response: ServerResponse): void => void response.end()
  const server = createServer((request, response) => callback(request, response)).listen(
    0,
    '127.0.0.1',
  )
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const key = makeKey('RS256')
  const people = new Map<string, Human>()
  const client = {
    client_id: 'valetkey',
    ...(secret === undefined ? {} : { client_secret: secret }),
    ...(clientKey === undefined ? {} : { jwks: { keys: [clientKey] } }),
    token_endpoint_auth_method:
      clientKey !== undefined
        ? 'private_key_jwt'
        : secret === undefined
          ? 'none'
          : 'client_secret_post',
    redirect_uris: [`${testPublicUrl}/sign-in/callback`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), ...key.jwk }] },
    claims: { openid: ['sub', 'groups', 'preferred_username'] },
    scopes: ['openid', 'profile', 'offline_access'],
    conformIdTokenClaims: false,
    rotateRefreshToken: true,
    issueRefreshToken: () => Promise.resolve(refresh),
    cookies: { keys: ['a key for cookies of this test'] },
    features: { devInteractions: { enabled: false } },
    interactions: {
      url: (_ctx: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}`,
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    findAccount(_ctx: unknown, sub: string) {
      const human = people.get(sub)
      if (human === undefined) return undefined
      return {
        accountId: sub,
        claims: () => ({
          sub,
          preferred_username: human.name,
          ...(human.groups === undefined ? {} : { groups: human.groups }),
        }),
      }
    },
    async loadExistingGrant(ctx: Asking) {
      const { session, client: asking } = ctx.oidc
      if (session === undefined || asking === undefined) return undefined
      const grant = new ctx.oidc.provider.Grant({
        clientId: asking.clientId,
        ...(session.accountId === undefined ? {} : { accountId: session.accountId }),
      })
      grant.addOIDCScope('openid profile offline_access')
      await grant.save()
      return grant
    },
  })
  const asked: string[] = []
  const opened: TestProvider = {
    issuer,
    key,
    people,
    atKeyboard: '',
    asked,
    instead: () => undefined,
    settings: {
      issuer,
      clientId: 'valetkey',
      client: secret === undefined ? { kind: 'public' } : { kind: 'secret', secret },
      scope: 'openid profile offline_access',
      groupsClaim: 'groups',
      groups: groupsOfTest,
      label: 'Acme',
      internal: true,
    },
  }
  const listener = provider.callback()
  callback = (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push(`${request.method ?? ''} ${path}`)
    const instead = opened.instead(path)
    if (instead !== undefined) {
      const headers = { 'content-type': 'application/json', ...instead.headers }
      response.writeHead(instead.status, headers).end(instead.body)
    } else if (path.startsWith('/interaction/')) {
      const accountId = opened.atKeyboard
      void (provider as unknown as Finishing).interactionFinished(
        request,
        response,
        people.has(accountId) ? { login: { accountId } } : { error: 'access_denied' },
      )
    } else listener(request, response)
  }
  return opened
}
