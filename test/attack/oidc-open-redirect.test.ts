/** Open redirects: where a sign-in goes on to is a page of ours, by name, whatever the link said that it began with. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { pageNamed } from '../../src/http/identity/attempt.ts'

const approval = `apr_${'0'.repeat(26)}`

for (const asked of [
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/approvals/../../evil',
  '/approvals//evil.example',
  '/approvals/https:evil',
  `/approvals/${approval}/x`,
  `/approvals/acc_${'0'.repeat(26)}`,
  `/operators/${approval}`,
  '/sign-in/callback',
  '/v1/sign-out',
  'javascript:alert(1)',
  '/approvals?next=//evil',
  '/approvals#x',
  '/approvals\n',
  '/constructor',
  '',
  undefined,
])
  test(`${JSON.stringify(asked)} leads to the first page`, () => {
    assert.equal(pageNamed(asked), '/approvals')
  })

for (const asked of ['/passkeys', '/operators', '/break-glass', `/approvals/${approval}`])
  test(`${asked} leads there`, () => {
    assert.equal(pageNamed(asked), asked)
  })
