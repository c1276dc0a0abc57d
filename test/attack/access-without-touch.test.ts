/**
 * Whoever has an approver's password and cookie, and the agent that asks, but not the authenticator: access is given with
 * a signature over exactly what is given, once, and with nothing else; nor with a code where a code is not enough.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { readEvidence } from '../../src/approval/evidence.ts'
import { verifyEvidence } from '../../src/approval/verify-evidence.ts'
import type { FullAssertion } from '../support/authenticator.ts'
import { openAsking } from '../support/asking.ts'
import { adminPassword as password } from '../support/broker.ts'
import { openBrowser, testPublicUrl, touch, type Browser } from '../support/browser.ts'
import { entries } from '../support/stage.ts'

test('access is not given', async (t) => {
  const { broker, approver, clock, owners, asked, prepare, touched, person, keyOf, grant } =
    await openAsking(t)
  const bob = await person('bob', ['approver'])
  await owners(approver, bob)
  const key = keyOf(approver)
  const verbs = ['environmentRename', 'volumeCreate']
  const wish = { verbs, duration_seconds: 600 }
  const id = await asked(wish)
  const give = async (assertion: unknown, more: object = {}, by: Browser = approver, of = id) =>
    (
      await by.send('POST', `/v1/access-requests/${of}/grant`, {
        password,
        ...more,
        ...(assertion === undefined ? {} : { assertion }),
      })
    ).status
  const asking = async (more: Record<string, unknown> = {}, by = approver, of = id) =>
    (await prepare(by, of, more)).body['options'] as { challenge: string }
  const signed = async (more?: Record<string, unknown>) => key.assert(await asking(more))
  const given = async () =>
    (await broker.api<{ items: unknown[] }>('GET', '/v1/grants')).items.length - 1

  await t.test('for the password and the cookie alone, which are told where to go', async () => {
    const answer = await approver.send('POST', `/v1/access-requests/${id}/grant`, { password })
    assert.equal(answer.status, 403)
    assert.match(
      String(answer.body['detail']),
      new RegExp(`${testPublicUrl}/access-requests/${id}`),
    )
    assert.equal(await given(), 0)
  })

  await t.test('without the password, before the touch or with it', async () => {
    const bare = await approver.send('POST', `/v1/access-requests/${id}/options`, {})
    assert.equal(bare.status, 403)
    assert.equal((await prepare(approver, id, { password: 'not it' })).status, 403)
    assert.equal(await give(await signed(), { password: 'not it' }), 403)
    assert.equal(await given(), 0)
  })

  await t.test('for a touch over less, for more: verbs, time or another request', async () => {
    const less = { verbs: ['environmentRename'] }
    const other = await asked({ verbs: ['volumeCreate'] })
    assert.equal(await give(await signed(less)), 403)
    assert.equal(await give(await signed(), less), 403, 'nor for less than was signed')
    assert.equal(await give(await signed({ duration_seconds: 60 })), 403)
    assert.equal(await give(await signed(), {}, approver, other), 403)
    assert.equal(await given(), 0)
  })

  await t.test('for somebody else’s touch, or what somebody else was asked', async () => {
    const theirs = keyOf(bob)
    assert.equal(await give(theirs.assert(await asking())), 403)
    assert.equal(await give(key.assert(await asking({}, bob))), 409, 'none of theirs is open')
    await asking()
    assert.equal(await give(key.assert(await asking({}, bob))), 403)
    assert.equal(await given(), 0)
  })

  await t.test('for a touch that was for something else', async () => {
    const parked = { challenge: Buffer.alloc(32, 7).toString('base64url') }
    await asking()
    assert.equal(await give(key.assert(parked)), 403)
    // The open challenge itself, as a registration would sign it, and a touch for another act that is open now.
    const document = (await prepare(approver, id)).body['document'] as { nonce: string }
    assert.equal(await give(key.assert({ challenge: document.nonce })), 403)
    assert.equal(await give(await touch(approver, key, 'passkey.remove', id)), 403)
    assert.equal(await given(), 0)
  })

  await t.test('for a touch that was tried before, or took longer than five minutes', async () => {
    const used = await signed()
    assert.equal(await give(used, { verbs: ['volumeCreate'] }), 403)
    assert.equal(await give(used), 409)
    const late = await signed()
    clock.ahead += 301
    assert.equal(await give(late), 409)
    const old = await signed()
    await asking()
    assert.equal(await give(old), 403, 'a newer one is open')
    assert.equal(await given(), 0)
  })

  await t.test('for what is not the person: no PIN, another page, a frame', async () => {
    const wrong = async (how: Parameters<typeof key.assert>[1]) =>
      give(key.assert(await asking(), how))
    assert.equal(await wrong({ userVerified: false }), 403)
    assert.equal(await wrong({ origin: 'http://localhost:9999' }), 403)
    assert.equal(await wrong({ crossOrigin: true }), 403)
    assert.equal(await given(), 0)
  })

  await t.test('for a passkey that was removed between the touch and its use', async () => {
    const eve = await person('eve', ['approver'])
    await owners(approver, bob, eve)
    const send = await touched(eve, id)
    await broker.broker.db
      .deleteFrom('passkey')
      .where('operator_id', '=', eve.operatorId as never)
      .execute()
    assert.equal((await send()).status, 403)
    assert.equal(await given(), 0)
  })

  await t.test(
    'twice for one touch, and is what was signed: evidence says so, offline',
    async () => {
      const less = { verbs: ['volumeCreate'], duration_seconds: 300 }
      const assertion: FullAssertion = await signed(less)
      assert.equal(await give(assertion, less), 200)
      assert.equal(await give(assertion, less), 409)
      assert.equal(await given(), 1)
      const { body } = await approver.send('GET', `/v1/access-requests/${id}/evidence`)
      const file = JSON.stringify(body)
      const [one] = JSON.parse(file) as [Record<string, never>]
      const read = readEvidence(Buffer.from(file))
      assert.ok(read.ok && read.evidence[0] !== undefined)
      const report = await verifyEvidence(read.evidence[0], { origin: testPublicUrl })
      assert.equal(report.verdict, 'verified', JSON.stringify(report))
      assert.match(report.proven.join('\n'), new RegExp(id))
      const { document } = one as unknown as { document: Record<string, unknown> }
      assert.deepEqual(document['verbs'], [{ verb: 'volumeCreate', effects: ['write'] }])
      assert.equal(document['seconds'], 300)
      for (const change of [
        { seconds: 600 },
        { verbs: [{ verb: 'volumeDelete', effects: ['write'] }] },
        { environment: { ...(document['environment'] as object), name: 'pocketos/production' } },
      ]) {
        const forged = readEvidence(
          Buffer.from(JSON.stringify({ ...one, document: { ...document, ...change } })),
        )
        assert.ok(forged.ok && forged.evidence[0] !== undefined)
        assert.equal((await verifyEvidence(forged.evidence[0])).verdict, 'refuted')
      }
      const entry = (await entries(broker)).findLast(
        (each) => each['action'] === 'access_request.grant' && each['result'] === 'done',
      )
      const change = entry?.['change'] as { signed: string; proof: { fingerprint: string } }
      assert.equal(change.proof.fingerprint, report.fingerprint)
      assert.equal(
        change.signed,
        Buffer.from(
          JSON.parse(Buffer.from(assertion.response.clientDataJSON, 'base64url').toString())
            .challenge as string,
          'base64url',
        ).toString('hex'),
      )
    },
  )

  await t.test('by who has no passkey, and owns the environment all the same', async () => {
    const dan = await openBrowser(broker, 'dan', ['approver'])
    await owners(approver, bob, dan)
    const next = await asked({ verbs: ['environmentRename'], duration_seconds: 77 })
    assert.equal((await prepare(dan, next)).status, 409)
    assert.equal(await give(undefined, {}, dan, next), 403)
    assert.equal((await grant(bob, next)).status, 200)
  })
})

test('access is given with a one-time code only where a code is enough', async (t) => {
  let now = Date.now()
  const { broker, granted, approver, owners, asked, keyOf } = await openAsking(t, {
    now: () => now,
  })
  const switched = (one_time_codes: 'on' | 'off') =>
    broker.api('PATCH', '/v1/approval-settings', { one_time_codes, password })
  await switched('on')
  const subject = approver.operatorId
  const assertion = await touch(approver, keyOf(approver), 'one_time_code.enrol', subject)
  const { body } = await approver.send('POST', '/v1/one-time-code', { password, assertion })
  const secret = String(body['secret'])
  const codeNow = () => generate({ secret, epoch: Math.floor(now / 1000) })
  const confirmed = { code: await codeNow() }
  assert.equal((await approver.send('POST', '/v1/one-time-code/confirm', confirmed)).status, 200)
  const give = async (id: string, code: string, more: object = {}) => {
    const all = { password, code, ...more }
    return approver.send('POST', `/v1/access-requests/${id}/grant`, all)
  }
  const fresh = () => {
    now += 61_000
    return codeNow()
  }
  const id = await asked()

  await t.test('not while an admin has switched them off', async () => {
    await switched('off')
    assert.equal((await give(id, await fresh())).status, 403)
    await switched('on')
  })

  await t.test('not in a protected environment', async () => {
    const path = `/v1/environments/${granted.environmentId}`
    await broker.api('PATCH', path, { protected: true })
    const protectedOne = await asked({ verbs: ['volumeCreate'] })
    assert.equal((await give(protectedOne, await fresh())).status, 403)
    await broker.api('PATCH', path, { protected: false, password })
  })

  await t.test('not with a wrong one, nor one beside a touch', async () => {
    const good = await fresh()
    const wrong = good === '123456' ? '654321' : '123456'
    assert.equal((await give(id, wrong)).status, 403)
    assert.equal((await give(id, good, { assertion })).status, 400)
  })

  await t.test('once, and what is kept of it proves nothing', async () => {
    const code = await fresh()
    const answer = await give(id, code)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    assert.equal((answer.body['granted'] as { proof: string }).proof, 'one_time_code')
    const other = await asked({ verbs: ['volumeCreate'] })
    assert.equal((await give(other, code)).status, 403)
    const kept = await approver.send('GET', `/v1/access-requests/${id}/evidence`)
    const read = readEvidence(Buffer.from(JSON.stringify(kept.body)))
    assert.ok(read.ok && read.evidence[0] !== undefined)
    assert.equal((await verifyEvidence(read.evidence[0])).verdict, 'unverifiable')
  })

  await t.test('not by who owns nothing there', async () => {
    await owners(await openBrowser(broker, 'olga', ['approver']))
    const next = await asked({ verbs: ['environmentDelete'] })
    assert.equal((await give(next, await fresh())).status, 403)
  })
})
