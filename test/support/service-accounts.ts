/** TokenRequest, as strict as an API server is about it, and what the tokens may then do. */
import { randomBytes } from 'node:crypto'

/** By `<namespace>/<name>`. */
export type AccountRoles = Readonly<Record<string, 'view' | 'edit'>>

export type AccountToken = {
  readonly token: string
  readonly namespace: string
  readonly name: string
  readonly expiresAt: number
  readonly audiences: readonly string[]
}

export type ServiceAccounts = {
  readonly tokens: Map<string, AccountToken>
  /** The status that a request by such a token is answered with; 200 where it may go on. */
  codeFor(bearer: string, method: string, path: string): 200 | 401 | 403
  /** Undefined where it is no TokenRequest. */
  request(method: string, path: string, body: string): Made | undefined
}

type Made =
  | { readonly code: 201; readonly json: unknown }
  | { readonly code: 404 | 422; readonly reason: string; readonly message: string }

export const clusterAudience = 'https://kubernetes.default.svc.cluster.local'

export function jwtOf(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signature = randomBytes(64).toString('base64url')
  return `${part({ alg: 'RS256', kid: 'stand-in' })}.${part(claims)}.${signature}`
}

export function serviceAccounts(roles: AccountRoles): ServiceAccounts {
  const tokens = new Map<string, AccountToken>()
  return {
    tokens,
    codeFor(bearer, method, path) {
      const token = tokens.get(bearer)
      if (token === undefined || token.expiresAt <= Date.now()) return 401
      if (!token.audiences.includes(clusterAudience)) return 401
      const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1]
      if (namespace === undefined) return 200
      const role = roles[`${token.namespace}/${token.name}`]
      const may = namespace === token.namespace && (method === 'GET' || role === 'edit')
      return may && !path.endsWith('/token') ? 200 : 403
    },
    request(method, path, body) {
      const [, namespace, name] =
        /^\/api\/v1\/namespaces\/([^/]+)\/serviceaccounts\/([^/]+)\/token$/.exec(path) ?? []
      if (method !== 'POST' || namespace === undefined || name === undefined) return undefined
      if (!Object.hasOwn(roles, `${namespace}/${name}`))
        return {
          code: 404,
          reason: 'NotFound',
          message: `serviceaccounts "${name}" not found`,
        }
      const { kind, apiVersion, spec } = JSON.parse(body) as {
        readonly kind: string
        readonly apiVersion: string
        readonly spec: { readonly audiences?: string[]; readonly expirationSeconds?: number }
      }
      const seconds = spec.expirationSeconds ?? 3_600
      if (kind !== 'TokenRequest' || apiVersion !== 'authentication.k8s.io/v1' || seconds < 600)
        return {
          code: 422,
          reason: 'Invalid',
          message:
            'spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes',
        }
      const issued = Math.floor(Date.now() / 1000)
      const audiences = spec.audiences ?? [clusterAudience]
      const token = jwtOf({
        aud: audiences,
        exp: issued + seconds,
        iat: issued,
        iss: clusterAudience,
        sub: `system:serviceaccount:${namespace}:${name}`,
        'kubernetes.io': { namespace, serviceaccount: { name, uid: 'u' } },
      })
      const expiresAt = (issued + seconds) * 1000
      tokens.set(token, { token, namespace, name, expiresAt, audiences })
      const expirationTimestamp = new Date(expiresAt).toISOString().replace('.000', '')
      const status = { token, expirationTimestamp }
      return { code: 201, json: { kind, apiVersion, metadata: { name, namespace }, spec, status } }
    },
  }
}
