/** A whole broker over providers that are as strict as the real ones about whom they let in: what leaves is what was minted. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EC2Client, DescribeInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { startAwsStandIn, type AwsStandIn } from '../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { startGithubStandIn, type GithubStandIn } from '../support/github-stand-in.ts'
import { startKubernetesStandIn, type KubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { clusterMinting } from '../support/minting-grant.ts'
import { rsaKey } from '../support/minting.ts'
import { startRailwayStandIn, type RailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'
import { entries } from '../support/stage.ts'
import { answerOf, grantOn, railway } from '../support/world.ts'

const privateKey = rsaKey().pkcs1
const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}
const account = '111111111111'
const role = `arn:aws:iam::${account}:role/staging`
const instance = 'i-0123456789abcdef0'
const minter = 'token-of-the-account-that-makes-tokens'
const workspace = 'rw_workspace_token_9f8Zq0T0k3n'

let github: GithubStandIn
let aws: AwsStandIn
let cluster: KubernetesStandIn
let standIn: RailwayStandIn
let broker: TestBroker

before(async () => {
  const app = {
    privateKey,
    appId: '77',
    clientId: 'Iv23liStandIn',
    installationId: '4321',
    account: 'acme',
    permissions: { metadata: 'read', contents: 'write', issues: 'write', members: 'write' },
  }
  github = await startGithubStandIn({ token: 'nobody-has-this-one', app })
  aws = await startAwsStandIn(keys, {
    account,
    buckets: {},
    instances: { [instance]: { owner: account } },
    roles: { [role]: {} },
  })
  cluster = await startKubernetesStandIn(minter, {
    'staging/deployer': 'edit',
    'staging/viewer': 'view',
  })
  standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'workspace', value: workspace },
  })
  broker = await openTestBroker(undefined, {
    upstreams: {
      github: github.origin,
      aws: aws.origin,
      kubernetes: cluster.origin,
      railway: standIn.origin,
    },
  })
})
after(async () => {
  await broker.close()
  for (const each of [github, aws, cluster, standIn]) await each.close()
})

test('GitHub is read with a token of the repository that reads, and written to with one that writes', async () => {
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-staging' }],
    secret: privateKey,
    mint: { kind: 'github_app', app_id: '77', installation_id: '4321' },
    grant: { verbs: ['read', 'write'], approval: 'never' },
  })
  const token = await granted.token()
  const ask = async (method: string, path: string, body?: unknown) =>
    answerOf(
      await fetch(`${broker.url}/proxy/github${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  const read = await ask('GET', '/repos/acme/app-staging/issues')
  assert.equal(read.status, 200, read.text)
  const written = await ask('POST', '/repos/acme/app-staging/issues', { title: 'It starts' })
  assert.equal(written.status, 201, written.text)
  assert.equal((await ask('GET', '/repos/acme/app-prod')).status, 403)

  const all = [...(github.app?.tokens.values() ?? [])]
  const tokenOf = (line: string) => {
    const { headers } = github.requests.find((request) => request.line.startsWith(line)) ?? {}
    return all.find((one) => headers?.['authorization'] === `Bearer ${one.token}`)
  }
  const reading = tokenOf('GET /repos/acme/app-staging/issues')
  const writing = tokenOf('POST /repos/acme/app-staging/issues')
  for (const one of all) assert.deepEqual([...one.repositories], ['acme/app-staging'])
  assert.deepEqual(reading?.permissions, { metadata: 'read', contents: 'read', issues: 'read' })
  assert.deepEqual(writing?.permissions, { metadata: 'read', contents: 'write', issues: 'write' })
  const key = privateKey.split('\n').slice(1, -2)
  for (const { line, headers, rawHeaders, body } of github.requests) {
    const bearer = String(headers['authorization']).replace('Bearer ', '')
    assert.equal(github.app?.assertions.includes(bearer), line.includes(' /app/'), line)
    const text = JSON.stringify([line, rawHeaders, body.toString()])
    assert.ok(key.every((part) => !text.includes(part)))
  }
  const log = JSON.stringify(await entries(broker))
  for (const secret of [...key, ...all.map((one) => one.token), ...(github.app?.assertions ?? [])])
    assert.ok(!log.includes(secret), 'nothing of it is in the log')
})

test('AWS is spoken to by a session that denies what is not a read, and by another for writes', async () => {
  const granted = await grantOn(broker, {
    provider: 'aws',
    bindings: [
      { provider: 'aws', kind: 'account', id: account },
      { provider: 'aws', kind: 'region', id: 'eu-west-1' },
    ],
    secret: JSON.stringify(keys),
    mint: { kind: 'aws_sts', role_arn: role, region: 'eu-west-1' },
    grant: { verbs: ['read', 'ec2/TerminateInstances'], approval: 'never' },
  })
  const ec2 = new EC2Client({
    endpoint: `${broker.url}/proxy/aws`,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: {
      accessKeyId: 'AKIDAGENT',
      secretAccessKey: 'not-a-secret',
      sessionToken: await granted.token(),
    },
  })
  const InstanceIds = [instance]
  assert.equal(
    (await ec2.send(new DescribeInstancesCommand({ InstanceIds }))).Reservations?.length,
    1,
  )
  await ec2.send(new TerminateInstancesCommand({ InstanceIds }))
  assert.deepEqual(aws.terminated, InstanceIds)
  assert.ok(aws.requests.every(({ signed }) => signed))
  const onlyReads = (action: string) => {
    const { session, headers } = aws.requests.findLast((one) => one.action === action) ?? {}
    assert.ok(session !== undefined, `${action} was signed by a session`)
    assert.equal(headers?.['x-amz-security-token'], session.keys.sessionToken)
    assert.match(headers['authorization'] ?? '', /SignedHeaders=[a-z0-9;-]*x-amz-security-token/)
    assert.match(JSON.stringify(session.policy), /"aws:RequestedRegion":\["eu-west-1"\]/)
    return JSON.stringify(session.policy).includes('ec2:Describe*')
  }
  assert.equal(onlyReads('DescribeInstances'), true)
  assert.equal(onlyReads('TerminateInstances'), false)
  for (const { action, session } of aws.requests)
    assert.equal(session === undefined, action === 'AssumeRole', action)
  const log = JSON.stringify(await entries(broker))
  const sessions = [...aws.sessions.values()].flatMap((one) => Object.values(one.keys).slice(1))
  for (const secret of [keys.secretAccessKey, ...sessions]) assert.ok(!log.includes(secret))
})

test('a cluster is read as one account and written to as another, for the one namespace', async () => {
  const granted = await clusterMinting(broker, minter, {
    verbs: ['read', 'write', 'core.v1.pods/delete'],
  })
  const token = await granted.token()
  const ask = async (method: string, path: string) =>
    answerOf(
      await fetch(`${broker.url}/proxy/kubernetes${path}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
      }),
    )
  const pods = '/api/v1/namespaces/staging/pods'
  assert.equal((await ask('GET', pods)).status, 200)
  const deleted = await ask('DELETE', `${pods}/web-1`)
  assert.equal(deleted.status, 200, deleted.text)
  const nameOf = (line: string) => {
    const { headers } = cluster.requests.find((one) => one.line === line) ?? {}
    const bearer = String(headers?.['authorization']).replace('Bearer ', '')
    return cluster.accounts.tokens.get(bearer)?.name
  }
  assert.equal(nameOf(`GET ${pods}`), 'viewer')
  assert.equal(nameOf(`DELETE ${pods}/web-1`), 'deployer')
  for (const { line, headers } of cluster.requests)
    assert.equal(
      headers['authorization'] === `Bearer ${minter}`,
      /\/serviceaccounts\/(?:deployer|viewer)\/token$/.test(line),
      line,
    )
})

test('Railway is spoken to with a project token of the environment alone', async () => {
  const granted = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: workspace,
    mint: { kind: 'railway' },
    grant: { verbs: ['read', 'write'], approval: 'never' },
  })
  const read = await railway(broker.url, await granted.token(), {
    query: `{ environment(id: "${railwayIds.staging}") { id name } }`,
  })
  assert.equal(read.status, 200, read.text)
  const asked = standIn.log.findLast(({ body }) => body.includes('{ id name }'))
  const at = asked?.rawHeaders.findIndex((name) => name.toLowerCase() === 'project-access-token')
  const [minted] = [...standIn.world.projectTokens.values()].filter(
    ({ value }) => value === asked?.rawHeaders[(at ?? -2) + 1],
  )
  assert.equal(minted?.environmentId, railwayIds.staging)
})
