import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import {
  clientSecret,
  deleteLabel,
  firstRefreshToken,
  openMintedStage,
  readIssues,
  replaceSecret,
} from '../support/minted-stage.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('two replicas refresh once, and go out with the same', async (t) => {
  const stage = await openMintedStage(t)
  const { broker, granted, provider, service } = stage
  const other = await broker.replica()
  const token = await granted.token()
  const before = service.issued.length
  service.answer = async (truth) => {
    // So that both are at it at once.
    await new Promise((resolve) => setTimeout(resolve, 300))
    return truth
  }
  provider.seen.length = 0
  const answers = await Promise.all(
    [broker.url, other.url, broker.url, other.url].map((url) => deleteLabel(url, token)),
  )
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  )
  assert.equal(service.issued.length, before + 1)
  assert.equal(service.alive, true, 'no refresh token was used twice')
  const sent = provider.seen.filter(({ line }) => line.startsWith('DELETE'))
  assert.equal(sent.length, 4)
  assert.equal(new Set(sent.map((one) => one.authorization)).size, 1)
  // One of another narrowing goes on with the refresh token that the last one left.
  await broker.broker.db.deleteFrom('credential_minted').execute()
  broker.broker.deps.minter.clear()
  other.broker.deps.minter.clear()
  service.answer = undefined
  for (const url of [broker.url, other.url])
    assert.equal((await readIssues(url, token)).status, 200)
  assert.equal(service.issued.length, before + 2)
})

test('what replaces the refresh token is durable with what came with it, and with the entry of it', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const { db } = broker.broker
  // A log that takes everything but this, and counts what it did not take: a sequence is not rolled back.
  await sql`create sequence refused_mints`.execute(db)
  await sql`
    create function refuse_mint() returns trigger language plpgsql as $$
    begin
      if new.entries like '%"credential.mint"%' then
        perform nextval('refused_mints');
        raise exception 'no';
      end if;
      return new;
    end $$
  `.execute(db)
  await sql`
    create trigger refuse_mint before insert on audit_batch for each row execute function refuse_mint()
  `.execute(db)
  provider.seen.length = 0
  const before = service.issued.length
  const waiting = deleteLabel(broker.url, await granted.token())
  await until('it was refreshed', () => (service.issued.length > before ? true : undefined))
  // Meanwhile nothing is used; the refresh token that the provider gave is not lost, though.
  await until('it was tried again and again to keep it', async () => {
    const { rows } = await sql<{
      tries: string
    }>`select last_value as tries from refused_mints`.execute(db)
    return Number(rows[0]?.tries) >= 3 ? true : undefined
  })
  const { rows: claims } = await sql<{ left: string }>`
    select extract(epoch from minting_until - clock_timestamp()) as left from credential_version
  `.execute(db)
  assert.ok(
    claims.some(({ left }) => Number(left) > 60),
    'nobody uses the former one again for as long as it is tried',
  )
  assert.equal(
    provider.seen.filter(({ line }) => line.startsWith('DELETE')).length,
    0,
    'nothing went out that is not on record',
  )
  await sql`drop trigger refuse_mint on audit_batch`.execute(db)
  assert.equal((await waiting).status, 200)
  assert.equal(service.issued.length, before + 1)
  const [entry] = (await entries(broker))
    .filter((one) => one['action'] === 'credential.mint')
    .slice(-1)
  assert.equal(entry?.['result'], 'done')
})

test('a consent that is over is seen by an admin, tried once, and mended by another', async (t) => {
  const stage = await openMintedStage(t)
  const { broker, granted, service } = stage
  const token = await granted.token()
  service.alive = false
  const asked = service.requests.length
  for (let i = 0; i < 5; i++) {
    const answer = await deleteLabel(broker.url, token)
    assert.equal(answer.status, 503, answer.text)
    assert.equal(answer.json['code'], 'unavailable')
    assert.match(answer.text, /refuses to mint/)
    assert.ok(!/invalid_grant|refresh|login\.provider/.test(answer.text), 'the rest is for the log')
  }
  assert.equal(service.requests.length, asked + 1, 'it is asked once')
  const path = `/v1/credentials/${granted.credentialId}`
  assert.deepEqual((await broker.api('GET', path))['reach'], {
    kind: 'rejected',
    detail: 'the token endpoint answered 400: invalid_grant',
  })
  const log = await entries(broker)
  const refused = log.filter(
    (one) => one['action'] === 'credential.mint' && one['result'] === 'refused',
  )
  assert.equal(refused.length, 1)
  assert.equal((refused[0]?.['change'] as { dead?: boolean } | undefined)?.dead, true)
  assert.equal(log.filter((one) => one['action'] === 'credential.rejected').length, 1)
  // The stand-in has a new consent.
  service.alive = true
  const latest = service.issued.at(-1)?.refreshToken
  const secret = JSON.stringify({ refresh_token: latest, client_secret: clientSecret })
  const replaced = await replaceSecret(stage, { secret })
  assert.equal((replaced['reach'] as { kind: string }).kind, 'unknown')
  assert.equal((await deleteLabel(broker.url, token)).status, 200)
  assert.notEqual(latest, firstRefreshToken)
})
