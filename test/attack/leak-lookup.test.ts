/**
 * The provider hands the credential back where the broker itself asked: in the name of what a request is about. That name
 * is in the sentence that the agent gets with its refusal, and in what the approver reads.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { openTestBroker } from '../support/broker.ts'
import * as world from '../support/digitalocean-stand-in.ts'
import { answerOf, grantOn } from '../support/world.ts'

test('what the broker is told of an object holds no credential', async (t) => {
  const provider = await world.startDigitaloceanStandIn()
  t.after(() => provider.close())
  const echoing = createServer((request, response) => {
    void (async () => {
      const { authorization = '' } = request.headers
      const answer = await fetch(provider.origin + String(request.url), {
        headers: { authorization },
      })
      const text = await answer.text()
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(text.replaceAll('staging-data', `is ${world.token}`))
    })()
  })
  await new Promise<void>((resolve) => echoing.listen(0, '127.0.0.1', resolve))
  t.after(() => echoing.close())
  const address = echoing.address()
  assert.ok(address !== null && typeof address === 'object')
  const origin = `http://127.0.0.1:${String(address.port)}`
  const broker = await openTestBroker(t, { upstreams: { digitalocean: origin } })
  const granted = await grantOn(broker, {
    provider: 'digitalocean',
    bindings: [{ provider: 'digitalocean', kind: 'project', id: world.staging }],
    secret: world.token,
    grant: { verbs: ['volumes_delete'] },
  })
  const refused = await answerOf(
    await fetch(`${broker.url}/proxy/digitalocean/v2/volumes/${world.stagingVolume}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${await granted.token()}` },
    }),
  )
  assert.equal(refused.json['code'], 'approval_required', refused.text)
  const { id, sentence } = refused.json['approval'] as Record<string, string>
  assert.match(String(sentence), /the volume "is /)
  const read = await broker.api<object>('GET', `/v1/approvals/${String(id)}`)
  for (const text of [refused.text, JSON.stringify(read)]) assert.ok(!text.includes(world.token))
})
