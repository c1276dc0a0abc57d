/**
 * Operators' sign-ins: a bearer of fifteen minutes for the CLI, a `__Host-` cookie for browsers. Signed by @fastify/jwt
 * with a key, an issuer and an audience of their own, so that no capability passes for a sign-in and no sign-in for a
 * capability. Roles are read from the database at each request: a demoted operator is demoted now.
 */
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminEntry } from '../audit/entry.ts'
import type { Role } from '../db/types.ts'
import { signInRecord, type SignInRecord } from '../directory/operator.ts'
import { isId } from '../ids.ts'
import { Problem } from '../problem.ts'
import type { Deps } from './deps.ts'

export const bearerSeconds = 900
export const cookieSeconds = 3_600
export const cookieName = '__Host-valetkey'

export type SignedIn = {
  readonly operator: SignInRecord
  /** A bearer may do what an admin does, but never what an approver does (I6). */
  readonly via: 'bearer' | 'cookie'
}

type SignInToken = {
  readonly sub: string
  readonly epoch: number
  readonly via: 'bearer' | 'cookie'
}

declare module 'fastify' {
  interface FastifyRequest {
    signedIn: SignedIn | undefined
  }
  interface FastifyContextConfig {
    /** The name of what the route does, for the audit log: `grant.create`. */
    action?: string
    /** Who may: any one of these roles. Absent: whoever is signed in. */
    roles?: readonly Role[]
  }
}
declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: SignInToken
    user: SignInToken
  }
}

/** Set on the realm of operators alone: its hook is the only door to what is registered inside. */
export const operatorAuth = fp(async (app: FastifyInstance, { deps }: { deps: Deps }) => {
  const issuer = `${deps.publicUrl}/operators`
  await app.register(cookie)
  await app.register(jwt, {
    secret: () => {
      const keyring = deps.keyring()
      if (keyring === undefined)
        return Promise.reject(new Problem('sealed', 'the broker is sealed'))
      return Promise.resolve(keyring.operatorSecret)
    },
    sign: { algorithm: 'HS256', iss: issuer, aud: issuer },
    verify: { algorithms: ['HS256'], allowedIss: issuer, allowedAud: issuer },
    cookie: { cookieName, signed: false },
  })
  app.decorateRequest('signedIn', undefined)
})

export async function signInToken(
  reply: FastifyReply,
  operator: SignInRecord,
  via: 'bearer' | 'cookie',
): Promise<string> {
  return reply.jwtSign(
    { sub: operator.id, epoch: operator.epoch, via },
    { sign: { expiresIn: `${String(via === 'bearer' ? bearerSeconds : cookieSeconds)}s` } },
  )
}

/** The authentication hook of the operators' realm. */
export function authenticateOperator(deps: Deps) {
  return async (request: FastifyRequest): Promise<void> => {
    const signedIn = await readSignIn(deps, request)
    request.signedIn = signedIn
    const { roles } = request.routeOptions.config
    if (roles !== undefined && !roles.some((role) => signedIn.operator.roles.includes(role))) {
      throw new Problem('forbidden', `this needs the role ${roles.join(' or ')}`)
    }
  }
}

async function readSignIn(deps: Deps, request: FastifyRequest): Promise<SignedIn> {
  const required = new Problem(
    'sign_in_required',
    'sign in at /v1/sign-in, or run "valetkey login"',
  )
  const authorization = request.headers.authorization
  const cookies = request.cookies[cookieName]
  if (authorization !== undefined && cookies !== undefined) {
    throw new Problem(
      'invalid_request',
      'a bearer and a cookie in one request: which operator it is cannot be told',
    )
  }
  if (authorization === undefined && cookies === undefined) throw required
  const via = authorization === undefined ? 'cookie' : 'bearer'
  let token: SignInToken
  try {
    token = await request.jwtVerify<SignInToken>(via === 'cookie' ? { onlyCookie: true } : {})
  } catch (error) {
    if (error instanceof Problem) throw error
    throw required
  }
  // A cookie's token in a header, or the other way round, would get around the check of its origin.
  if (token.via !== via || !isId('operator', token.sub)) throw required
  if (via === 'cookie') checkOrigin(deps, request)
  const operator = await signInRecord(deps.db, { id: token.sub })
  if (operator === undefined || operator.state !== 'active' || operator.epoch !== token.epoch)
    throw required
  return { operator, via }
}

/** CSRF: whatever changes something, and comes with a cookie, must come from a page of our own origin. */
export function checkOrigin(deps: Pick<Deps, 'publicUrl'>, request: FastifyRequest): void {
  if (request.method === 'GET' || request.method === 'HEAD') return
  if (request.headers.origin !== deps.publicUrl) {
    throw new Problem('forbidden', 'this request did not come from a page of this broker')
  }
}

export function operatorOf(request: FastifyRequest): SignInRecord {
  if (request.signedIn === undefined)
    throw new Problem('sign_in_required', 'sign in at /v1/sign-in')
  return request.signedIn.operator
}

/** I6: no bearer stored by a CLI reaches what an approver acts with. */
export function requireBrowser(request: FastifyRequest): void {
  if (request.signedIn?.via !== 'cookie')
    throw new Problem('forbidden', 'this needs a sign-in in a browser: a bearer cannot do it')
}

/** Minting, storing, weakening and unfreezing ask for the password again: a stolen sign-in is not enough. */
export async function requirePassword(
  deps: Deps,
  request: FastifyRequest,
  password: string | undefined,
): Promise<void> {
  const operator = operatorOf(request)
  if (password === undefined) {
    throw new Problem('password_required', {
      detail: 'this needs your password again, as the member "password"',
      errors: [{ pointer: '/password', detail: 'is missing' }],
    })
  }
  if (
    !(await deps.passwords.verify(`signed in as ${operator.id}`, operator.passwordHash, password))
  ) {
    throw new Problem('password_required', {
      detail: 'that is not your password',
      errors: [{ pointer: '/password', detail: 'is wrong' }],
    })
  }
}

/** The start of an audit entry about what an operator does. */
export function adminEntry(
  deps: Deps,
  request: FastifyRequest,
  entry: Pick<AdminEntry, 'result' | 'reason' | 'subject' | 'change' | 'environment'>,
): AdminEntry {
  const operator = operatorOf(request)
  return {
    kind: 'admin',
    at: deps.now(),
    correlationId: request.id,
    actor: { kind: 'operator', id: operator.id, name: operator.name },
    action:
      request.routeOptions.config.action ?? `${request.method} ${request.routeOptions.url ?? ''}`,
    ...entry,
  }
}
