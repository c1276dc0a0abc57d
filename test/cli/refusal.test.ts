import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf, unreachable } from '../../src/cli/refusal.ts'
import { problemBody } from '../../src/problem.ts'

const where = 'http://localhost:8474'

test('a problem is one sentence with its code, a line for each field, and the correlation id', () => {
  const failure = refusalOf(
    400,
    problemBody(
      'invalid_request',
      {
        detail: 'body /name is missing.',
        errors: [
          { pointer: '/name', detail: 'is missing' },
          { pointer: '', detail: 'is too long' },
        ],
      },
      'req_1',
    ),
    where,
  )
  assert.equal(failure.message, 'Refused: body /name is missing (invalid_request).')
  assert.deepEqual(failure.notes, [
    '  /name: is missing',
    '  (all of it): is too long',
    'correlation id: req_1',
  ])
  assert.equal(failure.exitCode, 1)
  assert.equal(failure.code, 'invalid_request')
})

test('OAuth’s own form of an error is read the same way', () => {
  const failure = refusalOf(
    401,
    { error: 'invalid_client', error_description: 'the key is wrong' },
    where,
  )
  assert.equal(failure.message, 'Refused: the key is wrong (invalid_client).')
})

test('what has a next step says it', () => {
  const sealed = refusalOf(503, problemBody('sealed', { detail: 'sealed' }), where)
  assert.match(sealed.notes.join('\n'), /valetkey unseal/)
  const signIn = refusalOf(401, problemBody('sign_in_required', { detail: 'sign in' }), where)
  assert.match(signIn.notes.join('\n'), /valetkey login/)
})

for (const body of [null, 'x', [], {}, { code: 1, detail: 2 }, { code: '__proto__' }]) {
  test(`an answer that is no problem (${JSON.stringify(body)}) is called no broker’s`, () => {
    assert.match(refusalOf(502, body, where).message, /not a Valetkey broker \(HTTP 502\)/)
  })
}

test('a code that is a name of Object.prototype has no next step', () => {
  const failure = refusalOf(400, { code: 'constructor', detail: 'd' }, where)
  assert.deepEqual(failure.notes, [])
})

test('a refused connection says that no broker runs, and how to start one', () => {
  const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  const failure = unreachable(new TypeError('fetch failed', { cause: refused }), where)
  assert.match(failure.message, /No broker runs at http:\/\/localhost:8474/)
  assert.match(failure.notes.join('\n'), /npm start/)
})

test('a refusal that waits for a person says what they are asked, and where', () => {
  const approval = {
    id: 'apr_1',
    state: 'pending',
    sentence: 'railway volumeDelete of the volume v1 in acme/staging',
    url: `${where}/agent/approvals/apr_1`,
    page: `${where}/approvals/apr_1`,
    expires_at: '2026-01-02T03:04:05.000Z',
  }
  const details = { detail: 'a person must approve this', members: { approval } }
  const failure = refusalOf(403, problemBody('approval_required', details), where)
  assert.deepEqual(failure.notes, [
    `a person is asked: ${approval.sentence}`,
    `approval: ${where}/approvals/apr_1`,
    'state: pending, until 2026-01-02T03:04:05.000Z',
  ])
})

for (const approval of [null, 'x', [], { sentence: 1, page: {} }])
  test(`an approval that is none (${JSON.stringify(approval)}) adds nothing`, () => {
    assert.deepEqual(refusalOf(403, { code: 'c', detail: 'd', approval }, where).notes, [])
  })
