/**
 * A header of the agent's that never leaves asks for an answer with its secrets in it. What a person approved without it
 * is another request than the same with it: their yes covers no secret that they were not told of.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApprover } from '../support/approver.ts'
import { openTestBroker } from '../support/broker.ts'
import { ownedBy } from '../support/gated.ts'
import { startKubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { answerOf, grantOn, type Answer } from '../support/world.ts'

type Asked = {
  readonly problem: { readonly code: string; readonly approval: { readonly id: string } }
}

test('a yes to a reading with its secrets taken out is none to one with them', async (t) => {
  const cluster = await startKubernetesStandIn('cluster-token')
  t.after(() => cluster.close())
  const broker = await openTestBroker(t, { upstreams: { kubernetes: cluster.origin } })
  const granted = await grantOn(broker, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret: 'cluster-token',
    grant: { verbs: ['read', 'core.v1.pods/get+secret'], approval: 'always' },
  })
  const approver = await openApprover(broker)
  await ownedBy(broker, granted, approver)
  const token = await granted.token()
  const path = '/api/v1/namespaces/staging/pods/web-1'
  const read = async (headers: Record<string, string>): Promise<Answer> =>
    answerOf(
      await fetch(`${broker.url}/proxy/kubernetes${path}`, {
        headers: { authorization: `Bearer ${token}`, ...headers },
      }),
    )
  const askedBy = ({ json, text }: Answer) => {
    const { problem } = json as Asked
    assert.equal(problem.code, 'approval_required', text)
    return problem.approval.id
  }
  const plain = askedBy(await read({}))
  await approver.approve(plain)
  const revealing = askedBy(await read({ 'valetkey-reveal': 'secret' }))
  assert.notEqual(revealing, plain)
  const reached = () => cluster.requests.filter(({ line }) => line === `GET ${path}`).length
  assert.equal(reached(), 0)
  const { sentence } = await broker.api('GET', `/v1/approvals/${revealing}`)
  assert.match(String(sentence), /secret/)
  assert.equal((await read({})).status, 200)
  assert.equal(reached(), 1)
})
