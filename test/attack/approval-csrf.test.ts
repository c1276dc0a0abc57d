/** A page of another site in the approver's own browser: it may send, link and frame; nothing may come of it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readApproval } from '../../src/approval/store.ts'
import { openBrowser, registerPasskey, testPublicUrl } from '../support/browser.ts'
import { getPage, signInCookie } from '../support/console.ts'
import { parkOn } from '../support/parked-approval.ts'
import { openStage } from '../support/stage.ts'

test('another site', async (t) => {
  const { broker, granted } = await openStage(t)
  const { id } = await parkOn(broker, granted, { holdSeconds: 600 })
  const admin = await openBrowser(broker, broker.admin.name)
  const { authenticator } = await registerPasskey(admin)
  const cookie = await signInCookie(broker, broker.admin.name)
  const state = async () => (await readApproval(broker.broker.db, id))?.state
  const prepared = await admin.send('POST', `/v1/approvals/${id}/options`, { decision: 'approve' })
  const options = prepared.body['options'] as { challenge: string }
  const send = async (path: string, headers: Record<string, string>, body: unknown) =>
    fetch(`${broker.url}/v1/approvals/${id}/${path}`, {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const bodies = [
    ['decision', { decision: 'approve', assertion: authenticator.assert(options) }],
    ['options', { decision: 'approve' }],
    ['cancel', {}],
  ] as const

  await t.test(
    'cannot decide or stop anything with the cookie, from any origin but ours',
    async () => {
      for (const [path, body] of bodies) {
        for (const origin of [
          undefined,
          'null',
          'https://evil.example',
          `${testPublicUrl}.evil.example`,
        ]) {
          const answer = await send(path, origin === undefined ? {} : { origin }, body)
          assert.equal(answer.status, 403, `${path} from ${String(origin)}`)
        }
      }
      assert.equal(await state(), 'pending')
    },
  )

  await t.test('cannot send a form in place of JSON', async () => {
    for (const [path, body] of bodies) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        const answer = await send(path, { origin: testPublicUrl, 'content-type': type }, body)
        assert.equal(answer.status, 415, path)
      }
    }
    for (const path of ['/sign-in', '/passkeys', '/break-glass', `/approvals/${id}`])
      assert.equal(
        (await getPage(broker, path, { cookie, origin: testPublicUrl }, 'POST')).status,
        404,
      )
    assert.equal(await state(), 'pending')
  })

  await t.test(
    'cannot frame a page, open it into its reach, or learn where it was linked from',
    async () => {
      for (const path of [
        '/sign-in',
        '/approvals',
        `/approvals/${id}`,
        '/passkeys',
        '/break-glass',
        '/console/script.js',
      ]) {
        const { headers, status } = await getPage(broker, path, { cookie })
        assert.equal(status, 200, path)
        assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/, path)
        assert.match(
          String(headers['content-security-policy']),
          /form-action 'self'; base-uri 'none'/,
        )
        assert.equal(headers['x-frame-options'], 'DENY')
        assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
        assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
        assert.equal(headers['referrer-policy'], 'no-referrer')
        assert.equal(headers['x-content-type-options'], 'nosniff')
        assert.equal(headers['cache-control'], 'no-store')
      }
    },
  )

  await t.test(
    'changes nothing with a link: whatever is read, the approval stays as it was',
    async () => {
      const before = await readApproval(broker.broker.db, id)
      for (const path of [
        '/approvals',
        `/approvals/${id}`,
        `/approvals/${id}?decision=approve`,
        '/passkeys',
        '/sign-in?next=https://evil.example',
        `/v1/approvals/${id}`,
        `/v1/approvals/${id}/decision?decision=approve`,
        `/v1/approvals/${id}/cancel`,
        `/v1/approvals/${id}/evidence`,
      ])
        await getPage(broker, path, { cookie })
      assert.deepEqual(await readApproval(broker.broker.db, id), before)
    },
  )

  await t.test(
    'gets a form to sign in, and nothing of the approval, where nobody is signed in',
    async () => {
      for (const path of ['/approvals', `/approvals/${id}`, '/passkeys', '/break-glass']) {
        const page = await getPage(broker, path)
        assert.equal(page.status, 401, path)
        assert.match(page.text, /<form method="post" action="\/sign-in" data-sign-in>/)
        assert.ok(!page.text.includes('volumeDelete') && !page.text.includes(id))
      }
      const elsewhere = await getPage(broker, '/sign-in?next=https://evil.example')
      assert.ok(!elsewhere.text.includes('evil'), 'no address is taken from a request')
    },
  )

  await t.test(
    'that reaches this machine by another name is sent to ours, with nothing of its own',
    async () => {
      const { host } = new URL(broker.url)
      for (const [path, to] of [
        [`/approvals/${id}?x=https://evil.example`, `/approvals/${id}`],
        ['/approvals', '/approvals'],
        ['/break-glass?x=https://evil.example', '/break-glass'],
        ['/approvals/%2f%2fevil.example', '/approvals/'],
      ] as const) {
        const page = await getPage(broker, path, { host, cookie })
        assert.deepEqual([page.status, page.headers['location']], [307, `${testPublicUrl}${to}`])
      }
    },
  )

  await t.test('has changed nothing: the person decides as before', async () => {
    const assertion = authenticator.assert(options)
    const answer = await admin.send('POST', `/v1/approvals/${id}/decision`, {
      decision: 'approve',
      assertion,
    })
    assert.equal(answer.status, 200)
    assert.equal(await state(), 'held')
  })
})
