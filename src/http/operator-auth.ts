/**
 * Operators' sign-ins: a bearer of fifteen minutes for the CLI, a `__Host-` cookie for browsers. Signed by @fastify/jwt
 * with a key, an issuer and an audience of their own, so that no capability passes for a sign-in and no sign-in for a
 * capability. Roles are read from the database at each request: a demoted operator is demoted now. Of who signs in at an
 * identity provider that is asked again every few minutes (identity/standing.ts).
 */
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { AdminEntry } from '../audit/entry.ts'
import type { Role } from '../db/types.ts'
import { signInRecord, type SignInRecord } from '../directory/operator.ts'
import { readSignInById, takeCode, type SignIn } from '../directory/sign-in.ts'
import { isId } from '../ids.ts'
import { Problem } from '../problem.ts'
import type { Deps } from './deps.ts'
import { createSignInStanding, type SignInStanding } from './identity/standing.ts'

export const bearerSeconds = 900
export const cookieSeconds = 3_600
export const cookieName = '__Host-valetkey'
/** For how long after somebody has shown the identity provider who they are, in milliseconds, their password is not missed. */
export const freshFor = 300_000

export type SignedIn = {
  readonly operator: SignInRecord
  /** A bearer may do what an admin does, but never what an approver does (I6). */
  readonly via: 'bearer' | 'cookie'
  /** What the identity provider stands behind; absent where a password did. */
  readonly signIn?: SignIn | undefined
}

type SignInToken = {
  readonly sub: string
  readonly epoch: number
  readonly via: 'bearer' | 'cookie'
  /** `si_…`: what the identity provider stands behind. */
  readonly sid?: string
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
  operator: Pick<SignInRecord, 'id' | 'epoch'>,
  via: 'bearer' | 'cookie',
  provider?: { readonly signInId: string; readonly seconds: number },
): Promise<string> {
  const seconds = provider?.seconds ?? (via === 'bearer' ? bearerSeconds : cookieSeconds)
  return reply.jwtSign(
    {
      sub: operator.id,
      epoch: operator.epoch,
      via,
      ...(provider === undefined ? {} : { sid: provider.signInId }),
    },
    { sign: { expiresIn: `${String(seconds)}s` } },
  )
}

/** Not sent along by another site's page, nor read by any script. */
export function setSignInCookie(reply: FastifyReply, token: string, seconds: number): void {
  void reply.setCookie(cookieName, token, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    maxAge: seconds,
  })
}

/** The authentication hook of the operators' realm. */
export function authenticateOperator(deps: Deps) {
  const provider = createSignInStanding(deps)
  return async (request: FastifyRequest): Promise<void> => {
    const signedIn = await readSignIn(deps, provider, request)
    request.signedIn = signedIn
    const { roles } = request.routeOptions.config
    if (roles !== undefined && !roles.some((role) => signedIn.operator.roles.includes(role))) {
      throw new Problem('forbidden', `this needs the role ${roles.join(' or ')}`)
    }
  }
}

async function readSignIn(
  deps: Deps,
  provider: SignInStanding,
  request: FastifyRequest,
): Promise<SignedIn> {
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
  // Who is tied to the provider has no other way in, and nobody else has this one.
  if ((operator.identity !== undefined) !== (token.sid !== undefined)) throw required
  if (token.sid === undefined) {
    // They may have been switched off since.
    if (!passwordGood(deps, operator)) throw required
    return { operator, via }
  }
  const signIn = isId('signIn', token.sid) ? await readSignInById(deps.db, token.sid) : undefined
  if (signIn === undefined || signIn.operatorId !== operator.id) throw required
  switch (await provider.standing(signIn, operator, request.id)) {
    case 'over':
      throw required
    case 'unavailable':
      throw new Problem(
        'unavailable',
        'the identity provider does not answer, and has not confirmed this sign-in for fifteen minutes',
      )
    case 'stands':
  }
  // It may just have said something else about their groups.
  const now = await signInRecord(deps.db, { id: operator.id })
  if (now === undefined || now.epoch !== token.epoch) throw required
  return { operator: now, via, signIn }
}

/** Switched off, passwords are good only of whom the keeper has just made or recovered: they hold the key-encryption key. */
export function passwordGood(
  deps: Pick<Deps, 'localPasswords' | 'now'>,
  operator: Pick<SignInRecord, 'passwordUntil'> | undefined,
): boolean {
  return deps.localPasswords || (operator?.passwordUntil?.getTime() ?? 0) > deps.now()
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

/**
 * Minting, storing, weakening and unfreezing ask for the password again: a stolen sign-in is not enough. Who signs in at
 * the identity provider has none: in a browser they have shown it who they are within the last five minutes, for this
 * very sign-in; with a bearer, which lies in a file, they show it for this one request, and give the proof as `password`.
 */
export async function requirePassword(
  deps: Deps,
  request: FastifyRequest,
  password: string | undefined,
): Promise<void> {
  const operator = operatorOf(request)
  if (operator.identity !== undefined) return requireFreshSignIn(deps, request, password)
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

async function requireFreshSignIn(
  deps: Deps,
  request: FastifyRequest,
  proof: string | undefined,
): Promise<void> {
  const { operator, via, signIn } = request.signedIn ?? {}
  const now = deps.now()
  if (via === 'cookie') {
    const provedAt = signIn?.provedAt
    if (provedAt !== undefined && now - provedAt < freshFor) return
    throw new Problem(
      'fresh_sign_in_required',
      'this needs a fresh sign-in at your identity provider: at /sign-in/identity-provider?fresh=yes',
    )
  }
  const [, verifier, code] = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9-]{10,11})$/.exec(proof ?? '') ?? []
  const taken =
    verifier === undefined || code === undefined
      ? undefined
      : await takeCode(deps.db, { verifier, code, purpose: 'act', now })
  const shown = taken === undefined ? undefined : await readSignInById(deps.db, taken)
  if (shown !== undefined && shown.operatorId === operator?.id && shown.endsAt > now) return
  throw new Problem('fresh_sign_in_required', {
    detail: 'this needs a fresh sign-in at your identity provider, for this one request',
    errors: [{ pointer: '/password', detail: 'is no proof of one' }],
  })
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
