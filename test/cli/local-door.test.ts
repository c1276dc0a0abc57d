import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createLocalDoor, newLocalSecret } from '../../src/cli/local-door.ts'

const secret = newLocalSecret()
const door = createLocalDoor(secret, undefined)

function asked(headers: Readonly<Record<string, string>>) {
  return door({ rawHeaders: Object.entries(headers).flat(), target: '/proxy/github/user' })
}
const encoded = (text: string): string => Buffer.from(text).toString('base64')

test('a client that knows HTTP Basic alone puts the secret in the place of a name or a password', () => {
  for (const pair of [`x-access-token:${secret}`, `${secret}:`, `${secret}:x-oauth-basic`]) {
    const admitted = asked({ Authorization: `Basic ${encoded(pair)}`, Accept: '*/*' })
    assert.deepEqual(admitted, {
      ok: true,
      headers: ['Accept', '*/*'],
      carrier: { name: 'authorization', prefix: 'Basic ' },
    })
  }
})

test('nothing else in HTTP Basic opens it, and nothing that is Basic in another field', () => {
  for (const value of [
    `Basic ${encoded(`x:${secret.slice(0, -1)}`)}`,
    `Basic ${encoded(`x:${secret}x`)}`,
    `Basic ${encoded(`x:y:${secret}`)}`,
    `Basic ${encoded(secret)}`,
    `Basic ${encoded(':')}`,
    `Basic ${secret}`,
    'Basic ',
    `Bearer ${encoded(`x:${secret}`)}`,
  ]) {
    const admitted = asked({ authorization: value })
    assert.equal(admitted.ok ? '' : admitted.code, 'capability_missing', value)
  }
  const elsewhere = asked({ 'x-api-key': `Basic ${encoded(`x:${secret}`)}` })
  assert.ok(!elsewhere.ok)
  const twice = asked({ authorization: `Basic ${encoded(`x:${secret}`)}`, 'x-api-key': secret })
  assert.equal(twice.ok ? '' : twice.code, 'capability_invalid')
})

test('it is open to what a capability is for, and to nothing that is an operator’s', () => {
  const opened = (target: string): string => {
    const admitted = door({ rawHeaders: ['authorization', `Bearer ${secret}`], target })
    return admitted.ok ? 'admitted' : admitted.code
  }
  for (const target of [
    '/proxy/github/user',
    '/agent/approvals/apr_1',
    '/agent/approvals/apr_1/answer',
    '/v1/access-requests',
    '/v1/access-requests/own?limit=1',
    '/v1/leases',
    '/v1/leases/own?limit=1',
    '/v1/leases/own/ls_1',
  ])
    assert.equal(opened(target), 'admitted', target)
  for (const target of [
    '/v1/approvals/apr_1/decision',
    '/v1/access-requests-of-others',
    '/v1/leases/ls_1/revoke',
    '/v1/leases/owned',
    '/agent/approvals',
    '/oauth/token',
    'http://elsewhere.example/proxy/github/user',
  ])
    assert.equal(opened(target), 'not_found', target)
})
