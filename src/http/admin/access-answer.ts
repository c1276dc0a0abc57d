/**
 * The answers to requests for access. What is granted is a normal grant with an end: never more than was asked, than the
 * limits of the grant it was asked under, or than whoever grants it may give; and never by whoever asked.
 *
 * Guarantees, against whoever holds an approver's password, cookie and bearer, but not their authenticator: access is
 * given only with a passkey's signature over exactly what is given (core/access-document.ts), over a challenge that works
 * once, for five minutes; or, where an admin allows it and the environment is not protected, with a one-time code. Either
 * is kept with the answer as evidence.
 */
import Type from 'typebox'
import { randomBytes } from 'node:crypto'
import { listPasskeys, openRegistration, takeChallenge } from '../../approval/passkey.ts'
import { useProof, verifyDecision } from '../../approval/proof.ts'
import { assertionOptions, ceremonyTime } from '../../approval/ceremony.ts'
import { mostVerbs } from '../../capability/claims.ts'
import { longestAccess, shortestAccess, startingLimits } from '../../core/access-request.ts'
import { decisionDigest } from '../../core/decision.ts'
import { canonicalize, type Canonical } from '../../core/canonical.ts'
import { settleAccessRequest } from '../../directory/access-request.ts'
import { createGrant } from '../../directory/grant.ts'
import type { OperatorId } from '../../ids.ts'
import { Problem } from '../../problem.ts'
import { accessUrl } from '../access-request.ts'
import {
  proofChange,
  proofMembers,
  proofOf,
  proofProblem,
  refusedProof,
} from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf, requireBrowser, requirePassword } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, Empty, idParams, Password, Verb } from '../schemas.ts'
import { AccessRequestOne, findAccessRequest, freshPolicy, oneView } from './access-request.ts'
import { drawAccess, refusalProblem, requireSettling } from './access-settling.ts'
import { commit } from './change.ts'
import { TouchOptions } from './presence.ts'

const givers = ['admin', 'approver'] as const

/** What is chosen of what was asked, with the password again: the cookie alone prepares nothing. */
const chosenMembers = {
  verbs: Type.Optional(
    Type.Array(Verb, {
      minItems: 1,
      maxItems: mostVerbs,
      uniqueItems: true,
      description: 'All that was asked for by default; never more.',
    }),
  ),
  duration_seconds: Type.Optional(
    Type.Integer({ minimum: shortestAccess, maximum: longestAccess }),
  ),
  password: Password,
}

export function accessAnswerRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/access-requests/:id/options',
    {
      config: { action: 'access_request.prepare', roles: givers },
      schema: {
        operationId: 'prepareAccessGrant',
        summary: 'What a passkey is asked to sign: exactly this access; once, for five minutes',
        params: idParams('accessRequest'),
        body: closed(chosenMembers),
        response: answers(
          200,
          closed({
            options: TouchOptions,
            document: Type.Object(
              {},
              { additionalProperties: true, description: 'What is signed, to be read first.' },
            ),
          }),
        ),
      },
    },
    async (request) => {
      requireBrowser(request)
      const { verbs, duration_seconds: seconds, password } = request.body
      await requirePassword(deps, request, password)
      const found = await findAccessRequest(deps, request.params.id)
      const policy = await freshPolicy(deps, found.grantId)
      const { db, publicUrl } = deps
      const approverId = operatorOf(request).id
      const proof = { decision: 'grant', proof: 'passkey' } as const
      const facts = await requireSettling(deps, db, request, found, policy, proof)
      const passkeys = await listPasskeys(db, approverId)
      if (passkeys.length === 0)
        throw new Problem('conflict', 'you have no passkey: register one at /passkeys first')
      const draw = (challenge: Uint8Array) => {
        const expiresAt = new Date(facts.now + ceremonyTime)
        return drawAccess(deps, policy, found, { verbs, seconds }, facts, { challenge, expiresAt })
      }
      // Refused before a challenge that is open is made void.
      draw(new Uint8Array(32))
      const document = await commit(deps, request, async (tx) => {
        const value = draw(await openRegistration(tx, approverId, facts.now))
        return {
          value,
          subject: found.id,
          change: { verbs: verbsOf(value), seconds: value.seconds },
        }
      })
      const asked = { document, decision: 'approve', approverId, passkeys, publicUrl } as const
      return {
        options: { ...(await assertionOptions({ ...asked, now: facts.now })) },
        document: { ...document },
      }
    },
  )

  app.post(
    '/v1/access-requests/:id/grant',
    {
      config: { action: 'access_request.grant', roles: givers },
      schema: {
        operationId: 'grantAccess',
        summary: 'Grant what was asked for, or less, for a time, with a passkey',
        description:
          'With the same verbs and time as for `prepareAccessGrant`, and the answer to its options; or with a one-time code, where an admin has switched those on and the environment is not protected.',
        params: idParams('accessRequest'),
        body: closed({ ...chosenMembers, ...proofMembers }),
        response: answers(200, AccessRequestOne),
      },
    },
    async (request) => {
      requireBrowser(request)
      const { verbs, duration_seconds: seconds, password, assertion, code } = request.body
      await requirePassword(deps, request, password)
      const found = await findAccessRequest(deps, request.params.id)
      if (assertion === undefined && code === undefined)
        throw new Problem(
          'forbidden',
          `access is given with a touch of a passkey, in a browser: ${accessUrl(deps, found.id)}`,
        )
      const proof = proofOf(request.body)
      const given = { decision: 'grant', proof: proof.kind } as const
      const chosen = { verbs, seconds }
      const policy = await freshPolicy(deps, found.grantId)
      const { grant: base, environment } = policy
      const { db, codeSealer: codes, publicUrl } = deps
      // Refused before a code is used up; what counts is asked again in the transaction.
      const early = await requireSettling(deps, db, request, found, policy, given)
      const { id, name } = operatorOf(request)
      const nonce = await takeNonce(id, proof.kind, early.now)
      const document = drawAccess(deps, policy, found, chosen, early, nonce)
      const verified = await verifyDecision(
        { db, codes, publicUrl, now: early.now },
        { document, decision: 'approve', approver: { id, name }, proof },
      )
      if (!verified.ok) throw await refusedProof(deps, request, verified, found.id)
      const { evidence, use } = verified
      await commit(deps, request, async (tx) => {
        const late = await useProof(tx, use, deps.now())
        if (late !== undefined) throw proofProblem(late)
        const facts = await requireSettling(deps, tx, request, found, policy, given)
        // What takes effect is what was signed, to the last effect of a verb.
        const now = drawAccess(deps, policy, found, chosen, facts, nonce)
        if (textOf(now) !== textOf(document)) throw proofProblem('wrong_challenge')
        const until = new Date(Math.min(facts.now + document.seconds * 1000, policy.expiresAt))
        const limits = startingLimits(base)
        // Whatever else a grant has is the base's own: nothing of it can be forgotten here.
        const granted = await createGrant(
          tx,
          { ...base, ...limits, verbs: verbsOf(document), expiresAt: until, createdBy: id },
          facts.now,
        )
        const settled = await settleAccessRequest(tx, found.id, {
          by: id,
          now: facts.now,
          granted: {
            grantId: granted,
            verbs: verbsOf(document),
            until,
            evidence: evidence as unknown as Canonical,
          },
        })
        if (!settled) throw refusalProblem('not_pending')
        return {
          value: undefined,
          subject: found.id,
          environment: { id: environment.id, name: environment.name },
          change: {
            agent: found.agentId,
            under: base.id,
            grant: granted,
            verbs: verbsOf(document),
            approval: limits.approval,
            expiresAt: until.toISOString(),
            signed: decisionDigest(document, 'approve', id).toString('hex'),
            proof: proofChange(evidence),
          },
        }
      })
      return oneView(deps, await findAccessRequest(deps, found.id))
    },
  )

  /** Used up before anything is looked at: whatever is wrong, the next attempt starts with the password again. */
  async function takeNonce(operatorId: OperatorId, kind: 'passkey' | 'one_time_code', now: number) {
    if (kind === 'one_time_code')
      return { challenge: randomBytes(32), expiresAt: new Date(now + ceremonyTime) }
    const taken = await takeChallenge(deps.db, operatorId, now)
    if (taken === undefined)
      throw new Problem('conflict', 'no touch was prepared, or it took longer than five minutes')
    return taken
  }

  app.post(
    '/v1/access-requests/:id/deny',
    {
      config: { action: 'access_request.deny', roles: givers },
      schema: {
        operationId: 'denyAccess',
        summary: 'Deny what was asked for; none of it can be asked again for ten minutes',
        params: idParams('accessRequest'),
        body: Empty,
        response: answers(200, AccessRequestOne),
      },
    },
    async (request) => {
      requireBrowser(request)
      const found = await findAccessRequest(deps, request.params.id)
      const policy = await freshPolicy(deps, found.grantId)
      const { id, name } = policy.environment
      await commit(
        deps,
        request,
        async (tx) => {
          // It takes nothing from anybody: whatever a yes would be proven with does for a no.
          const given = { decision: 'deny', proof: 'passkey' } as const
          const { now } = await requireSettling(deps, tx, request, found, policy, given)
          const by = operatorOf(request).id
          const settled = await settleAccessRequest(tx, found.id, { by, now, granted: undefined })
          if (!settled) throw refusalProblem('not_pending')
          const change = { agent: found.agentId, verbs: [...found.asked.verbs] }
          return { value: undefined, subject: found.id, environment: { id, name }, change }
        },
        'approval',
      )
      return oneView(deps, await findAccessRequest(deps, found.id))
    },
  )

  app.get(
    '/v1/access-requests/:id/evidence',
    {
      config: { action: 'access_request.export', roles: ['admin', 'auditor', 'approver'] },
      schema: {
        operationId: 'exportAccessEvidence',
        summary: 'The evidence of what was granted, as the file for valetkey approval verify',
        params: idParams('accessRequest'),
        response: answers(200, Type.Array(Type.Object({}, { additionalProperties: true }))),
      },
    },
    async (request, reply) => {
      const { id, evidence } = await findAccessRequest(deps, request.params.id)
      if (evidence === undefined)
        throw new Problem('not_found', 'nothing was granted, or it was before there was evidence')
      void reply.header('content-disposition', `attachment; filename="${id}.json"`)
      return [{ ...(evidence as Record<string, unknown>) }]
    },
  )
}

type Document = ReturnType<typeof drawAccess>

function verbsOf(document: Document): string[] {
  return document.verbs.map(({ verb }) => verb)
}

function textOf(document: Document): string {
  return canonicalize(document)
}
