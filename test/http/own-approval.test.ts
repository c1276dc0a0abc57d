/** What an agent is told of its own approvals, and the answers that the broker keeps for it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { addVolume, approvalOf, gatedGrant, idOf, openGated, type Gated } from '../support/gated.ts'
import { entries } from '../support/stage.ts'
import { answerOf, grantOn, type Answer } from '../support/world.ts'

const own = async (
  { broker, granted }: Pick<Gated, 'broker' | 'granted'>,
  path: string,
  options: { token?: string; url?: string; prefer?: string } = {},
): Promise<Answer> =>
  answerOf(
    await fetch(`${options.url ?? broker.url}/agent/approvals/${path}`, {
      headers: {
        authorization: `Bearer ${options.token ?? (await granted.token())}`,
        ...(options.prefer === undefined ? {} : { prefer: options.prefer }),
      },
    }),
  )

test('an agent follows its approval from the refusal to the answer that the broker kept', async (t) => {
  const gated = await openGated(t, { terms: { execute: 'broker' } })
  const { broker, other, approver, standIn } = gated
  const volume = addVolume(standIn.world)
  const refused = approvalOf(await gated.remove(volume))
  const id = String(refused['id'])
  const { pathname } = new URL(String(refused['url']))
  assert.equal(pathname, `/agent/approvals/${id}`)

  const pending = await own(gated, id, { url: other.url })
  assert.equal(pending.status, 200, pending.text)
  assert.equal(pending.json['state'], 'pending')
  assert.equal(pending.json['sentence'], refused['sentence'])
  assert.equal(pending.json['expires_at'], refused['expires_at'])
  assert.equal(pending.json['page'], `http://localhost:8474/approvals/${id}`)
  assert.equal(pending.json['execute'], 'broker')
  assert.equal(pending.json['answer'], undefined)
  const early = await own(gated, `${id}/answer`)
  assert.deepEqual([early.status, early.json['code']], [404, 'not_found'])

  await approver.approve(id)
  await gated.become(id, 'done')
  const done = await own(gated, id)
  assert.equal(done.json['state'], 'done')
  assert.equal(done.json['answer'], `http://localhost:8474/agent/approvals/${id}/answer`)
  const kept = await own(gated, `${id}/answer`, { url: other.url })
  assert.equal(kept.status, 200, kept.text)
  assert.equal(kept.json['status'], 200)
  assert.equal(kept.json['encoding'], 'utf-8')
  assert.deepEqual(JSON.parse(String(kept.json['body'])), { data: { volumeDelete: true } })
  const headers = kept.json['headers'] as { name: string; value: string }[]
  assert.ok(headers.some(({ name, value }) => name === 'content-type' && /json/.test(value)))
  assert.equal(gated.reached(volume), 1)

  const handed = (await entries(broker)).filter(
    (entry) => entry['action'] === 'approval.read_answer' && entry['result'] === 'done',
  )
  assert.deepEqual(
    handed.map((entry) => [entry['subject'], (entry['actor'] as { id: string }).id]),
    [[id, gated.granted.agentId]],
  )

  await t.test('but not to a capability that could not have asked for it', async () => {
    const narrower = await gated.granted.token({ grant: gated.granted.grantId, verbs: ['read'] })
    assert.equal((await own(gated, id, { token: narrower })).status, 200)
    const answer = await own(gated, `${id}/answer`, { token: narrower })
    assert.deepEqual([answer.status, answer.json['code']], [403, 'verb_missing'])
  })

  await t.test('and no longer than it is kept', async () => {
    gated.clock.ahead = 3_601
    assert.equal((await own(gated, `${id}/answer`)).json['code'], 'not_found')
  })
})

test('another’s approval is answered as one that does not exist, and on record', async (t) => {
  const gated = await openGated(t)
  const { broker, standIn } = gated
  const id = idOf(await gated.remove(addVolume(standIn.world)))
  const nobodys = id.replace(/.{8}$/, '0'.repeat(8))
  const stranger = await grantOn(broker, gatedGrant())
  const agent = gated.granted.agentId
  const credential = gated.granted.credentialId
  const second = await broker.api<{ id: string }>('POST', '/v1/grants', {
    agent,
    credential,
    verbs: ['read', 'volumeDelete'],
    password: broker.admin.password,
  })
  const tokens = {
    stranger: await stranger.token(),
    'another grant of the same agent': await gated.granted.token({ grant: second.id }),
  }
  for (const [who, token] of Object.entries(tokens))
    for (const path of ['', '/answer']) {
      const answers = [
        await own(gated, `${id}${path}`, { token, prefer: 'wait=5' }),
        await own(gated, `${nobodys}${path}`, { token }),
      ].map(({ status, json, headers }) => ({
        status,
        problem: { ...json, correlation_id: undefined },
        named: headers.get('valetkey-problem'),
      }))
      assert.equal(answers[0]?.status, 404, who)
      assert.deepEqual(answers[0], answers[1], who)
    }
  const refusals = (await entries(broker)).filter(
    (entry) =>
      String(entry['action']).startsWith('approval.read_') && entry['result'] === 'refused',
  )
  assert.deepEqual(
    refusals.map(({ reason }) => reason),
    Array.from({ length: 8 }, () => 'not_found'),
  )
})

test('Prefer: wait is answered as soon as a person has decided, on whichever replica', async (t) => {
  const gated = await openGated(t)
  const { other, approver, standIn } = gated
  const id = idOf(await gated.remove(addVolume(standIn.world)))
  const asked = own(gated, id, { prefer: 'respond-async, wait=60', url: other.url })
  const started = performance.now()
  await approver.approve(id)
  const answer = await asked
  assert.deepEqual([answer.status, answer.json['state']], [200, 'approved'], answer.text)
  assert.ok(performance.now() - started < 30_000)
  // Nothing more happens to it without the agent: there is nothing to wait for.
  assert.equal((await own(gated, id, { prefer: 'wait=60' })).json['state'], 'approved')
})

test('a capability that is revoked during the wait is not told what came of it', async (t) => {
  const gated = await openGated(t)
  const { broker, granted, approver, standIn } = gated
  const id = idOf(await gated.remove(addVolume(standIn.world)))
  const token = await granted.token()
  const asked = own(gated, id, { prefer: 'wait=60', token })
  await approver.deny(id)
  const known = await asked
  assert.equal(known.json['state'], 'denied')
  const next = idOf(await gated.remove(addVolume(standIn.world)))
  const waiting = own(gated, next, { prefer: 'wait=60', token })
  await broker.api('POST', `/v1/agents/${granted.agentId}/disable`, {})
  const answer = await waiting
  assert.ok(answer.status === 403 || answer.status === 401, answer.text)
  assert.equal(answer.json['state'], undefined)
})

test('asking what came of it is limited like asking for access', async (t) => {
  const gated = await openGated(t)
  const id = idOf(await gated.remove(addVolume(gated.standIn.world)))
  const token = await gated.granted.token()
  let passed = 0
  let answer = await own(gated, id, { token })
  // It fills again with time, and this may be a slow machine.
  for (; answer.status === 200 && passed < 600; passed++) answer = await own(gated, id, { token })
  assert.deepEqual([answer.status, answer.json['code']], [429, 'rate_limited'])
  assert.ok(passed >= 60, String(passed))
})
