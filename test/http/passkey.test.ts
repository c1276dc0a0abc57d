import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { generate } from 'otplib'
import { adminPassword, openTestBroker, type TestBroker } from '../support/broker.ts'
import { createAuthenticator, type Misbehaviour } from '../support/authenticator.ts'
import {
  openBrowser,
  registerPasskey,
  testPublicUrl,
  touch,
  type Browser,
} from '../support/browser.ts'

const password = adminPassword
type Entry = Record<string, unknown> & { readonly change?: Record<string, unknown> }

async function entries(broker: TestBroker, action: string): Promise<readonly Entry[]> {
  const rows = await broker.broker.db
    .selectFrom('audit_entry')
    .select('canonical')
    .where('kind', '=', 'admin')
    .orderBy('id')
    .execute()
  return rows
    .map(({ canonical }) => JSON.parse(canonical) as Entry)
    .filter((entry) => entry['action'] === action)
}

type Begun = { readonly challenge: string; readonly touch: { readonly challenge: string } }

async function optionsOf(browser: Browser): Promise<Begun> {
  const { status, body } = await browser.send('POST', '/v1/passkeys/options', { password })
  assert.equal(status, 200, JSON.stringify(body))
  return { ...(body['options'] as object), touch: body['touch'] } as Begun
}

test('passkeys over REST', async (t) => {
  let now = Date.now()
  const broker = await openTestBroker(t, { now: () => now })
  const ada = await openBrowser(broker, 'ada', ['approver'])
  const sam = await openBrowser(broker, 'sam', ['approver'])
  const admin = await openBrowser(broker, broker.admin.name)
  const laptop = createAuthenticator({ origin: testPublicUrl })

  await t.test('are registered in a browser, with the password, and are on record', async () => {
    const options = await optionsOf(ada)
    assert.equal(options.touch, undefined)
    const authenticator = laptop
    const registration = authenticator.register(options)
    const answer = await ada.send('POST', '/v1/passkeys', { name: 'laptop', registration })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    const fingerprint = createHash('sha256').update(authenticator.publicKey).digest('hex')
    assert.equal(answer.body['fingerprint'], fingerprint)
    assert.equal(answer.body['operator'], ada.operatorId)
    assert.equal(answer.body['algorithm'], 'ES256')
    const entry = (await entries(broker, 'passkey.register')).at(-1)
    assert.equal(entry?.['result'], 'done')
    assert.equal(entry['subject'], answer.body['id'])
    assert.equal(entry.change?.['fingerprint'], fingerprint)
    const list = await ada.send('GET', '/v1/passkeys')
    assert.deepEqual(list.body, { items: [answer.body] })
  })

  await t.test('are not offered to an authenticator that has one already', async () => {
    await registerPasskey(ada, 'phone', laptop)
    const { options } = (await ada.send('POST', '/v1/passkeys/options', { password })).body as {
      options: { excludeCredentials: { id: string }[]; attestation: string }
    }
    assert.equal(options.excludeCredentials.length, 2)
    assert.equal(options.attestation, 'none')
  })

  await t.test('are not registered without the right password', async () => {
    for (const body of [{}, { password: 'wrong horse battery staple' }]) {
      const answer = await ada.send('POST', '/v1/passkeys/options', body)
      assert.ok([400, 403].includes(answer.status))
      assert.equal(answer.body['options'], undefined)
    }
  })

  await t.test('are registered once with the same options, whatever came of it', async () => {
    for (const wrong of [{}, { userVerified: false }] satisfies Misbehaviour[]) {
      const options = await optionsOf(ada)
      const send = (authenticator = createAuthenticator({ origin: testPublicUrl }), as = wrong) =>
        ada.send('POST', '/v1/passkeys', {
          name: 'key',
          registration: authenticator.register(options, as),
          assertion: laptop.assert(options.touch),
        })
      await send()
      const again = await send(undefined, {})
      assert.equal(again.status, 409)
    }
  })

  await t.test('are not registered after five minutes', async () => {
    const options = await optionsOf(ada)
    now += 300_000
    const registration = createAuthenticator({ origin: testPublicUrl }).register(options)
    const assertion = laptop.assert(options.touch)
    const answer = await ada.send('POST', '/v1/passkeys', { name: 'late', registration, assertion })
    assert.equal(answer.status, 409)
  })

  await t.test('that are refused are on record with what was wrong', async () => {
    const cases: readonly (readonly [Misbehaviour, string])[] = [
      [{ userVerified: false }, 'user_not_verified'],
      [{ origin: 'https://evil.test' }, 'wrong_origin'],
      [{ rpId: 'evil.test' }, 'wrong_relying_party'],
      [{ challenge: randomBytes(32).toString('base64url') }, 'wrong_challenge'],
    ]
    for (const [wrong, reason] of cases) {
      const options = await optionsOf(ada)
      const registration = createAuthenticator({ origin: testPublicUrl }).register(options, wrong)
      const assertion = laptop.assert(options.touch)
      const body = { name: 'key', registration, assertion }
      const answer = await ada.send('POST', '/v1/passkeys', body)
      assert.equal(answer.status, 403)
      const refused = (await entries(broker, 'passkey.register')).map((each) => each['reason'])
      assert.ok(refused.slice(-2).includes(reason), `${reason}: ${refused.join()}`)
    }
  })

  await t.test('are one operator’s: another cannot register the same', async () => {
    const authenticator = createAuthenticator({ origin: testPublicUrl })
    const register = async (browser: Browser, have?: typeof laptop) => {
      const options = await optionsOf(browser)
      const registration = authenticator.register(options)
      const assertion = have?.assert(options.touch)
      return browser.send('POST', '/v1/passkeys', { name: 'shared', registration, assertion })
    }
    assert.equal((await register(ada, laptop)).status, 201)
    assert.equal((await register(sam)).status, 409)
  })

  await t.test('of others are seen by admins and auditors alone', async () => {
    const path = `/v1/passkeys?operator=${ada.operatorId}`
    assert.equal((await sam.send('GET', path)).status, 403)
    const seen = await admin.send('GET', path)
    assert.ok((seen.body['items'] as unknown[]).length > 2)
    assert.deepEqual((await admin.send('GET', '/v1/passkeys')).body, { items: [] })
  })

  await t.test('are removed by their owner, in a browser, with a touch', async () => {
    const { id } = await registerPasskey(ada, 'lost', laptop)
    const path = `/v1/passkeys/${id}/remove`
    const assertion = await touch(ada, laptop, 'passkey.remove', id)
    const wrong = { password: 'wrong horse battery', assertion }
    assert.equal((await ada.send('POST', path, wrong)).status, 403)
    assert.equal((await sam.send('POST', path, { password })).status, 404)
    assert.equal((await ada.send('POST', path, { password })).status, 403)
    assert.equal((await ada.asCli('POST', path, { password, assertion })).status, 403)
    assert.equal((await ada.send('POST', path, { password, assertion })).status, 200)
    assert.equal((await ada.send('POST', path, { password, assertion })).status, 404)
  })

  await t.test('of the last approver can be removed, which the log says loudly', async () => {
    assert.deepEqual(await entries(broker, 'approval.nobody_left'), [])
    const { items } = (await admin.send('GET', `/v1/passkeys?operator=${ada.operatorId}`)).body as {
      items: { id: string }[]
    }
    const left: unknown[] = []
    for (const { id } of items) {
      const { status, body } = await admin.asCli('POST', `/v1/passkeys/${id}/remove`, { password })
      assert.equal(status, 200)
      left.push(body['approvers_left'])
    }
    assert.deepEqual(left, [...items.slice(1).map(() => 1), 0])
    const [loud, ...more] = await entries(broker, 'approval.nobody_left')
    assert.deepEqual(more, [])
    assert.equal(loud?.['subject'], items.at(-1)?.id)
    assert.match(String(loud?.['reason']), /nobody can approve/)
    const removed = (await entries(broker, 'passkey.remove')).at(-1)
    assert.equal(removed?.change?.['operator'], ada.operatorId)
    assert.equal(removed.change['approvers_left'], 0)
  })
})

test('a broker on an address says why it can have no passkeys', async (t) => {
  const publicUrl = 'http://127.0.0.1:8474'
  const broker = await openTestBroker(t, { publicUrl })
  const sent = await fetch(`${broker.url}/v1/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: publicUrl, host: '127.0.0.1:8474' },
    body: JSON.stringify({ name: broker.admin.name, password, cookie: true }),
  })
  const cookie = (sent.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const answer = await fetch(`${broker.url}/v1/passkeys/options`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: publicUrl, cookie },
    body: JSON.stringify({ password }),
  })
  assert.equal(answer.status, 409)
  assert.match(await answer.text(), /host name/)
})

test('one-time codes over REST', async (t) => {
  const now = Date.now()
  const broker = await openTestBroker(t, { now: () => now })
  const ada = await openBrowser(broker, 'ada', ['approver'])
  const admin = await openBrowser(broker, broker.admin.name)
  const settings = '/v1/approval-settings'
  const on = { one_time_codes: 'on', password }

  await t.test('are off, and only an admin with a password switches them on', async () => {
    assert.deepEqual((await ada.send('GET', settings)).body, { one_time_codes: 'off' })
    assert.equal((await ada.send('POST', '/v1/one-time-code', { password })).status, 409)
    assert.equal((await ada.send('PATCH', settings, on)).status, 403)
    const wrong = { ...on, password: 'wrong horse battery staple' }
    assert.equal((await admin.send('PATCH', settings, wrong)).status, 403)
    assert.deepEqual((await ada.send('GET', settings)).body, { one_time_codes: 'off' })
    assert.equal((await admin.send('PATCH', settings, on)).status, 200)
    assert.deepEqual((await ada.send('GET', settings)).body, { one_time_codes: 'on' })
    const [entry] = await entries(broker, 'approval_setting.update')
    assert.ok(entry !== undefined)
  })

  await t.test('are set up in a browser with the password, and never by a bearer', async () => {
    const path = '/v1/one-time-code'
    assert.equal((await ada.asCli('POST', path, { password })).status, 403)
    assert.equal((await ada.send('POST', path, { password: 'wrong horse battery' })).status, 403)
    const { status, body } = await ada.send('POST', path, { password })
    assert.equal(status, 201)
    assert.deepEqual((await ada.send('GET', path)).body, { state: 'waiting' })
    const code = await generate({ secret: String(body['secret']), epoch: Math.floor(now / 1000) })
    const bad = code === '000000' ? '000001' : '000000'
    assert.equal((await ada.send('POST', `${path}/confirm`, { code: bad })).status, 403)
    assert.equal((await ada.asCli('POST', `${path}/confirm`, { code })).status, 403)
    assert.equal((await ada.send('POST', `${path}/confirm`, { code })).status, 200)
    assert.deepEqual((await ada.send('GET', path)).body, { state: 'enrolled' })
    assert.equal((await ada.send('POST', path, { password })).status, 409)
    const log = JSON.stringify(
      await broker.broker.db.selectFrom('audit_entry').select('canonical').execute(),
    )
    assert.ok(!log.includes(String(body['secret'])))
    assert.ok(!log.includes(code))
  })

  await t.test('are removed by their owner or an admin, nobody else', async () => {
    const path = '/v1/one-time-code/remove'
    const sam = await openBrowser(broker, 'sam', ['approver'])
    const body = { operator: ada.operatorId, password }
    assert.equal((await sam.send('POST', path, body)).status, 403)
    assert.equal((await admin.asCli('POST', path, body)).status, 200)
    assert.equal((await ada.asCli('POST', path, { password })).status, 404)
  })
})
