/**
 * An approval is of all that a person was shown. An agent that wants one for something that they would refuse writes it
 * behind so much that nobody is shown the end of it: in one long argument, or spread over many root fields. Nobody is asked
 * then, at all.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openGated } from '../support/gated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { railway } from '../support/world.ts'

test('what cannot be shown whole is refused, and nobody is asked', async (t) => {
  const { broker, granted } = await openGated(t, {
    grant: { verbs: ['read', 'variableUpsert'], approval: 'always' },
  })
  const token = await granted.token({ verbs: ['variableUpsert'] })
  const create = (alias: string, length: number) =>
    `${alias}: variableUpsert(input: { projectId: "${railwayIds.project}", environmentId: "${railwayIds.staging}", name: "${alias}", value: "${'x'.repeat(length)}" })`
  const one = await railway(broker.url, token, { query: `mutation { ${create('a', 30_000)} }` })
  assert.equal(one.json['code'], 'not_approvable', one.text)
  const fields = Array.from({ length: 5 }, (_, i) => create(`a${String(i)}`, 4_500)).join(' ')
  const many = await railway(broker.url, token, { query: `mutation { ${fields} }` })
  assert.equal(many.json['code'], 'not_approvable', many.text)
  assert.match(many.text, /20000 at the most, and never a part/)
  const parked = await broker.api<{ items: readonly unknown[] }>('GET', '/v1/approvals')
  assert.deepEqual(parked.items, [])
  const short = await railway(broker.url, token, { query: `mutation { ${create('a', 19_000)} }` })
  assert.equal(short.json['code'], 'approval_required', short.text)
})
