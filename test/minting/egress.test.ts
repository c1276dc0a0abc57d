import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  clientSecret,
  deleteLabel,
  firstRefreshToken,
  mintParameters,
  openMintedStage,
  readIssues,
} from '../support/minted-stage.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('what leaves is what was minted, as narrow as the request, and never what lies in the vault', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const credential = await broker.api('GET', `/v1/credentials/${granted.credentialId}`)
  assert.deepEqual(credential['mint'], mintParameters)
  assert.equal((credential['reach'] as { kind: string }).kind, 'unknown')
  // It was asked for when the credential was stored, with what was minted.
  assert.equal(service.issued.length, 1)
  const token = await granted.token()
  assert.equal((await readIssues(broker.url, token)).status, 200)
  assert.equal((await readIssues(broker.url, token)).status, 200)
  assert.equal(service.issued.length, 1, 'what only reads shares one')
  assert.equal((await deleteLabel(broker.url, token)).status, 200)
  assert.deepEqual(
    service.issued.map(({ scope }) => scope),
    ['repo:read', 'repo:read repo:write'],
  )
  const [reading, writing] = service.issued.map(({ accessToken }) => `Bearer ${accessToken}`)
  assert.deepEqual([...new Set(provider.seen.map((one) => one.authorization))], [reading, writing])
  assert.equal(provider.seen.find(({ line }) => line.startsWith('DELETE'))?.authorization, writing)
  const log = await entries(broker)
  const minted = log.filter((entry) => entry['action'] === 'credential.mint')
  assert.equal(minted.length, 2)
  const text = JSON.stringify(log)
  for (const secret of [
    clientSecret,
    firstRefreshToken,
    ...service.issued.flatMap((one) => [one.accessToken, one.refreshToken]),
  ])
    assert.ok(!text.includes(secret), 'nothing of it is in the log')
})

test('a token that the provider does not accept is replaced, and the request after it has another', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const token = await granted.token()
  assert.equal((await readIssues(broker.url, token)).status, 200)
  const [first] = service.issued
  const honest = provider.answer
  // Ended early, at the provider.
  provider.answer = (request) =>
    request.headers['authorization'] === `Bearer ${first?.accessToken ?? ''}`
      ? { status: 401, headers: {}, json: { message: 'Bad credentials' } }
      : honest(request)
  assert.equal((await readIssues(broker.url, token)).status, 401, 'the provider’s own answer')
  assert.equal((await readIssues(broker.url, token)).status, 200)
  assert.equal(service.issued.length, 2)
  provider.answer = () => ({ status: 401, headers: {}, json: {} })
  for (let i = 0; i < 5; i++) await readIssues(broker.url, token)
  assert.equal(
    service.issued.length,
    2,
    'one that is refused whatever it is, is not replaced again and again',
  )
})

test('a token service that is away is told from the provider’s own answers, and nothing is sent', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const token = await granted.token()
  await broker.broker.db.deleteFrom('credential_minted').execute()
  broker.broker.deps.minter.clear()
  provider.seen.length = 0
  service.answer = () => ({ status: 503, headers: {}, json: { error: 'temporarily_unavailable' } })
  const answer = await readIssues(broker.url, token)
  assert.equal(answer.status, 502, answer.text)
  assert.equal(answer.json['code'], 'upstream_unreachable')
  assert.equal(answer.headers.get('valetkey-problem'), 'upstream_unreachable')
  assert.equal(provider.seen.length, 0)
  const id = answer.json['correlation_id']
  await until('its outcome is on record', async () =>
    (await entries(broker)).some(
      (entry) =>
        entry.kind === 'outcome' && entry['correlationId'] === id && entry['result'] === 'not_sent',
    )
      ? true
      : undefined,
  )
  const log = await entries(broker)
  const refused = log.findLast((entry) => entry['action'] === 'credential.mint')
  assert.equal(refused?.['result'], 'refused')
  assert.equal(refused?.['detail'], 'unavailable: the token endpoint answered 503')
})
