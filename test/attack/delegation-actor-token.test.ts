/** A token in place of a key, shown to act for another: a copy, one that is somebody else's, one that was shown before. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { IssuanceEntry } from '../../src/audit/entry.ts'
import { adminPassword as password } from '../support/broker.ts'
import { addHelper, childOf, claimsOf, exchangeForm, exchangeFor } from '../support/delegation.ts'
import { dpopClient, dpopKey, type DpopClient } from '../support/dpop.ts'
import { jobClaims, openFederated } from '../support/federated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { entries, read, secret } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { grantOn, railway } from '../support/world.ts'

const type = 'urn:ietf:params:oauth:token-type:'
const capability = `${type}access_token`

test('who acts for another by a token of its own', async (t) => {
  const { broker, granted, rule, issuer, exchange } = await openFederated(t)
  const { url } = broker
  // The job that acts: an agent that has a grant, and no key that anyone holds.
  const acting = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })
  const { id: ruleId } = (await rule({ agent: acting.agentId })) as { id: string }
  const named = { may_act: [acting.agentId] }
  const job = (claims: Record<string, unknown> = {}) => issuer.token({ ...jobClaims, ...claims })

  /** With an actor token of its platform's, or whatever else the form says. */
  const act = (
    parent: string,
    actor: string,
    form: Record<string, string | undefined> = {},
    details?: Record<string, unknown>,
  ) =>
    exchangeFor(url, undefined, parent, {
      form: { actor_token: actor, actor_token_type: `${type}jwt`, ...form },
      ...(details === undefined ? {} : { details }),
    })
  const byCapability = { actor_token_type: capability }
  async function acted(...args: Parameters<typeof act>): Promise<string> {
    const { status, body } = await act(...args)
    assert.equal(status, 200, JSON.stringify(body))
    return String(body['access_token'])
  }
  async function refused(why: RegExp, ...args: Parameters<typeof act>): Promise<void> {
    const { status, body } = await act(...args)
    assert.equal(status, 400, JSON.stringify(body))
    assert.equal(body['error'], 'invalid_request')
    assert.match(String(body['error_description']), why)
  }
  async function ownOfJob(): Promise<string> {
    const { status, body } = await exchange(job())
    assert.equal(status, 200, JSON.stringify(body))
    return String(body['access_token'])
  }
  async function issuances() {
    const issued = (await entries(broker)).filter(({ kind }) => kind === 'issuance')
    return issued as unknown as readonly IssuanceEntry[]
  }

  await t.test(
    'is named in what it gets, with the rule it is known by, and on record',
    async () => {
      const parent = await granted.token({ ...named, verbs: ['read'] })
      for (const [actor, form] of [
        [job(), {}],
        [job(), { client_id: acting.agentId, actor_token_type: `${type}id_token` }],
        [await ownOfJob(), byCapability],
      ] as const) {
        const child = await acted(parent, actor, form)
        const claims = claimsOf(child)
        assert.equal(claims['sub'], granted.agentId)
        assert.equal(claims['client_id'], acting.agentId)
        assert.deepEqual(claims['act'], { sub: acting.agentId, rule: ruleId })
        assert.equal(claims['rule'], undefined)
        assert.equal((await railway(url, child, read)).status, 200)
        const entry = (await issuances()).at(-1)
        assert.equal(entry?.actor.kind, 'workload')
        assert.equal(entry.onBehalfOf?.[0]?.id, granted.agentId)
      }
      const { body } = await act(parent, job(), {}, { verbs: ['read', 'write'] })
      assert.equal(body['error'], 'invalid_authorization_details', 'never more than the parent')
    },
  )

  await t.test(
    'was named by the capability that it shows, and is no other than it says',
    async () => {
      const other = await addHelper(broker, 'another')
      const unnamed = await granted.token()
      const forAnother = await granted.token({ may_act: [other.id] })
      for (const parent of [unnamed, forAnother]) {
        await refused(/may_act does not name/, parent, job())
        const entry = (await issuances()).at(-1)
        assert.equal(entry?.result, 'refused')
        assert.equal(entry.actor.id, acting.agentId)
        await refused(/may_act does not name/, parent, await ownOfJob(), byCapability)
      }
      const parent = await granted.token(named)
      await refused(/not accepted/, parent, job({ repository_id: '666' }))
      await refused(/not accepted/, parent, job({ aud: 'https://elsewhere.example' }))
      await refused(/not accepted/, parent, job(), { client_id: other.id })
      await refused(/not accepted/, parent, 'x')
      await refused(/not accepted/, parent, 'x', byCapability)
      await refused(/not accepted/, parent, job(), byCapability)
      await refused(/not accepted/, parent, await ownOfJob())
      await refused(/client_id/, parent, await ownOfJob(), { ...byCapability, client_id: other.id })
    },
  )

  await t.test(
    'does not show what is the holder’s already, nor what acts for somebody',
    async () => {
      const parent = await granted.token(named)
      await refused(/already that of the agent/, parent, parent, byCapability)
      await refused(/already that of the agent/, parent, await granted.token(), byCapability)
      const child = await acted(parent, job())
      await refused(/acts for another/, parent, child, byCapability)
    },
  )

  await t.test('shows it in one way, and says what it is', async () => {
    const parent = await granted.token(named)
    await refused(/actor_token is missing/, parent, '', { actor_token: undefined })
    await refused(/actor_token_type must be/, parent, job(), { actor_token_type: undefined })
    await refused(/actor_token_type must be/, parent, job(), { actor_token_type: `${type}saml2` })
    const keys = { client_id: acting.agentId, client_secret: acting.agentKey }
    await refused(/send no key/, parent, job(), keys)
    await refused(/send no key/, parent, job(), { client_assertion: 'x' })
    const { status, body } = await exchange(job(), {
      actor_token: parent,
      actor_token_type: capability,
    })
    assert.equal(status, 400)
    assert.match(String(body['error_description']), /subject_token that is a capability/)
  })

  await t.test('shows one of its platform’s once, whatever for', async () => {
    const parent = await granted.token(named)
    const once = job()
    await refused(/may_act/, await granted.token(), once)
    // What was refused has used nothing up.
    await acted(parent, once)
    await refused(/exchanged as often as it may be/, parent, once)
    assert.equal((await exchange(once)).status, 400)
    const asSubject = job()
    assert.equal((await exchange(asSubject)).status, 200)
    await refused(/exchanged as often as it may be/, parent, asSubject)
  })

  await t.test('has it no longer than what it showed', async () => {
    const parent = await granted.token({ ...named, lifetime: 300 })
    const exp = Math.floor(Date.now() / 1000) + 60
    assert.ok(Number(claimsOf(await acted(parent, job({ exp })))['exp']) <= exp)
    const short = await childOf(url, undefined, await ownOfJob(), { details: { lifetime: 30 } })
    const child = claimsOf(await acted(parent, short, byCapability))
    assert.ok(Number(child['exp']) <= Number(claimsOf(short)['exp']))
  })

  await t.test(
    'loses it with the capability that it showed, and with what that came of',
    async () => {
      const parent = await granted.token(named)
      const first = await ownOfJob()
      const second = await childOf(url, undefined, first)
      for (const revoked of [second, first]) {
        const actor = await childOf(url, undefined, first)
        const child = await acted(parent, revoked === first ? actor : second, byCapability)
        assert.equal((await railway(url, child, read)).status, 200)
        await broker.api('POST', `/v1/capabilities/${String(claimsOf(revoked)['jti'])}/revoke`, {})
        assert.equal((await railway(url, child, read)).json['code'], 'capability_revoked')
        await refused(/not accepted/, parent, revoked, byCapability)
      }
    },
  )

  await t.test('loses it with the rule, and so does whoever acts for it in turn', async () => {
    const next = await addHelper(broker, 'next')
    const parent = await granted.token({ may_act: [acting.agentId, next.id] })
    const child = await acted(parent, job(), {}, { may_act: [next.id] })
    const grandchild = await childOf(url, next, child)
    assert.deepEqual(claimsOf(grandchild)['act'], {
      sub: next.id,
      act: { sub: acting.agentId, rule: ruleId },
    })
    const shown = await acted(parent, await ownOfJob(), byCapability)
    const replica = await broker.replica()
    const all = [child, grandchild, shown]
    for (const token of all) assert.equal((await railway(replica.url, token, read)).status, 200)
    await broker.api('POST', `/v1/trust-rules/${ruleId}/disable`, {})
    for (const token of all) {
      assert.equal((await railway(url, token, read)).json['code'], 'capability_revoked')
      await until('the other replica refuses it', async () =>
        (await railway(replica.url, token, read)).status === 401 ? true : undefined,
      )
      const { status } = await exchangeFor(url, next, token)
      assert.equal(status, 400, 'nor does anything come of it')
    }
    assert.equal((await railway(url, parent, read)).status, 200)
    await broker.api('POST', `/v1/trust-rules/${ruleId}/enable`, { password })
    assert.equal((await railway(url, child, read)).status, 200)
  })

  await t.test('makes no more of two copies than they were', async () => {
    const ours = dpopClient(await dpopKey(), url)
    const theirs = dpopClient(await dpopKey(), url)
    const thief = dpopClient(await dpopKey(), url)
    const bound = await ours.token(granted.agentId, granted.agentKey, named)
    const bearer = await granted.token(named)
    const actorBearer = await ownOfJob()
    const actorBound = await theirs.token(acting.agentId, acting.agentKey)
    async function by(client: DpopClient | undefined, parent: string, actor: string) {
      const form = { actor_token: actor, actor_token_type: capability }
      const request = {
        method: 'POST',
        path: '/oauth/token',
        body: exchangeForm(undefined, parent, { form }),
      }
      const response = await (client?.send(request) ?? fetch(`${url}/oauth/token`, request))
      return (await response.json()) as Record<string, unknown>
    }
    assert.match(
      String((await by(thief, bound, actorBearer))['error_description']),
      /must be bound to one too/,
    )
    for (const parent of [bound, bearer])
      for (const client of [undefined, thief, ours])
        assert.equal((await by(client, parent, actorBound))['error'], 'invalid_dpop_proof')
    for (const parent of [bound, bearer]) {
      const child = await by(theirs, parent, actorBound)
      assert.equal(child['token_type'], 'DPoP', JSON.stringify(child))
      const { cnf } = claimsOf(String(child['access_token']))
      assert.deepEqual(cnf, { jkt: theirs.key.jkt })
    }
  })

  await t.test('has no key: who has one shows that, and not what it was given for it', async () => {
    const parent = await granted.token(named)
    const keyed = await acting.token()
    await refused(/show its key/, parent, keyed, byCapability)
  })

  await t.test('is refused with what is frozen, or rests on nothing any more', async () => {
    const parent = await granted.token(named)
    const actor = await ownOfJob()
    const freeze = { scope: 'environment', subject: acting.environmentId, reason: 'a test' }
    const { id } = await broker.api<{ id: string }>('POST', '/v1/freezes', freeze)
    await refused(/frozen/, parent, actor, byCapability)
    await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
    await broker.api('POST', `/v1/grants/${acting.grantId}/disable`, {})
    await refused(/disabled/, parent, actor, byCapability)
    await broker.api('POST', `/v1/grants/${acting.grantId}/enable`, { password })
    await acted(parent, actor, byCapability)
  })
})

test('what somebody who acts for another asked a person for ends with its rule', async (t) => {
  const { broker, upstream, granted, rule, issuer } = await openFederated(t, {
    grant: { verbs: ['read'], approval: 'always', approval_terms: { execute: 'broker' } },
  })
  const acting = await addHelper(broker, 'a job')
  const { id } = (await rule({ agent: acting.id })) as { id: string }
  const child = await childOf(
    broker.url,
    undefined,
    await granted.token({ may_act: [acting.id] }),
    { form: { actor_token: issuer.token(jobClaims), actor_token_type: `${type}jwt` } },
  )
  const parked = await railway(broker.url, child, read)
  assert.equal(parked.json['code'], 'approval_required', parked.text)
  const before = upstream.received.length
  await broker.api('POST', `/v1/trust-rules/${id}/disable`, {})
  const approval = await until('it is stopped', async () => {
    const { items } = await broker.api<{ items: { cancel_reason?: string }[] }>(
      'GET',
      '/v1/approvals?state=cancelled',
    )
    return items[0]
  })
  assert.match(String(approval.cancel_reason), /trust rule it was asked under holds no more/)
  assert.equal(upstream.received.length, before)
})
