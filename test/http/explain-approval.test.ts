/** A dry run of a request that needs a person: what they would be asked, and what it has come to; nobody is asked. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openGated } from '../support/gated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { openStage, read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

type Explained = {
  readonly decision: string
  readonly approval?: {
    readonly sentence: string
    readonly not_approvable?: string
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

test('explain says where nobody would be asked, because not all could be shown', async (t) => {
  const { broker, granted } = await openGated(t, {
    grant: { verbs: ['variableUpsert'], approval: 'always' },
  })
  const { project, staging } = railwayIds
  const explain = async (length: number) => {
    const query = `mutation { variableUpsert(input: { projectId: "${project}", environmentId: "${staging}", name: "A", value: "${'x'.repeat(length)}" }) }`
    const explained = await broker.api<Explained>('POST', '/v1/explain', {
      grant: granted.grantId,
      method: 'POST',
      target: '/graphql/v2',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    })
    assert.equal(explained.decision, 'needs_approval')
    return explained.approval?.not_approvable
  }
  assert.equal(await explain(10), undefined)
  assert.match(String(await explain(20_001)), /^its arguments are 20\d{3} characters/)
})
