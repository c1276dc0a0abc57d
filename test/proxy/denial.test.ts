import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DenyReason } from '../../src/core/decide.ts'
import { auditReason, denialOf } from '../../src/proxy/denial.ts'

const because = (reason: DenyReason) => denialOf({ kind: 'deny', reason }, 'acme/staging')

const missing = {
  kind: 'verb_missing',
  operation: 'repos/get',
  verbs: ['repos/get'],
  grantCovers: false,
} as const

test('what changed since the grant was reviewed says that a review is the way out', () => {
  for (const unreviewed of ['new', 'changed'] as const) {
    const { code, details } = because({ ...missing, unreviewed })
    assert.equal(code, 'verb_missing')
    assert.match(details.detail, /review the grant \(valetkey grant review\)/)
    assert.equal(details.members?.['unreviewed'], unreviewed)
    assert.equal(details.members['ask'], 'admin')
  }
  // Another grant with the verb that this one has already would be no way out.
  assert.doesNotMatch(because({ ...missing, unreviewed: 'changed' }).details.detail, /for the verb/)
  const plain = because(missing).details
  assert.doesNotMatch(plain.detail, /review/)
  assert.match(plain.detail, /ask an admin for the verb repos\/get in acme\/staging/)
})

test('what nobody could approve says so, and what can be done instead', () => {
  const reason = { kind: 'not_approvable', operation: 'files/upload' } as const
  const { code, details } = because(reason)
  assert.equal(code, 'not_approvable')
  assert.match(details.detail, /its body is not read/)
  assert.deepEqual(auditReason({ kind: 'deny', reason }), {
    reason: 'not_approvable',
    about: ['files/upload'],
  })
})

test('a missing verb that the grant lacks says where to ask for it, and only where that can help', () => {
  const members = (reason: DenyReason) => because(reason).details.members ?? {}
  assert.equal(members(missing)['access_request'], '/v1/access-requests')
  assert.match(because(missing).details.detail, /POST \/v1\/access-requests/)
  assert.equal(members({ ...missing, unreviewed: 'new' })['access_request'], '/v1/access-requests')
  assert.ok(!('access_request' in members({ ...missing, grantCovers: true })))
  assert.ok(!('access_request' in members({ ...missing, unreviewed: 'changed' })))
})

test('what needs a person says that one must approve it, and why', () => {
  const { code, details } = denialOf(
    { kind: 'needs_approval', because: ['volumeDelete is destructive'] },
    'acme/staging',
  )
  assert.equal(code, 'approval_required')
  assert.equal(details.detail, 'a person must approve this: volumeDelete is destructive')
})
