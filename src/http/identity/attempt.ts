/**
 * One attempt to sign in, between the browser's leaving for the identity provider and its coming back: kept in a cookie of
 * that very browser, sealed. Guarantees, against whoever sends somebody else's browser to the callback (login CSRF) or
 * sends the same answer twice: without this cookie an answer is nothing; the cookie is good for ten minutes, and its
 * state once, on all replicas.
 */
import { hkdfSync, randomBytes } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { FastifyReply } from 'fastify'
import type { CodePurpose } from '../../directory/sign-in.ts'
import type { Attempt } from '../../federation/identity-provider.ts'
import { isId } from '../../ids.ts'
import type { Deps } from '../deps.ts'

/** `Lax`, as it must come along when the provider sends the browser back; it gives nothing but the end of this attempt. */
export const attemptCookie = '__Host-valetkey-attempt'
export const attemptSeconds = 600

export type KeptAttempt = Attempt & {
  /** The page to go on to. */
  readonly next: string
  /** Where it is for a CLI: the SHA-256 of what that keeps to itself, in base64url, and what its code is to be good for. */
  readonly cli: { readonly challenge: string; readonly purpose: CodePurpose } | undefined
}

const random = (): string => randomBytes(32).toString('base64url')

export function newAttempt(asked: Pick<KeptAttempt, 'fresh' | 'next' | 'cli'>): KeptAttempt {
  return { ...asked, state: random(), nonce: random(), verifier: random() }
}

/** RFC 5869: under a name of its own, so that nothing that is sealed here passes for a sign-in, nor the other way round. */
function keyOf(deps: Pick<Deps, 'keyring'>): Buffer | undefined {
  const secret = deps.keyring()?.operatorSecret
  if (secret === undefined) return undefined
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'valetkey sign-in attempt', 32))
}

export async function keepAttempt(
  deps: Pick<Deps, 'keyring' | 'now'>,
  reply: FastifyReply,
  attempt: KeptAttempt,
): Promise<void> {
  const key = keyOf(deps)
  if (key === undefined) throw new Error('there is no key to seal an attempt with')
  const at = Math.floor(deps.now() / 1000)
  const sealed = await new EncryptJWT({ attempt })
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
    .setExpirationTime(at + attemptSeconds)
    .encrypt(key)
  void reply.setCookie(attemptCookie, sealed, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
    maxAge: attemptSeconds,
  })
}

export function forgetAttempt(reply: FastifyReply): void {
  void reply.clearCookie(attemptCookie, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
  })
}

/** The attempt that this browser is in; undefined where it is in none, or took longer than ten minutes. */
export async function attemptIn(
  deps: Pick<Deps, 'keyring' | 'now'>,
  cookie: string | undefined,
): Promise<KeptAttempt | undefined> {
  const key = keyOf(deps)
  if (key === undefined || cookie === undefined || cookie.length > 4_096) return undefined
  try {
    const { payload } = await jwtDecrypt(cookie, key, {
      currentDate: new Date(deps.now()),
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
      requiredClaims: ['exp', 'attempt'],
    })
    return payload['attempt'] as KeptAttempt
  } catch {
    return undefined
  }
}

/** The pages that a sign-in may go on to: ours, by name, and an id of the right shape. Anything else is the first page. */
export function pageNamed(asked: string | undefined): string {
  const [, page = '', id] = /^\/([a-z-]{1,30})(?:\/([a-z0-9_]{1,60}))?$/.exec(asked ?? '') ?? []
  if (id === undefined)
    return ['approvals', 'break-glass', 'operators', 'passkeys'].includes(page)
      ? `/${page}`
      : '/approvals'
  const known =
    (page === 'approvals' && isId('approval', id)) ||
    (page === 'access-requests' && isId('accessRequest', id))
  return known ? `/${page}/${id}` : '/approvals'
}
