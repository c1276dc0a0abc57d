/** A provider that gives back what it was sent, and what its token service knows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientSecret, openMintedStage, readIssues } from '../support/minted-stage.ts'

test('an answer holds neither what was minted nor what it was minted with', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const token = await granted.token()
  assert.equal((await readIssues(broker.url, token)).status, 200)
  const minted = service.issued.at(-1)
  assert.ok(minted)
  const secrets = [minted.accessToken, minted.refreshToken, clientSecret]
  const encodings = [
    (secret: string) => secret,
    (secret: string) => Buffer.from(secret).toString('base64'),
    (secret: string) => Buffer.from(secret).toString('hex'),
    (secret: string) => encodeURIComponent(secret).replaceAll('_', '%5F'),
  ]
  for (const encode of encodings)
    for (const secret of secrets) {
      const said = encode(secret)
      provider.answer = () => ({
        status: 200,
        headers: { 'x-echo': said, location: `https://example.com/?t=${said}` },
        json: { before: 1, said, after: 2 },
      })
      const answer = await readIssues(broker.url, token)
      assert.equal(answer.status, 200, answer.text)
      assert.ok(!answer.text.includes(said), answer.text)
      assert.ok(String(answer.json['said']).startsWith('[redacted]'), answer.text)
      assert.deepEqual([answer.json['before'], answer.json['after']], [1, 2])
      for (const [name, value] of answer.headers)
        assert.ok(!value.includes(said), `${name}: ${value}`)
    }
})
