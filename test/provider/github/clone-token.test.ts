import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestBroker } from '../../support/broker.ts'
import { cloneToken, startGithubStandIn } from '../../support/github-stand-in.ts'
import { answerOf, grantOn } from '../../support/world.ts'

const token = 'ghp_canary000000000000000000000000000000'
const repository = 'acme/app-staging'

test('a token that GitHub adds to a private repository comes back redacted, and the answer says so', async (t) => {
  const github = await startGithubStandIn({ token })
  t.after(() => github.close())
  const broker = await openTestBroker(t, { upstreams: { github: github.origin } })
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: repository }],
    secret: token,
  })
  const answer = await answerOf(
    await fetch(`${broker.url}/proxy/github/repos/${repository}`, {
      headers: { authorization: `Bearer ${await granted.token()}` },
    }),
  )
  assert.equal(answer.status, 200)
  assert.ok(!answer.text.includes(cloneToken))
  assert.equal(answer.json['temp_clone_token'], '[redacted]')
  assert.equal(answer.json['full_name'], repository)
  assert.equal(answer.headers.get('valetkey-redacted'), 'temp_clone_token')
})
