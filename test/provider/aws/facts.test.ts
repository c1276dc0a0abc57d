import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProviderRequest, RebuiltRequest } from '../../../src/provider/adapter.ts'
import { awsAdapter } from '../../../src/provider/aws/adapter.ts'
import { awsQuestion } from '../../../src/provider/aws/fact-question.ts'
import { factContext, toldAt } from '../../support/telling.ts'
import { dynamo, form, identified, s3 } from './request.ts'

const adapter = awsAdapter(
  () => 0,
  () => toldAt,
)
const volume = 'vol-0123456789abcdef0'
const snapshot = 'snap-0123456789abcdef0'

type World = Readonly<Record<string, string | number | object>>

/** Answers by the question's action: XML, JSON or a status. */
function asking(world: World) {
  const asked: RebuiltRequest[] = []
  return {
    asked,
    ask: async (question: RebuiltRequest) => {
      asked.push(question)
      await Promise.resolve()
      const action =
        new URLSearchParams(question.body?.toString()).get('Action') ??
        question.headers['x-amz-target']?.split('.')[1] ??
        ''
      const answer = world[action]
      if (typeof answer === 'string') return { status: 200, json: undefined, text: answer }
      if (typeof answer === 'number') return { status: answer, json: undefined }
      if (answer === undefined) throw new Error('no answer')
      return { status: 200, json: answer }
    },
  }
}

async function told(request: ProviderRequest, world: World) {
  const { ask, asked } = asking(world)
  const { invocation } = identified(request)
  const shown = await adapter.facts?.([invocation], factContext(ask))
  return {
    facts: Object.fromEntries((shown?.facts ?? []).map(({ label, value }) => [label, value])),
    bodies: asked.map(({ body }) => body?.toString()),
    signed: asked.map(({ signing }) => `${signing?.service ?? ''}/${signing?.region ?? ''}`),
  }
}

async function check(request: ProviderRequest, world: World) {
  const { ask } = asking(world)
  const precondition = { name: 'newest_independent_backup', maxAgeSeconds: 86_400 } as const
  const answer = await adapter.check?.(
    precondition,
    [identified(request).invocation],
    factContext(ask),
  )
  return answer?.result
}

const volumes = `<?xml version="1.0" encoding="UTF-8"?>
<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><volumeSet><item><volumeId>${volume}</volumeId><size>80</size><snapshotId/><availabilityZone>eu-west-1a</availabilityZone><status>in-use</status><createTime>2026-01-02T03:04:05.000Z</createTime><attachmentSet><item><volumeId>${volume}</volumeId><instanceId>i-1</instanceId></item></attachmentSet><tagSet><item><key>Name</key><value>pgdata</value></item></tagSet></item></volumeSet></DescribeVolumesResponse>`

function snapshots(...items: readonly Readonly<Record<string, string>>[]): string {
  const xml = items.map((item) => {
    const all = {
      snapshotId: snapshot,
      volumeId: volume,
      status: 'completed',
      startTime: '2026-06-01T09:00:00.000Z',
      volumeSize: '80',
      ...item,
    }
    const members = Object.entries(all).map(([name, value]) => `<${name}>${value}</${name}>`)
    return `<item>${members.join('')}</item>`
  })
  const set = xml.length === 0 ? '<snapshotSet/>' : `<snapshotSet>${xml.join('')}</snapshotSet>`
  return `<DescribeSnapshotsResponse><requestId>r</requestId>${set}</DescribeSnapshotsResponse>`
}

const deletion = form('ec2', 'DeleteVolume', `VolumeId=${volume}`)

test('of a volume the approver reads its size, what uses it, and which snapshots survive', async () => {
  const { facts, bodies, signed } = await told(deletion, {
    DescribeVolumes: volumes,
    DescribeSnapshots: snapshots(
      {},
      { volumeId: 'vol-ffffffff', startTime: '2026-06-01T11:00:00Z' },
    ),
  })
  assert.deepEqual(facts, {
    Volume:
      'size 80 GB; zone "eu-west-1a"; status "in-use"; attached to "i-1"; created 2026-01-02 03:04 UTC (150 days old); tags "pgdata"',
    'Snapshots that survive it': `1; the newest is "${snapshot}" of 2026-06-01 09:00 UTC (3 h old), of a volume of 80 GB`,
  })
  assert.deepEqual(signed, ['ec2/eu-west-1', 'ec2/eu-west-1'])
  // Whoever shares a snapshot chooses the volume that it names: only the account's own are asked for.
  assert.match(bodies[1] ?? '', /Owner\.1=self/)
})

test('an own, completed and young snapshot of the volume is an independent backup, and nothing else is', async () => {
  assert.equal(await check(deletion, { DescribeSnapshots: snapshots({}) }), 'met')
  for (const [answer, result] of [
    [snapshots(), 'unmet'],
    [snapshots({ status: 'pending' }), 'unmet'],
    [snapshots({ volumeId: 'vol-ffffffff' }), 'unmet'],
    [snapshots({ startTime: '2026-05-01T09:00:00Z' }), 'unmet'],
    [snapshots({ startTime: '2026-07-01T09:00:00Z' }), 'unknown'],
    ['<Response><Errors/></Response>', 'unknown'],
    ['not xml', 'unknown'],
    [503, 'unknown'],
  ] as const)
    assert.equal(await check(deletion, { DescribeSnapshots: answer }), result, String(answer))
})

test('of instances, each with its volumes and whether they go with it', async () => {
  const instance = 'i-0123456789abcdef0'
  const { facts, bodies } = await told(
    form('ec2', 'TerminateInstances', `InstanceId.1=${instance}`),
    {
      DescribeInstances: `<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>${instance}</instanceId><instanceState><code>16</code><name>running</name></instanceState><instanceType>t3.micro</instanceType><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>${volume}</volumeId><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
    },
  )
  assert.equal(
    facts['Instances'],
    `1: "${instance}" state "running" type "t3.micro" tags not told volumes "${volume}" deleted with it "true"`,
  )
  assert.match(bodies[0] ?? '', new RegExp(`InstanceId\\.1=${instance}`))
  assert.equal(
    await check(form('ec2', 'TerminateInstances', `InstanceId.1=${instance}`), {}),
    'unknown',
  )
})

test('of a database, its manual snapshots survive, by the time of the first copy of the data', async () => {
  const request = form('rds', 'DeleteDBInstance', 'DBInstanceIdentifier=orders')
  const answer = (type: string) =>
    `<DescribeDBSnapshotsResponse xmlns="x"><DescribeDBSnapshotsResult><DBSnapshots><DBSnapshot><DBSnapshotIdentifier>s</DBSnapshotIdentifier><DBInstanceIdentifier>orders</DBInstanceIdentifier><SnapshotCreateTime>2026-06-01T11:00:00Z</SnapshotCreateTime><OriginalSnapshotCreateTime>2026-05-01T11:00:00Z</OriginalSnapshotCreateTime><Status>available</Status><SnapshotType>${type}</SnapshotType><AllocatedStorage>20</AllocatedStorage></DBSnapshot></DBSnapshots></DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>`
  const { facts } = await told(request, {
    DescribeDBInstances:
      '<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>orders</DBInstanceIdentifier><Engine>postgres</Engine><EngineVersion>16.3</EngineVersion><AllocatedStorage>20</AllocatedStorage><DBInstanceStatus>available</DBInstanceStatus><DeletionProtection>false</DeletionProtection><BackupRetentionPeriod>7</BackupRetentionPeriod><InstanceCreateTime>2026-01-01T00:00:00Z</InstanceCreateTime><MasterUsername>admin</MasterUsername></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>',
    DescribeDBSnapshots: answer('manual'),
  })
  assert.match(
    facts['Database "orders"'] ?? '',
    /^status "available"; engine "postgres"; .*storage 20 GB/,
  )
  assert.match(facts['Manual snapshots, which survive it'] ?? '', /^1; .* of 2026-05-01 /)
  // The same answer to the other question is of the wrong type.
  assert.equal(facts['Automated backups, which may die with it'], 'none')
  assert.equal(await check(request, { DescribeDBSnapshots: answer('manual') }), 'unmet')
})

test('of a table, how much is in it and which backups made on demand survive', async () => {
  const request = dynamo('DeleteTable', { TableName: 'orders' })
  const backup = {
    BackupName: 'nightly',
    TableName: 'orders',
    BackupType: 'USER',
    BackupStatus: 'AVAILABLE',
    BackupSizeBytes: 2_000_000,
    BackupCreationDateTime: (toldAt - 3_600_000) / 1000,
  }
  const world = {
    DescribeTable: {
      Table: {
        TableName: 'orders',
        TableStatus: 'ACTIVE',
        ItemCount: 12,
        TableSizeBytes: 41_300_000_000,
        CreationDateTime: 1_767_225_600.5,
      },
    },
    ListBackups: { BackupSummaries: [backup] },
  }
  const { facts } = await told(request, world)
  assert.match(facts['Table "orders"'] ?? '', /^status "ACTIVE"; items 12; size 41.3 GB; /)
  assert.equal(
    facts['Backups made on demand, which survive it'],
    '1; the newest is "nightly" of 2026-06-01 11:00 UTC (60 min old), size 2 MB',
  )
  assert.equal(await check(request, world), 'met')
  const system = { BackupSummaries: [{ ...backup, BackupType: 'SYSTEM' }] }
  assert.equal(await check(request, { ListBackups: system }), 'unmet')
})

test('a question is a plain read of what the request names, in the request’s own service and region', () => {
  const { invocation } = identified(deletion)
  for (const question of [
    { operation: 'ec2/DeleteVolume', arguments: { VolumeId: '{VolumeId}' } },
    { operation: 'ec2/DescribeVolumes', arguments: { 'VolumeId.1': 'vol-00000000000000000' } },
    { operation: 'ec2/DescribeVolumes', arguments: { 'VolumeId.1': '{SnapshotId}' } },
    { operation: 'ec2/GetPasswordData', arguments: { InstanceId: '{VolumeId}' } },
    { operation: 'rds/DescribeDBInstances', arguments: {} },
    { operation: 'ec2/Nothing' },
  ])
    assert.throws(() => awsQuestion(question, invocation), /no_resolver/, question.operation)
  const bucket = identified(s3('DELETE', '/a-bucket')).invocation
  assert.throws(() => awsQuestion({ operation: 's3/ListBuckets' }, bucket), /no_resolver/)
})
