/** A dry run of a request that needs a person: what they would be asked, and what it has come to; nobody is asked. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openStage, read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

type Explained = {
  readonly decision: string
  readonly approval?: {
    readonly sentence: string
    readonly standing: { readonly id: string; readonly state: string; readonly url: string } | null
  }
}

test('explain gives the sentence that a person would read, and the approval that stands', async (t) => {
  const { broker, granted } = await openStage(t, {
    grant: { verbs: ['read'], approval: 'always' },
  })
  const explain = () =>
    broker.api<Explained>('POST', '/v1/explain', {
      grant: granted.grantId,
      method: 'POST',
      target: '/graphql/v2',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(read),
    })
  const before = await explain()
  assert.equal(before.decision, 'needs_approval')
  assert.match(String(before.approval?.sentence), /^railway environment .* pocketos\/staging: read/)
  assert.equal(before.approval?.standing, null)
  const none = await broker.api<{ items: unknown[] }>('GET', '/v1/approvals')
  assert.deepEqual(none.items, [], 'a dry run parks nothing')

  const refused = await railway(broker.url, await granted.token(), read)
  const { id, page, sentence } = refused.json['approval'] as Record<string, string>
  const after = await explain()
  assert.deepEqual(after.approval, { sentence, standing: { id, state: 'pending', url: page } })
})
