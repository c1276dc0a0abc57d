/** Leases of what nobody can end before its time: a session of AWS, a token of a cluster's account. A whole broker each. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { startAwsStandIn, type AwsStandIn } from '../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { startKubernetesStandIn, type KubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { askLease, endOwn, shownLease } from '../support/lease.ts'
import { clusterMinting } from '../support/minting-grant.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { grantOn, type Granted } from '../support/world.ts'

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}
const account = '111111111111'
const role = `arn:aws:iam::${account}:role/staging`
const minter = 'token-of-the-account-that-makes-tokens'

let aws: AwsStandIn
let cluster: KubernetesStandIn
let broker: TestBroker
let replica: { readonly url: string }

before(async () => {
  aws = await startAwsStandIn(keys, { account, buckets: {}, instances: {}, roles: { [role]: {} } })
  cluster = await startKubernetesStandIn(minter, {
    'staging/deployer': 'edit',
    'staging/viewer': 'view',
  })
  broker = await openTestBroker(undefined, {
    upstreams: { aws: aws.origin, kubernetes: cluster.origin },
  })
  replica = await broker.replica()
})
after(async () => {
  await broker.close()
  for (const each of [aws, cluster]) await each.close()
})

const handOut = { verbs: ['read+secret'], approval: 'never', hand_out: true }

function ofAws(grant: Record<string, unknown> = {}): Promise<Granted> {
  return grantOn(broker, {
    provider: 'aws',
    bindings: [{ provider: 'aws', kind: 'account', id: account }],
    secret: JSON.stringify(keys),
    mint: { kind: 'aws_sts', role_arn: role, region: 'eu-west-1' },
    grant: { ...handOut, max_lifetime_seconds: 900, ...grant },
  })
}

function ofCluster(grant: Record<string, unknown> = {}): Promise<Granted> {
  return clusterMinting(broker, minter, { ...handOut, max_lifetime_seconds: 900, ...grant })
}

test('a session of a role is handed out as a key pair that signs, and reads alone', async () => {
  const { status, json, text } = await askLease(broker.url, await (await ofAws()).token())
  assert.equal(status, 201, text)
  const pair = JSON.parse(String(json['token'])) as typeof keys & { sessionToken: string }
  const session = [...aws.sessions.values()].find(
    (one) => one.keys.sessionToken === pair.sessionToken,
  )
  assert.ok(session !== undefined)
  assert.ok(JSON.stringify(session.policy).includes('ec2:Describe*'))
  assert.equal((json['use'] as { signs: unknown }).signs, 'aws4')
  assert.equal(json['works_until'], json['expires_at'])
  const log = JSON.stringify(await entries(broker))
  for (const secret of [pair.secretAccessKey, pair.sessionToken, keys.secretAccessKey])
    assert.ok(!log.includes(secret))
})

test('a token of an account that reads is handed out, and of no other', async () => {
  const { status, json, text } = await askLease(broker.url, await (await ofCluster()).token())
  assert.equal(status, 201, text)
  assert.equal(cluster.accounts.tokens.get(String(json['token']))?.name, 'viewer')
  assert.ok(!JSON.stringify(await entries(broker)).includes(String(json['token'])))
})

test('it is not handed out for longer than its grant allows', async () => {
  for (const granted of [
    await ofAws({ max_lifetime_seconds: 899 }),
    await ofCluster({ max_lifetime_seconds: 599 }),
  ]) {
    const { status, json } = await askLease(broker.url, await granted.token())
    assert.deepEqual([status, json['code']], [403, 'not_handed_out'])
  }
})

for (const [what, grant] of [
  ['a session of AWS', ofAws],
  ['a token of a cluster', ofCluster],
] as const)
  test(`${what} that was ended is shown for as long as it works, and counts`, async () => {
    const granted = await grant()
    const token = await granted.token()
    const asked = await Promise.all(
      Array.from({ length: 10 }, (_, i) => askLease([broker, replica][i % 2]?.url ?? '', token)),
    )
    const given = asked.filter(({ status }) => status === 201)
    assert.equal(given.length, 5)
    assert.ok(asked.every(({ json, status }) => status === 201 || json['code'] === 'lease_limited'))
    for (const { json } of given) await endOwn(broker.url, token, String(json['id']))
    for (const { json } of given) {
      const shown = await until('it is over', async () => {
        const found = await shownLease(broker, json['id'])
        return found.state === 'not_revocable' ? found : undefined
      })
      assert.equal(shown.works_until, json['works_until'])
    }
    const rows = await broker.broker.db
      .selectFrom('lease')
      .select(['sealed_token'])
      .where('grant_id', '=', granted.grantId as never)
      .execute()
    assert.ok(rows.every(({ sealed_token }) => sealed_token === null))
    const { json } = await askLease(replica.url, token)
    assert.equal(json['code'], 'lease_limited')
  })
