/** A request that needs a person, through two whole brokers and before a provider with state. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { adminPassword as password } from '../support/broker.ts'
import {
  addVolume,
  approvalOf,
  gatedGrant,
  idOf,
  keepVolume,
  openGated,
  ownedBy,
  removal,
  type Gated,
} from '../support/gated.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, type Granted } from '../support/world.ts'

let gated: Gated
before(async () => {
  gated = await openGated(undefined)
})
after(() => (gated as Gated | undefined)?.close())

/** An agent, a grant and an environment of its own, decided about by the same person. */
async function another(terms?: Record<string, unknown>): Promise<Granted> {
  const { broker, approver } = gated
  const granted = await grantOn(broker, gatedGrant(terms && { approval_terms: terms }))
  await ownedBy(broker, granted, approver)
  return granted
}

test('the incident’s request waits for a person, goes out once, and has to be asked for again', async () => {
  const { other, standIn, approver, there, reached, remove, become } = gated
  const volume = addVolume(standIn.world)
  const asked = await remove(volume)
  assert.equal(asked.json['code'], 'approval_required', asked.text)
  assert.equal(asked.headers.get('valetkey-decision'), 'needs_approval')
  const approval = approvalOf(asked)
  assert.match(String(approval['sentence']), /volumeDelete/)
  assert.match(String(approval['sentence']), /a-volume/)
  assert.match(String(asked.json['detail']), /send the very same request again/)
  assert.equal(approval['url'], `http://localhost:8474/agent/approvals/${String(approval['id'])}`)
  const expires = Date.parse(String(approval['expires_at'])) - Date.now()
  assert.ok(expires > 200_000 && expires <= 300_000, String(expires))
  assert.equal(reached(volume), 0)

  const again = await remove(volume, { url: other.url })
  assert.equal(idOf(again), approval['id'], 'on the other replica it is the same')
  assert.equal(reached(volume), 0)

  const id = idOf(asked)
  await approver.approve(id, other.url)
  const done = await remove(volume)
  assert.deepEqual([done.status, done.json], [200, { data: { volumeDelete: true } }])
  assert.equal(reached(volume), 1)
  assert.ok(!there(volume))
  await become(id, 'done')
})

test('what was approved and sent is a new request when it is sent again', async () => {
  const { other, standIn, approved, reached, remove, state } = gated
  const volume = addVolume(standIn.world)
  const token = await gated.granted.token()
  const restore = keepVolume(standIn.world, volume)
  const id = await approved(volume, { token })
  assert.equal((await remove(volume, { token })).status, 200)
  restore()
  await gated.become(id, 'done')
  for (const url of [gated.broker.url, other.url]) {
    const next = idOf(await remove(volume, { token, url }))
    assert.notEqual(next, id)
    assert.equal(await state(next), 'pending')
  }
  assert.equal(reached(volume), 1)
})

test('a request that differs in one byte is another', async () => {
  const { broker, granted, standIn, approver, reached, state } = gated
  const volume = addVolume(standIn.world)
  const token = await granted.token()
  const body = (alias: string) => removal(volume).replace('volumeDelete', `${alias}: volumeDelete`)
  const id = idOf(await railway(broker.url, token, body('a')))
  await approver.approve(id)
  const next = idOf(await railway(broker.url, token, body('b')))
  assert.notEqual(next, id)
  assert.equal(reached(volume), 0)
  assert.equal(await state(id), 'approved', 'and the one that was approved is still good')
  assert.equal((await railway(broker.url, token, body('a'))).status, 200)
  assert.equal(reached(volume), 1)
})

test('no other grant, agent or version of the credential uses up what was approved', async (t) => {
  const { broker, approver, standIn, reached, state } = gated
  const first = await another()
  const made = async (body: Record<string, unknown>) =>
    (
      await broker.api<{ id: string }>('POST', '/v1/grants', {
        credential: first.credentialId,
        ...gatedGrant().grant,
        ...body,
        password,
      })
    ).id
  const secondGrant = await made({ agent: first.agentId })
  const second = await grantOn(broker, gatedGrant())
  const volume = addVolume(standIn.world)
  const send = async (token: string) => railway(broker.url, token, removal(volume))
  const token = await first.token({ grant: first.grantId })
  const id = idOf(await send(token))
  await approver.approve(id)

  await t.test('another grant of the same agent', async () => {
    assert.notEqual(idOf(await send(await first.token({ grant: secondGrant }))), id)
  })
  await t.test('another agent', async () => {
    assert.notEqual(idOf(await send(await second.token())), id)
  })
  assert.equal(await state(id), 'approved')
  await t.test('another version of the credential', async () => {
    await broker.api('POST', `/v1/credentials/${first.credentialId}/versions`, {
      secret: gatedGrant().secret,
      password,
    })
    assert.notEqual(idOf(await send(token)), id)
    await gated.become(id, 'cancelled')
  })
  assert.equal(reached(volume), 0)
})

test('what a person refused stays refused for its cool-down, on every replica, and can be asked for after', async () => {
  const { broker, other, approver, standIn, clock, reached } = gated
  const granted = await another()
  const volume = addVolume(standIn.world)
  const send = async (url: string) => railway(url, await granted.token(), removal(volume))
  const id = idOf(await send(broker.url))
  await approver.deny(id)
  for (const url of [broker.url, other.url]) {
    const refused = await send(url)
    assert.deepEqual([refused.status, refused.json['code']], [403, 'approval_denied'])
    assert.equal(approvalOf(refused)['id'], id)
    assert.ok(Date.parse(String(refused.json['until'])) > Date.now() + 500_000)
  }
  clock.ahead += 599
  assert.equal((await send(broker.url)).json['code'], 'approval_denied')
  clock.ahead += 2
  const again = await send(broker.url)
  assert.equal(again.json['code'], 'approval_required')
  assert.notEqual(idOf(again), id)
  assert.equal(reached(volume), 0)
})

test('silence is a no, and what was approved is good for no longer than was said', async () => {
  const { broker, approver, standIn, clock, reached, state } = gated
  const granted = await another({ expiry_seconds: 60 })
  const send = async (volume: string) => railway(broker.url, await granted.token(), removal(volume))
  const silent = addVolume(standIn.world)
  const unused = addVolume(standIn.world)
  const silentId = idOf(await send(silent))
  const unusedId = idOf(await send(unused))
  await approver.approve(unusedId)
  clock.ahead += 61
  assert.notEqual(idOf(await send(silent)), silentId)
  assert.notEqual(idOf(await send(unused)), unusedId)
  assert.equal(reached(silent) + reached(unused), 0)
  assert.deepEqual([await state(silentId), await state(unusedId)], ['expired', 'expired'])
  assert.equal((await approver.tryTo('approve', silentId)).status, 409)
})

for (const [who, terms, headers] of [
  ['Prefer: wait', { expiry_seconds: 15 }, { prefer: 'wait=30' }],
  ['the grant’s own waiting time', { wait_seconds: 30, expiry_seconds: 15 }, {}],
] as const)
  test(`${who} holds the call open until a person has decided`, async (t) => {
    const { broker, other, approver, standIn, clock, reached } = gated
    const granted = await another(terms)
    const pendingOf = () =>
      until('it is parked', async () => {
        const { items } = await broker.api<{ items: { id: string }[] }>(
          'GET',
          `/v1/approvals?agent=${granted.agentId}&state=pending`,
        )
        return items[0]?.id
      })
    await t.test('and goes through where it was a yes, over another replica', async () => {
      const volume = addVolume(standIn.world)
      const call = railway(broker.url, await granted.token(), removal(volume), headers)
      await approver.approve(await pendingOf(), other.url)
      const answer = await call
      assert.equal(answer.status, 200, answer.text)
      assert.equal(reached(volume), 1)
    })
    await t.test('and is told so where nobody decided in time, and asks nobody else', async () => {
      const volume = addVolume(standIn.world)
      const call = railway(broker.url, await granted.token(), removal(volume), headers)
      const id = await pendingOf()
      clock.ahead += 20
      const answer = await call
      assert.deepEqual([answer.status, answer.json['code']], [403, 'approval_denied'])
      assert.match(String(answer.json['detail']), /nobody decided in time/)
      assert.equal(approvalOf(answer)['id'], id)
      assert.equal(reached(volume), 0)
    })
    await t.test('and is refused at once where it was a no', async () => {
      const volume = addVolume(standIn.world)
      const began = performance.now()
      const call = railway(broker.url, await granted.token(), removal(volume), headers)
      await approver.deny(await pendingOf(), other.url)
      const answer = await call
      assert.deepEqual([answer.status, answer.json['code']], [403, 'approval_denied'])
      assert.ok(performance.now() - began < 20_000, 'long before the wait is over')
      assert.equal(reached(volume), 0)
    })
  })

test('of two calls that wait with the same request one goes through, and the other asks nobody again', async () => {
  const { broker, other, approver, standIn, reached } = gated
  const granted = await another()
  const volume = addVolume(standIn.world)
  const token = await granted.token()
  const calls = [broker.url, other.url].map((url) =>
    railway(url, token, removal(volume), { prefer: 'wait=20' }),
  )
  const list = async () =>
    (await broker.api<{ items: { id: string }[] }>('GET', `/v1/approvals?agent=${granted.agentId}`))
      .items
  const [first] = await until('it is parked', async () => {
    const items = await list()
    return items.length > 0 ? items : undefined
  })
  await approver.approve(first?.id ?? '')
  const answers = await Promise.all(calls)
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal(reached(volume), 1)
  assert.equal((await list()).length, 1)
})

test('a call that waited in vain is told what it would have been told at once', async () => {
  const { standIn, remove } = gated
  const answer = await remove(addVolume(standIn.world), { headers: { prefer: 'wait=1' } })
  assert.equal(answer.json['code'], 'approval_required', answer.text)
})

test('a call that is held open does not outlive its capability', async () => {
  const { broker, standIn, reached } = gated
  const granted = await another()
  const token = await granted.token()
  const volume = addVolume(standIn.world)
  const call = railway(broker.url, token, removal(volume), { prefer: 'wait=60' })
  await until('it is parked', async () => {
    const path = `/v1/approvals?agent=${granted.agentId}`
    return (await broker.api<{ items: unknown[] }>('GET', path)).items[0]
  })
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  const { jti } = JSON.parse(claims) as { jti: string }
  await broker.api('POST', `/v1/capabilities/${jti}/revoke`, {})
  const answer = await call
  assert.deepEqual([answer.status, answer.json['code']], [401, 'capability_revoked'])
  assert.equal(reached(volume), 0)
})

test('an agent holds no more than 32 calls open, and those beyond are answered at once', async () => {
  const { broker, approver, standIn } = gated
  const granted = await another()
  const token = await granted.token()
  const volume = addVolume(standIn.world)
  const waiting = new Set<Promise<unknown>>()
  const calls = Array.from({ length: 33 }, () => {
    const call = railway(broker.url, token, removal(volume), { prefer: 'wait=60' })
    waiting.add(call)
    void call.then(() => waiting.delete(call))
    return call
  })
  const first = await Promise.race(calls)
  assert.equal(first.json['code'], 'approval_required')
  await approver.deny(idOf(first))
  const codes = (await Promise.all(calls)).map(({ json }) => json['code'])
  assert.deepEqual(
    [codes.filter((code) => code === 'approval_required').length, codes.length],
    [1, 33],
  )
})

test('where a condition does not hold nobody is asked', async () => {
  const { broker, standIn, reached } = gated
  const preconditions = [{ name: 'newest_independent_backup', max_age_seconds: 86_400 }]
  const granted = await another({ preconditions })
  const volume = addVolume(standIn.world)
  const refused = await railway(broker.url, await granted.token(), removal(volume))
  assert.equal(refused.json['code'], 'precondition_unmet', refused.text)
  assert.deepEqual(refused.json['preconditions'], ['newest_independent_backup'])
  const { items } = await broker.api<{ items: unknown[] }>(
    'GET',
    `/v1/approvals?agent=${granted.agentId}`,
  )
  assert.deepEqual([items, reached(volume)], [[], 0])
})

test('what the agent says of it is kept apart, and changes nothing of what is asked', async () => {
  const { standIn, remove, read } = gated
  const volume = addVolume(standIn.world)
  const said = 'approved by the CTO already, just click'
  const first = await remove(volume, { headers: { 'valetkey-reason': said } })
  const again = await remove(volume, { headers: { 'valetkey-reason': 'something else' } })
  assert.equal(idOf(again), idOf(first))
  assert.ok(!first.text.includes(said))
  const { words, document } = await read(idOf(first))
  assert.equal(words, said)
  assert.ok(!JSON.stringify(document).includes(said))
})

test('for an agent that hung up while it waited, nothing is sent', async () => {
  const { broker, approver, standIn, reached, state, remove } = gated
  const volume = addVolume(standIn.world)
  const token = await gated.granted.token()
  const request = httpRequest(`${broker.url}/proxy/railway/graphql/v2`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      prefer: 'wait=60',
    },
  })
  request.on('error', () => undefined)
  request.end(removal(volume))
  const parked = await until('it is parked', async () => {
    const { items } = await broker.api<{ items: { id: string }[] }>(
      'GET',
      `/v1/approvals?agent=${gated.granted.agentId}&state=pending&limit=100`,
    )
    for (const { id } of items) if (JSON.stringify(await gated.read(id)).includes(volume)) return id
    return undefined
  })
  request.destroy()
  await approver.approve(parked)
  // Its refusal is the last that is heard of the call.
  await until('the call is over', async () =>
    (await entries(broker)).some(
      (entry) => entry.kind === 'decision' && JSON.stringify(entry).includes(volume),
    )
      ? true
      : undefined,
  )
  assert.equal(reached(volume), 0)
  assert.equal(await state(parked), 'approved')
  assert.equal((await remove(volume, { token })).status, 200)
  assert.equal(reached(volume), 1)
})

test('an agent’s reason in any language is read as it was written', async () => {
  const { standIn, remove, read } = gated
  const asLatin1 = (text: string) => Buffer.from(text).toString('latin1')
  for (const [sent, kept] of [
    [asLatin1('空き容量を作る — größer, 🚀'), '空き容量を作る — größer, 🚀'],
    // One byte for each character, which is no UTF-8.
    ['gr\u00f6\u00dfer', 'größer'],
    // However long: the first 500 characters, none of them half.
    [asLatin1('🚀'.repeat(600)), '🚀'.repeat(500)],
  ] as const) {
    const headers = { 'valetkey-reason': sent }
    const { words } = await read(idOf(await remove(addVolume(standIn.world), { headers })))
    assert.equal(words, kept)
  }
})

test('a call that is held open counts once against the limit of its grant', async () => {
  const { broker, approver, standIn, reached } = gated
  const granted = await grantOn(broker, gatedGrant({ requests_per_minute: 1 }))
  await ownedBy(broker, granted, approver)
  const volume = addVolume(standIn.world)
  const token = await granted.token()
  const call = railway(broker.url, token, removal(volume), { prefer: 'wait=60' })
  const parked = await until('it is parked', async () => {
    const path = `/v1/approvals?agent=${granted.agentId}`
    return (await broker.api<{ items: { id: string }[] }>('GET', path)).items[0]
  })
  await approver.approve(parked.id)
  const answer = await call
  assert.equal(answer.status, 200, answer.text)
  assert.equal(reached(volume), 1)
  assert.equal((await railway(broker.url, token, removal(volume))).json['code'], 'rate_limited')
})
