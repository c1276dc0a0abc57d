/**
 * The touch of a passkey that an act other than an approval asks for, over HTTP: the challenge is handed out for the
 * password, in a browser, and used up by the act, whatever becomes of it.
 */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { listPasskeys, openRegistration, takeRegistration } from '../../approval/passkey.ts'
import {
  hasPasskey,
  presenceDigest,
  presenceNeeded,
  verifyPresence,
  type Presence,
  type PresenceAct,
  type PresenceOf,
} from '../../approval/presence.ts'
import { useProof, type ProofUse } from '../../approval/proof.ts'
import { touchOptions } from '../../approval/ceremony.ts'
import type { Assertion } from '../../approval/webauthn.ts'
import { Problem } from '../../problem.ts'
import { refusedProof } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Name, Password, Role, State } from '../schemas.ts'
import { commit } from './change.ts'

export const TouchOptions = Type.Object(
  {},
  {
    additionalProperties: true,
    description: 'PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3).',
  },
)

/** Roles of an operator, their state, or who they are to be at the identity provider, as a touch is bound to them. */
const Change = closed({
  roles: Type.Optional(Type.Array(Role, { minItems: 1, maxItems: 3, uniqueItems: true })),
  state: Type.Optional(State),
  person: Type.Optional(
    closed({
      issuer: Type.String({ minLength: 1, maxLength: 1_024 }),
      subject: Type.String({ minLength: 1, maxLength: 255 }),
    }),
  ),
})
type Changes = {
  readonly [K in keyof Static<typeof Change>]?: Static<typeof Change>[K] | undefined
}

/** The same whichever order the roles come in; undefined where nothing is said. */
export function changeOf({ roles, state, person }: Changes) {
  if (roles === undefined && state === undefined && person === undefined) return undefined
  return {
    ...(roles === undefined ? {} : { roles: [...roles].sort() }),
    ...(state === undefined ? {} : { state }),
    ...(person === undefined ? {} : { person }),
  }
}

function missing(whose: 'self' | 'others'): Problem {
  return new Problem(
    'forbidden',
    whose === 'self'
      ? 'this needs a touch of a passkey that you have: prepare it in a browser, at /v1/passkeys/touch-options'
      : 'an admin whom this concerns has a passkey, so it needs an admin’s touch: do it as an admin who has one',
  )
}

/** What an authenticator is asked for these random bytes; undefined where the operator has no passkey. */
export async function touchFor(deps: Deps, presence: Presence, challenge: Uint8Array) {
  const passkeys = await listPasskeys(deps.db, presence.operatorId)
  if (passkeys.length === 0) return undefined
  const { publicUrl } = deps
  const digest = presenceDigest(presence, challenge)
  return { ...(await touchOptions({ challenge: digest, passkeys, publicUrl })) }
}

/**
 * Throws a `Problem` where a touch is needed and there is none, or it is not good. What is returned goes to `usePresence`
 * in the transaction of the act.
 */
export async function requirePresence(
  deps: Deps,
  request: FastifyRequest,
  asked: {
    readonly act: PresenceAct
    readonly subject: string
    readonly change?: Presence['change']
    readonly of: PresenceOf
    readonly assertion: Assertion | undefined
    /** Where the act has taken its challenge already. */
    readonly challenge?: Buffer
  },
): Promise<ProofUse | undefined> {
  const { act, subject, change, assertion } = asked
  const operatorId = operatorOf(request).id
  const whose = await presenceNeeded(deps.db, operatorId, asked.of)
  if (whose === undefined) return undefined
  if (assertion === undefined) throw missing(whose)
  requireBrowser(request)
  const challenge = asked.challenge ?? (await takeRegistration(deps.db, operatorId, deps.now()))
  if (challenge === undefined)
    throw new Problem('conflict', 'no touch was prepared, or it took longer than five minutes')
  const { publicUrl } = deps
  const input = { act, subject, change, operatorId, challenge, assertion, publicUrl }
  const verified = await verifyPresence(deps.db, input)
  if (!verified.ok) throw await refusedProof(deps, request, verified, subject)
  return verified.use
}

/** The first statement of the act's transaction: a passkey that came, or was used, in between is noticed here. */
export async function usePresence(
  tx: Parameters<typeof useProof>[0],
  deps: Deps,
  request: FastifyRequest,
  use: ProofUse | undefined,
  of: PresenceOf,
): Promise<void> {
  if (use === undefined) {
    const whose = await presenceNeeded(tx, operatorOf(request).id, of)
    if (whose !== undefined) throw missing(whose)
    return
  }
  if ((await useProof(tx, use, deps.now())) !== undefined)
    throw new Problem('forbidden', 'the passkey was used or removed a moment ago: touch it again')
}

export function presenceRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/passkeys/touch-options',
    {
      config: { action: 'passkey.prepare_touch' },
      schema: {
        operationId: 'prepareTouch',
        summary:
          'What one’s passkey is asked to sign before it counts for an act; once, for five minutes',
        description:
          'For `POST /v1/passkeys` this comes with its own options; for a decision see `prepareDecision`.',
        body: closed({
          act: Type.Union([
            Type.Literal('passkey.remove'),
            Type.Literal('passkey.allow'),
            Type.Literal('break_glass.confirm'),
            Type.Literal('one_time_code.enrol'),
            Type.Literal('operator.create'),
            Type.Literal('operator.update'),
            Type.Literal('operator.reset'),
            Type.Literal('operator.tie'),
          ]),
          subject: Type.String({
            ...Name,
            description:
              'The id of the passkey, of the operator, or of the break-glass; for operator.create the name.',
          }),
          change: Type.Optional(Change),
          password: Password,
        }),
        response: answers(200, closed({ options: TouchOptions })),
      },
    },
    async (request) => {
      requireBrowser(request)
      await requirePassword(deps, request, request.body.password)
      const { act, subject } = request.body
      const change = changeOf(request.body.change ?? {})
      const operatorId = operatorOf(request).id
      if (!(await hasPasskey(deps.db, operatorId)))
        throw new Problem('conflict', 'you have no passkey')
      const challenge = await commit(deps, request, async (tx) => ({
        value: await openRegistration(tx, operatorId, deps.now()),
        subject,
        change: { act, ...change },
      }))
      const options = await touchFor(deps, { act, subject, change, operatorId }, challenge)
      if (options === undefined) throw new Problem('conflict', 'you have no passkey')
      return { options }
    },
  )
}
