/**
 * Google's token endpoint and IAM Credentials, as strict as they are about a service account: its assertion is signed by its
 * key, for an hour at most and for the token endpoint alone, and it impersonates only whom it may.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { startJsonStandIn, type StandIn, type StandInRequest } from './json-stand-in.ts'

export type GoogleWorld = {
  readonly clientEmail: string
  /** PEM. */
  readonly privateKey: string
  /** Whom it may impersonate. */
  readonly targets: readonly string[]
}

export type Impersonated = {
  readonly target: string
  readonly scope: readonly string[]
  readonly lifetime: string
  readonly delegates?: readonly string[]
}

export type GoogleStandIn = StandIn & {
  readonly assertions: Record<string, unknown>[]
  /** By token. */
  readonly impersonated: Map<string, Impersonated>
}

type Answered = { readonly status: number; readonly json: unknown }

export async function startGoogleStandIn(world: GoogleWorld): Promise<GoogleStandIn> {
  const key = createPublicKey(world.privateKey)
  const assertions: Record<string, unknown>[] = []
  const bearers = new Set<string>()
  const impersonated = new Map<string, Impersonated>()

  function token({ body }: StandInRequest): Answered {
    const form = new URLSearchParams(body)
    const refused = (text: string): Answered => ({
      status: 400,
      json: { error: 'invalid_grant', error_description: text },
    })
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      return { status: 400, json: { error: 'unsupported_grant_type' } }
    const [header = '', payload = '', signature = ''] = (form.get('assertion') ?? '').split('.')
    if (
      !verify(
        'sha256',
        Buffer.from(`${header}.${payload}`),
        key,
        Buffer.from(signature, 'base64url'),
      )
    )
      return refused('Invalid JWT Signature.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<
      string,
      unknown
    >
    const { iss, aud, iat, exp, scope } = claims
    if (iss !== world.clientEmail) return refused('Invalid grant: account not found')
    if (aud !== 'https://oauth2.googleapis.com/token') return refused('Invalid JWT: wrong audience')
    if (typeof iat !== 'number' || typeof exp !== 'number' || exp - iat > 3600)
      return refused('Invalid JWT: token must be a short-lived token')
    if (scope !== 'https://www.googleapis.com/auth/iam')
      return { status: 400, json: { error: 'invalid_scope' } }
    assertions.push(claims)
    const bearer = `ya29.${randomBytes(30).toString('base64url')}`
    bearers.add(bearer)
    return { status: 200, json: { access_token: bearer, expires_in: 3599, token_type: 'Bearer' } }
  }

  const server = await startJsonStandIn((request) => {
    if (request.target === '/token') return token(request)
    const [, target] =
      /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(request.target) ??
      []
    if (target === undefined) return { status: 404, json: { error: { status: 'NOT_FOUND' } } }
    const bearer = String(request.headers['authorization']).replace('Bearer ', '')
    if (!bearers.has(bearer) || !world.targets.includes(target))
      return {
        status: 403,
        json: {
          error: {
            code: 403,
            status: 'PERMISSION_DENIED',
            message: `Permission 'iam.serviceAccounts.getAccessToken' denied on resource (${bearer})`,
          },
        },
      }
    const asked = JSON.parse(request.body) as Omit<Impersonated, 'target'>
    const seconds = Number(/^(\d+)s$/.exec(asked.lifetime)?.[1])
    if (!(seconds > 0 && seconds <= 3600) || asked.scope.length === 0)
      return {
        status: 400,
        json: { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'lifetime' } },
      }
    const minted = `ya29.c.${randomBytes(40).toString('base64url')}`
    impersonated.set(minted, { target, ...asked })
    const expireTime = new Date(Date.now() + seconds * 1000).toISOString()
    return { status: 200, json: { accessToken: minted, expireTime } }
  })
  return { ...server, assertions, impersonated }
}
