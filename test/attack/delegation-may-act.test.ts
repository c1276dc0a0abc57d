/** An agent that acts for another without having been named, or names others itself, or does not say that it acts. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { addHelper, childOf, claimsOf, exchangeFor, holderOf } from '../support/delegation.ts'
import { openFederated } from '../support/federated.ts'
import { entries, read } from '../support/stage.ts'
import { railway, tokenRequest } from '../support/world.ts'

test('whoever acts for another', async (t) => {
  const { broker, granted, rule, capability } = await openFederated(t)
  const holder = holderOf(granted)
  const [b, c, d, e, f] = await Promise.all(
    ['b', 'c', 'd', 'e', 'f'].map((name) => addHelper(broker, `helper ${name}`)),
  )
  assert.ok(b && c && d && e && f)
  const { url } = broker
  const naming = (...may_act: string[]) => ({ details: { may_act } })

  async function refused(...args: Parameters<typeof exchangeFor>): Promise<void> {
    const { status, body } = await exchangeFor(...args)
    assert.ok(status === 400 || status === 401, JSON.stringify(body))
    assert.equal(body['access_token'], undefined)
  }

  await t.test('was named by the capability that it shows', async () => {
    const unnamed = await granted.token()
    const forC = await granted.token({ may_act: [c.id] })
    await refused(url, b, unnamed)
    await refused(url, b, forC)
    // To say so oneself is not enough.
    await refused(url, b, unnamed, naming(b.id))
    await refused(url, b, forC, naming(b.id))
    await refused(url, b, forC, { form: { client_id: c.id } })
    await refused(url, b, forC, { form: { client_id: granted.agentId } })
    // Not even to have been named in what the parent itself was exchanged from.
    const narrowed = await childOf(url, holder, forC)
    await refused(url, c, narrowed)
    const entry = (await entries(broker)).findLast(({ kind }) => kind === 'issuance')
    assert.equal((entry?.['actor'] as { id: string } | undefined)?.id, c.id)
    assert.equal(entry?.['result'], 'refused')
  })

  await t.test('shows its own key, and no token of another in place of it', async () => {
    const parent = await granted.token({ may_act: [b.id] })
    await refused(url, undefined, parent)
    await refused(url, undefined, parent, { form: { client_id: b.id } })
    await refused(url, { id: b.id, key: c.key }, parent)
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const { body } = await tokenRequest(url, granted.agentId, granted.agentKey)
    for (const actor of [parent, String(body['access_token']), 'x']) {
      const form = { actor_token: actor, actor_token_type: type }
      await refused(url, c, parent, { form })
      await refused(url, undefined, parent, { form })
      await refused(url, holder, parent, { form })
    }
    await refused(url, b, parent, { form: { actor_token_type: type } })
    assert.equal((await exchangeFor(url, b, parent)).status, 200)
  })

  await t.test('is in what it gets, and in the log, with whom it acts for', async () => {
    const parent = await granted.token({ may_act: [b.id, c.id] })
    const first = await childOf(url, b, parent, naming(c.id))
    const second = await childOf(url, c, first)
    const narrowed = await childOf(url, c, second)
    const claims = claimsOf(narrowed)
    assert.equal(claims['sub'], granted.agentId)
    assert.equal(claims['client_id'], c.id)
    assert.deepEqual(claims['act'], { sub: c.id, act: { sub: b.id } })
    assert.equal(claims['may_act'], undefined)
    assert.deepEqual(
      claims['ancestors'],
      [parent, first, second].map((of) => claimsOf(of)['jti']),
    )
    assert.equal((await railway(url, narrowed, read)).status, 200)
    const log = await entries(broker)
    for (const kind of ['issuance', 'decision']) {
      const entry = log.findLast((one) => one.kind === kind)
      assert.equal((entry?.['actor'] as { id: string } | undefined)?.id, c.id, kind)
      const chain = entry?.['onBehalfOf'] as { id: string }[]
      assert.deepEqual(
        chain.map(({ id }) => id),
        [b.id, granted.agentId],
        kind,
      )
      // Whoever asks what an agent did finds what others did for it.
      for (const actor of [c.id, b.id, granted.agentId] as readonly string[]) {
        const found: { items: { entry: unknown }[] } = await broker.api(
          'GET',
          `/v1/audit?kind=${kind}&actor=${actor}`,
        )
        assert.deepEqual(found.items[0]?.entry, entry, actor)
      }
    }
  })

  await t.test('names nobody whom the agent has not named', async () => {
    const parent = await granted.token({ may_act: [b.id, c.id] })
    await refused(url, b, parent, naming(d.id))
    await refused(url, b, parent, naming(b.id))
    await refused(url, b, parent, naming(c.id, d.id))
    const child = await childOf(url, b, parent)
    await refused(url, c, child)
    await refused(url, b, child, naming(c.id))
    // In place of the one in between.
    await refused(url, c, parent)
    // Nor does the holder of a copy, where the copy is the only proof.
    await rule({ exchanges_per_token: 20 })
    const token = await capability()
    await refused(url, undefined, token, naming(b.id))
    assert.equal((await exchangeFor(url, undefined, token)).status, 200)
    assert.equal((await exchangeFor(url, holder, token, naming(b.id))).status, 200)
  })

  await t.test('does not stand twice in a chain, nor in one that is too long', async () => {
    for (const may_act of [
      [granted.agentId],
      [b.id, b.id],
      [b.id, granted.agentId],
      [b.id, c.id, d.id, e.id, f.id],
    ]) {
      const { status } = await tokenRequest(url, granted.agentId, granted.agentKey, { may_act })
      assert.equal(status, 400, may_act.join())
    }
    let token = await granted.token({ may_act: [b.id, c.id, d.id, e.id] })
    for (const [i, by] of [b, c, d, e].entries()) {
      const rest = [c, d, e].slice(i).map(({ id }) => id)
      token = await childOf(url, by, token, rest.length === 0 ? {} : naming(...rest))
    }
    assert.equal((await railway(url, token, read)).status, 200)
    await refused(url, e, token, naming(f.id))
    await refused(url, f, token)
    for (let i = 0; i < 4; i++) token = await childOf(url, e, token)
    await refused(url, e, token)
  })

  await t.test('has nothing of a workload’s but by its own key', async () => {
    const token = await capability()
    const named = await childOf(url, holder, token, naming(b.id))
    const delegated = await childOf(url, b, named)
    assert.equal(claimsOf(delegated)['rule'], claimsOf(token)['rule'])
    // Where somebody acts, the capability alone proves nothing.
    await refused(url, undefined, delegated)
    assert.equal((await exchangeFor(url, b, delegated)).status, 200)
  })

  await t.test('asks for no access of the agent’s', async () => {
    const child = await childOf(url, b, await granted.token({ may_act: [b.id] }))
    for (const [method, path] of [
      ['POST', ''],
      ['GET', '/own'],
    ] as const) {
      const response = await fetch(`${url}/v1/access-requests${path}`, {
        method,
        headers: { authorization: `Bearer ${child}`, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: '{"verbs":["volumeDelete"]}' } : {}),
      })
      assert.equal(response.status, 403, path)
      const { code, title } = (await response.json()) as Record<string, unknown>
      assert.deepEqual([code, title], ['forbidden', 'Whoever asks may not do this'])
    }
  })
})
