/**
 * Passkeys over REST: how an operator comes by the means to decide, and loses it. What gives such a means needs a
 * browser's sign-in and the password again; a bearer, which lies in a file where an agent may read it, gives none. Nor do
 * password and cookie alone: the first passkey needs another admin's permit (passkey-permit.ts), and whoever has one
 * adds and removes only with a touch of it. What an admin removes of others needs a touch as soon as admins have passkeys.
 */
import Type from 'typebox'
import {
  addPasskey,
  lockOperator,
  countApproversWithPasskey,
  listPasskeys,
  openRegistration,
  readPasskey,
  removePasskey,
  takeRegistration,
  type Passkey,
} from '../../approval/passkey.ts'
import { fingerprintOf } from '../../approval/cose-key.ts'
import { removeWaitingCode } from '../../approval/one-time-code.ts'
import { isPermitted, takePermit } from '../../approval/passkey-permit.ts'
import { passkeyObstacle, registrationOptions } from '../../approval/ceremony.ts'
import { verifyRegistration } from '../../approval/webauthn.ts'
import { appendWithin } from '../../audit/log.ts'
import type { OperatorId, PasskeyId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { AssertionBody, RegistrationBody, refusedProof } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { adminEntry, operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, id, idParams, Name, Password, Timestamp } from '../schemas.ts'
import { commit } from './change.ts'
import { requirePresence, touchFor, TouchOptions, usePresence } from './presence.ts'

const PasskeyView = closed({
  id: id('passkey'),
  operator: id('operator'),
  name: Name,
  algorithm: Type.Union([Type.Literal('EdDSA'), Type.Literal('ES256'), Type.Literal('RS256')]),
  fingerprint: Type.String({ description: 'SHA-256 of the public key (COSE), in hex.' }),
  synced: Type.Boolean({ description: 'Whether it can be on several devices.' }),
  created_at: Timestamp,
  last_used_at: Type.Union([Timestamp, Type.Null()]),
})

function view(passkey: Passkey) {
  return {
    id: passkey.id,
    operator: passkey.operatorId,
    name: passkey.name,
    algorithm: passkey.algorithm,
    fingerprint: passkey.fingerprint,
    synced: passkey.synced,
    created_at: passkey.createdAt.toISOString(),
    last_used_at: passkey.lastUsedAt?.toISOString() ?? null,
  }
}

/** The touch of a passkey that another is added with. */
function registering(operatorId: OperatorId) {
  return { act: 'passkey.register', subject: operatorId, operatorId } as const
}

function notPermitted(): Problem {
  return new Problem(
    'forbidden',
    'a first passkey needs another admin’s permit, good for a day: POST /v1/operators/…/allow-passkey',
  )
}

export function passkeyRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/passkeys/options',
    {
      config: { action: 'passkey.prepare' },
      schema: {
        operationId: 'preparePasskey',
        summary: 'Begin to register a passkey, in a browser; good for five minutes',
        description:
          'With `touch` where the operator has a passkey already: one of those must sign it, and its answer goes along.',
        body: closed({ password: Password }),
        response: answers(
          200,
          closed({
            options: Type.Object(
              {},
              {
                additionalProperties: true,
                description: 'PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3).',
              },
            ),
            touch: Type.Optional(TouchOptions),
          }),
        ),
      },
    },
    async (request) => {
      requireBrowser(request)
      await requirePassword(deps, request, request.body.password)
      const obstacle = passkeyObstacle(deps.publicUrl)
      if (obstacle !== undefined) throw new Problem('conflict', obstacle)
      const operator = operatorOf(request)
      const passkeys = await listPasskeys(deps.db, operator.id)
      if (passkeys.length === 0 && !(await isPermitted(deps.db, operator.id, deps.now())))
        throw notPermitted()
      const challenge = await commit(deps, request, async (tx) => ({
        value: await openRegistration(tx, operator.id, deps.now()),
        subject: operator.id,
      }))
      const { publicUrl } = deps
      const touch = await touchFor(deps, registering(operator.id), challenge)
      return {
        options: { ...(await registrationOptions({ operator, passkeys, challenge, publicUrl })) },
        ...(touch === undefined ? {} : { touch }),
      }
    },
  )

  app.post(
    '/v1/passkeys',
    {
      config: { action: 'passkey.register' },
      schema: {
        operationId: 'registerPasskey',
        summary: 'Register the passkey that a browser made with the options',
        description:
          'The password was given for the options, which work once. `assertion` answers their `touch`.',
        body: closed({
          name: Name,
          registration: RegistrationBody,
          assertion: Type.Optional(AssertionBody),
        }),
        response: answers(201, PasskeyView),
      },
    },
    async (request, reply) => {
      requireBrowser(request)
      const { name, registration, assertion } = request.body
      const operatorId = operatorOf(request).id
      // Used up before it is looked at: whatever is wrong, the next attempt starts with the password again.
      const challenge = await takeRegistration(deps.db, operatorId, deps.now())
      if (challenge === undefined)
        throw new Problem(
          'conflict',
          'no registration is open, or it took longer than five minutes',
        )
      const presence = { ...registering(operatorId), of: 'self', assertion, challenge } as const
      const use = await requirePresence(deps, request, presence)
      const { publicUrl } = deps
      const result = await verifyRegistration({ registration, challenge, publicUrl })
      if (!result.ok) {
        const { refusal } = result
        if (refusal !== 'attested') throw await refusedProof(deps, request, { refusal })
        throw new Problem(
          'forbidden',
          'the passkey came with a certificate, which was not asked for',
        )
      }
      const { passkey } = result
      const passkeyId = await commit(deps, request, async (tx) => {
        // Locks the operator: of two first passkeys, the second is not a first one.
        await lockOperator(tx, operatorId)
        await usePresence(tx, deps, request, use, 'self')
        if (use === undefined && !(await takePermit(tx, operatorId, deps.now())))
          throw notPermitted()
        const added = await addPasskey(tx, { ...passkey, operatorId, name }, deps.now())
        if (added === 'taken') throw new Problem('conflict', 'this passkey is registered already')
        if (added === 'too_many')
          throw new Problem('conflict', 'you have too many passkeys: remove one first')
        // Whoever made one with the password alone would put it into force in the shadow of this passkey.
        await removeWaitingCode(tx, operatorId)
        const { algorithm, synced } = passkey
        const fingerprint = fingerprintOf(passkey.publicKey)
        const change = { operator: operatorId, name, algorithm, synced, fingerprint }
        return { value: added, subject: added, change }
      })
      const added = await readPasskey(deps.db, passkeyId)
      if (added === undefined) throw new Problem('conflict', 'the passkey was removed a moment ago')
      void reply.code(201)
      return view(added)
    },
  )

  app.get(
    '/v1/passkeys',
    {
      config: { action: 'passkey.list' },
      schema: {
        operationId: 'listPasskeys',
        summary: 'List one’s own passkeys, or those of an operator',
        querystring: closed({ operator: Type.Optional(id('operator')) }),
        response: answers(200, closed({ items: Type.Array(PasskeyView) })),
      },
    },
    async (request) => {
      const self = operatorOf(request)
      const operatorId = (request.query.operator ?? self.id) as OperatorId
      const mayLook = self.roles.includes('admin') || self.roles.includes('auditor')
      if (operatorId !== self.id && !mayLook)
        throw new Problem('forbidden', 'to see those of others needs the role admin or auditor')
      return { items: (await listPasskeys(deps.db, operatorId)).map(view) }
    },
  )

  app.post(
    '/v1/passkeys/:id/remove',
    {
      config: { action: 'passkey.remove' },
      schema: {
        operationId: 'removePasskey',
        summary: 'Remove a passkey of one’s own, or as an admin another operator’s',
        params: idParams('passkey'),
        body: closed({ password: Password, assertion: Type.Optional(AssertionBody) }),
        response: answers(
          200,
          closed({
            approvers_left: Type.Integer({
              description: 'Active approvers who still have a passkey. At 0 nobody can approve.',
            }),
          }),
        ),
      },
    },
    async (request) => {
      const passkeyId = request.params.id as PasskeyId
      const passkey = await readPasskey(deps.db, passkeyId)
      const gone = new Problem('not_found', 'there is no passkey of this id')
      // To who may not remove it, it is not there either.
      const self = operatorOf(request)
      if (
        passkey === undefined ||
        (passkey.operatorId !== self.id && !self.roles.includes('admin'))
      )
        throw gone
      const { password, assertion } = request.body
      await requirePassword(deps, request, password)
      const of = passkey.operatorId === self.id ? 'self' : 'admins'
      const presence = { act: 'passkey.remove', subject: passkeyId, of, assertion } as const
      const use = await requirePresence(deps, request, presence)
      const left = await commit(deps, request, async (tx) => {
        await usePresence(tx, deps, request, use, of)
        const removed = await removePasskey(tx, passkeyId)
        if (removed === undefined) throw gone
        const approversLeft = await countApproversWithPasskey(tx)
        if (approversLeft === 0)
          await appendWithin(tx, {
            ...adminEntry(deps, request, { result: 'done', subject: passkeyId }),
            action: 'approval.nobody_left',
            reason: 'no active approver has a passkey any more: nobody can approve with one',
          })
        const { operatorId: operator, name, fingerprint } = removed
        const change = { operator, name, fingerprint, approvers_left: approversLeft }
        return { value: approversLeft, subject: passkeyId, change }
      })
      return { approvers_left: left }
    },
  )
}
