import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { readEvidence } from '../../src/approval/evidence.ts'
import { verifyEvidence } from '../../src/approval/verify-evidence.ts'
import { openApprover } from '../support/approver.ts'
import { adminPassword } from '../support/broker.ts'
import {
  openBrowser,
  registerPasskey,
  testPublicUrl,
  touch,
  type Browser,
} from '../support/browser.ts'
import { parkOn, type Parking } from '../support/parked-approval.ts'
import { entries, openStage } from '../support/stage.ts'

/** A stage whose environment is owned by ada, who approves; the agent is the admin's. */
async function openWaiting(t: TestContext) {
  const clock = { ahead: 0 }
  const now = (): number => Date.now() + clock.ahead * 1000
  const stage = await openStage(t, { now })
  const { broker, granted } = stage
  const ada = await openApprover(broker, 'ada')
  const owners = async (...browsers: readonly Browser[]): Promise<void> => {
    await broker.api('PATCH', `/v1/environments/${granted.environmentId}`, {
      owners: browsers.map(({ operatorId }) => operatorId),
      password: adminPassword,
    })
  }
  await owners(ada.browser)
  return {
    ...stage,
    clock,
    ada,
    owners,
    park: (wish: Parking = {}) => parkOn(broker, granted, { now: now(), ...wish }),
    read: (id: string) => broker.api('GET', `/v1/approvals/${id}`),
  }
}

test('an approval over REST', async (t) => {
  const world = await openWaiting(t)
  const { ada, park, read, broker } = world

  await t.test('is listed by state, agent and environment, page by page', async () => {
    const ids = [(await park()).id, (await park()).id, (await park()).id]
    const first = await ada.browser.send('GET', '/v1/approvals?state=pending&limit=2')
    const page = first.body as { items: { id: string; url: string }[]; next_cursor: string }
    assert.deepEqual(
      page.items.map(({ id }) => id),
      ids.slice(0, 2),
    )
    assert.equal(page.items[0]?.url, `${testPublicUrl}/approvals/${String(ids[0])}`)
    const cursor = encodeURIComponent(page.next_cursor)
    const next = await ada.browser.send(
      'GET',
      `/v1/approvals?state=pending&limit=2&cursor=${cursor}`,
    )
    assert.equal((next.body['items'] as unknown[]).length, 1)
    const moved = await ada.browser.send('GET', `/v1/approvals?state=held&cursor=${cursor}`)
    assert.equal(moved.status, 400, 'a cursor is bound to its filters')
    const { agentId, environmentId } = world.granted
    for (const [query, count] of [
      [`agent=${agentId}`, 3],
      [`environment=${environmentId}`, 3],
      ['state=denied', 0],
      [`agent=ag_${'0'.repeat(26)}`, 0],
    ] as const) {
      const { body } = await ada.browser.send('GET', `/v1/approvals?${query}`)
      assert.equal((body['items'] as unknown[]).length, count, query)
    }
    for (const id of ids) await ada.cancel(id)
  })

  await t.test(
    'is read with what is signed, the agent’s words apart, and who may decide',
    async () => {
      const { id, document } = await park({ reason: 'please' })
      const item = await read(id)
      assert.equal(item['state'], 'pending')
      assert.deepEqual(item['document'], JSON.parse(JSON.stringify(document)))
      assert.ok(!JSON.stringify(item['document']).includes('please'))
      assert.equal(item['words'], 'please')
      assert.equal(item['routed_to'], 'owners')
      assert.deepEqual(item['refusal'], { approve: 'bearer', deny: 'bearer' })
      const own = await ada.browser.send('GET', `/v1/approvals/${id}`)
      assert.deepEqual(own.body['refusal'], { approve: null, deny: null })
      await ada.deny(id)
    },
  )

  await t.test('is approved with a passkey, and its evidence proves it to a stranger', async () => {
    const { id } = await park()
    const { body } = await ada.approve(id)
    assert.equal(body['state'], 'approved')
    assert.deepEqual(body['approved_by'], [ada.browser.operatorId])
    const exported = await broker.api('GET', `/v1/approvals/${id}/evidence`)
    const evidence = readEvidence(Buffer.from(JSON.stringify(exported)))
    assert.ok(evidence.ok)
    const [only] = evidence.evidence
    assert.ok(only)
    const report = await verifyEvidence(only, { origin: testPublicUrl })
    assert.equal(report.verdict, 'verified')
    const entry = (await entries(broker)).find(
      ({ action, subject }) => action === 'approval.decide' && subject === id,
    )
    const change = entry?.['change'] as { proof: { fingerprint: string }; decision: string }
    assert.equal(change.decision, 'approve')
    assert.equal(change.proof.fingerprint, report.fingerprint)
  })

  await t.test('is denied for good', async () => {
    const { id } = await park()
    assert.equal((await ada.deny(id)).body['state'], 'denied')
    const late = await ada.tryTo('approve', id)
    assert.deepEqual([late.status, late.body['code']], [409, 'conflict'])
    assert.equal((await read(id))['state'], 'denied')
  })

  await t.test('is not decided by what was signed for no, for another, or by another', async () => {
    const one = await park()
    const other = await park()
    const grace = await openBrowser(broker, 'grace', ['approver'])
    const hers = await registerPasskey(grace)
    const mary = await openBrowser(broker, 'mary ann', ['approver'])
    const { authenticator } = await registerPasskey(mary)
    const challengeOf = async (browser: Browser, id: string, decision: string) => {
      const { body } = await browser.send('POST', `/v1/approvals/${id}/options`, { decision })
      return (body['options'] ?? { challenge: 'none' }) as { challenge: string }
    }
    const decide = (assertion: unknown) =>
      mary.send('POST', `/v1/approvals/${one.id}/decision`, {
        decision: 'approve',
        assertion,
      })
    world.clock.ahead = 121
    const right = await challengeOf(mary, one.id, 'approve')
    for (const assertion of [
      authenticator.assert(await challengeOf(mary, one.id, 'deny')),
      authenticator.assert(await challengeOf(mary, other.id, 'approve')),
      authenticator.assert(await challengeOf(grace, one.id, 'approve')),
      authenticator.assert(right, { userVerified: false }),
      authenticator.assert(right, { origin: 'https://evil.example' }),
      hers.authenticator.assert(right),
    ])
      assert.equal((await decide(assertion)).status, 403)
    assert.equal((await read(one.id))['state'], 'pending')
    assert.equal((await decide(authenticator.assert(right))).status, 200)
    world.clock.ahead = 0
  })

  await t.test(
    'is decided by no bearer, whatever its roles, and each try is on record',
    async () => {
      const { id } = await park()
      for (const path of ['options', 'decision']) {
        const body = { decision: 'approve', ...(path === 'decision' ? { code: '123456' } : {}) }
        const answer = await ada.browser.asCli('POST', `/v1/approvals/${id}/${path}`, body)
        assert.equal(answer.status, 403, path)
      }
      const refused = (await entries(broker)).filter(
        ({ reason, subject }) => reason === 'bearer' && subject === id,
      )
      assert.equal(refused.length, 2)
      await ada.deny(id)
    },
  )

  await t.test(
    'waits for the owners first, and after a time for everyone who approves',
    async () => {
      const { id } = await park()
      const alan = await openApprover(broker, 'alan')
      const early = await alan.tryTo('approve', id)
      assert.deepEqual([early.status, early.body['code']], [403, 'forbidden'])
      assert.match(String(early.body['detail']), /owners/)
      world.clock.ahead = 121
      assert.equal((await alan.approve(id)).body['state'], 'approved')
      world.clock.ahead = 0
    },
  )

  await t.test('that ran out is nobody’s to decide, though nobody noticed yet', async () => {
    const { id } = await park()
    world.clock.ahead = 301
    assert.equal((await read(id))['state'], 'expired')
    assert.equal((await ada.tryTo('approve', id)).status, 409)
    world.clock.ahead = 0
  })

  await t.test('needs two different persons where its rule says so', async () => {
    const { id } = await park({ rule: 'two_persons' })
    const first = await ada.approve(id)
    assert.equal(first.body['state'], 'pending')
    assert.equal((await ada.tryTo('approve', id)).status, 409)
    const mary = await openApprover(broker, 'mary')
    assert.equal((await mary.approve(id)).body['state'], 'approved')
    const exported = await broker.api<{ approver: { name: string } }[]>(
      'GET',
      `/v1/approvals/${id}/evidence`,
    )
    assert.deepEqual(
      exported.map(({ approver }) => approver.name),
      ['ada', 'mary'],
    )
    assert.ok(readEvidence(Buffer.from(JSON.stringify(exported))).ok)
  })

  await t.test('is not approved by the agent’s owner where its rule says so', async () => {
    const owner = await openApprover(broker, 'owner of the agent')
    const agent = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
      name: 'owned',
      owner: owner.browser.operatorId,
    })
    assert.ok(agent.agent.id)
    const { id } = await parkOn(
      broker,
      { ...world.granted, agentId: agent.agent.id },
      { rule: 'not_owner' },
    )
    world.clock.ahead = 121
    const answer = await owner.tryTo('approve', id)
    assert.equal(answer.status, 403)
    assert.match(String(answer.body['detail']), /the agent is yours/)
    assert.equal((await owner.deny(id)).body['state'], 'denied')
    world.clock.ahead = 0
  })

  await t.test('is not decided by who was demoted after their passkey was asked', async () => {
    const { id } = await park()
    const eve = await openBrowser(broker, 'eve', ['approver'])
    const { authenticator } = await registerPasskey(eve)
    world.clock.ahead = 121
    const { body } = await eve.send('POST', `/v1/approvals/${id}/options`, { decision: 'approve' })
    const assertion = authenticator.assert(body['options'] as { challenge: string })
    await broker.api('PATCH', `/v1/operators/${eve.operatorId}`, {
      roles: ['auditor'],
      password: adminPassword,
    })
    const answer = await eve.send('POST', `/v1/approvals/${id}/decision`, {
      decision: 'approve',
      assertion,
    })
    assert.ok([401, 403].includes(answer.status), String(answer.status))
    assert.equal((await read(id))['state'], 'pending')
    world.clock.ahead = 0
    await ada.deny(id)
  })

  await t.test('is stopped in its undo window by a bearer too, and by no auditor', async () => {
    const { id } = await park({ holdSeconds: 600 })
    assert.equal((await ada.approve(id)).body['state'], 'held')
    const auditor = await openBrowser(broker, 'auditor', ['auditor'])
    assert.equal((await auditor.asCli('POST', `/v1/approvals/${id}/cancel`, {})).status, 403)
    const stopped = await ada.browser.asCli('POST', `/v1/approvals/${id}/cancel`, { reason: 'no' })
    assert.equal(stopped.body['state'], 'cancelled')
    assert.match(String(stopped.body['outcome']), /It was not sent\./)
    const again = await ada.browser.asCli('POST', `/v1/approvals/${id}/cancel`, {})
    assert.equal(again.status, 409)
  })

  await t.test(
    'is decided once, however many decide at the same moment, on two replicas',
    async () => {
      const replica = await broker.replica()
      const second = await openApprover(broker, 'second')
      const { id } = await park()
      world.clock.ahead = 121
      const answers = await Promise.all([
        ada.tryTo('approve', id),
        ada.tryTo('approve', id, replica.url),
        second.tryTo('deny', id, replica.url),
        second.tryTo('deny', id),
      ])
      assert.equal(answers.filter(({ status }) => status === 200).length, 1)
      const { state, decisions } = await read(id)
      assert.ok(state === 'approved' || state === 'denied')
      assert.equal((decisions as unknown[]).length, 1)
      world.clock.ahead = 0
    },
  )

  await t.test(
    'is approved with a one-time code where an admin allows it, and never where it is protected',
    async () => {
      const kept = await park()
      const guarded = await park({ environment: { name: 'pocketos/production', protected: true } })
      const switched = (one_time_codes: 'on' | 'off') =>
        broker.api('PATCH', '/v1/approval-settings', { one_time_codes, password: adminPassword })
      await switched('on')
      const { operatorId } = ada.browser
      const { body } = await ada.browser.send('POST', '/v1/one-time-code', {
        password: adminPassword,
        assertion: await touch(ada.browser, ada.authenticator, 'one_time_code.enrol', operatorId),
      })
      const code = (steps: number) =>
        generate({
          secret: String(body['secret']),
          epoch: Math.floor(Date.now() / 1000) + steps * 30,
        })
      const confirmed = { code: await code(-1) }
      assert.equal(
        (await ada.browser.send('POST', '/v1/one-time-code/confirm', confirmed)).status,
        200,
      )
      const decide = async (id: string) =>
        ada.browser.send('POST', `/v1/approvals/${id}/decision`, {
          decision: 'approve',
          code: await code(0),
        })
      assert.equal((await decide(guarded.id)).status, 403)
      await switched('off')
      assert.equal((await decide(kept.id)).status, 403)
      await switched('on')
      const answer = await decide(kept.id)
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      assert.deepEqual(
        (answer.body['decisions'] as { proof: string }[]).map(({ proof }) => proof),
        ['one_time_code'],
      )
      assert.equal((await decide((await park()).id)).status, 403, 'a code is good once')
    },
  )
})
