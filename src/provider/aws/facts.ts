/**
 * What a person is told before something of AWS's is destroyed. Snapshots of volumes and manual ones of databases are kept
 * on their own; automated ones are a database's own. Answers in XML are read as JSON, in which a list is the element that
 * holds the items.
 */
import type { FactRules, Field, ListRule } from '../facts/rule.ts'

const destroysVolume = ['ec2/DeleteVolume']
const destroysInstances = ['ec2/TerminateInstances']
const destroysDatabase = ['rds/DeleteDBInstance']
const destroysCluster = ['rds/DeleteDBCluster']
const destroysTable = ['dynamodb/DeleteTable']

function under(path: string, fields: readonly Field[]): readonly Field[] {
  return fields.map((field) => ({ ...field, at: `${path}.${field.at}` }))
}

const volumes = 'volumeSet.*'
const databases = 'DescribeDBInstancesResult.DBInstances.*'
const clusters = 'DescribeDBClustersResult.DBClusters.*'

const databaseFields: readonly Field[] = [
  { label: 'engine', at: 'Engine' },
  { label: 'version', at: 'EngineVersion' },
  { label: 'storage', at: 'AllocatedStorage', unit: 'GB' },
  { label: 'deletion protection', at: 'DeletionProtection' },
  { label: 'days that automated backups are kept', at: 'BackupRetentionPeriod' },
]

function databaseSnapshots(kind: 'manual' | 'automated'): Omit<ListRule, 'of' | 'what'> {
  return {
    is: 'list',
    ask: {
      operation: 'rds/DescribeDBSnapshots',
      arguments: { DBInstanceIdentifier: '{DBInstanceIdentifier}', SnapshotType: kind },
    },
    items: 'DescribeDBSnapshotsResult.DBSnapshots',
    only: [
      { at: 'DBInstanceIdentifier', is: '{DBInstanceIdentifier}' },
      { at: 'Status', is: 'available' },
      { at: 'SnapshotType', is: kind },
    ],
    name: 'DBSnapshotIdentifier',
    // Of a copy, the other time is that of copying.
    made: { at: 'OriginalSnapshotCreateTime', as: 'time' },
    fields: [{ label: 'size', at: 'AllocatedStorage', unit: 'GB' }],
    more: 'DescribeDBSnapshotsResult.Marker',
  }
}

export const facts: FactRules = {
  rules: [
    {
      is: 'object',
      of: destroysVolume,
      what: 'Volume',
      ask: {
        operation: 'ec2/DescribeVolumes',
        arguments: { 'VolumeId.1': '{VolumeId}' },
        same: { at: `${volumes}.volumeId`, is: '{VolumeId}' },
      },
      fields: under(volumes, [
        { label: 'size', at: 'size', unit: 'GB' },
        { label: 'zone', at: 'availabilityZone' },
        { label: 'status', at: 'status' },
        { label: 'attached to', at: 'attachmentSet.*.instanceId' },
        { label: 'created', at: 'createTime', as: 'time' },
        { label: 'tags', at: 'tagSet.*.value' },
      ]),
    },
    {
      is: 'list',
      of: destroysVolume,
      what: 'Snapshots that survive it',
      ask: {
        operation: 'ec2/DescribeSnapshots',
        // Of others too there are snapshots that name this volume: whoever shares one chooses what it names.
        arguments: {
          'Owner.1': 'self',
          'Filter.1.Name': 'volume-id',
          'Filter.1.Value.1': '{VolumeId}',
        },
      },
      items: 'snapshotSet',
      only: [
        { at: 'volumeId', is: '{VolumeId}' },
        { at: 'status', is: 'completed' },
      ],
      name: 'snapshotId',
      made: { at: 'startTime', as: 'time' },
      fields: [{ label: 'of a volume of', at: 'volumeSize', unit: 'GB' }],
      more: 'nextToken',
      backups: 'independent',
    },
    {
      is: 'list',
      of: destroysInstances,
      what: 'Instances',
      ask: {
        operation: 'ec2/DescribeInstances',
        arguments: { 'InstanceId.*': '{InstanceIds}' },
      },
      items: 'reservationSet.*.instancesSet',
      name: 'instanceId',
      fields: [
        { label: 'state', at: 'instanceState.name' },
        { label: 'type', at: 'instanceType' },
        { label: 'tags', at: 'tagSet.*.value' },
        { label: 'volumes', at: 'blockDeviceMapping.*.ebs.volumeId' },
        { label: 'deleted with it', at: 'blockDeviceMapping.*.ebs.deleteOnTermination' },
      ],
      more: 'nextToken',
    },
    {
      is: 'list',
      of: ['ec2/DeleteSnapshot'],
      what: 'Snapshot',
      ask: {
        operation: 'ec2/DescribeSnapshots',
        arguments: { 'SnapshotId.1': '{SnapshotId}' },
      },
      items: 'snapshotSet',
      only: [{ at: 'snapshotId', is: '{SnapshotId}' }],
      name: 'snapshotId',
      made: { at: 'startTime', as: 'time' },
      fields: [
        { label: 'of the volume', at: 'volumeId' },
        { label: 'which has', at: 'volumeSize', unit: 'GB' },
      ],
    },
    {
      is: 'object',
      of: destroysDatabase,
      what: 'Database',
      ask: {
        operation: 'rds/DescribeDBInstances',
        arguments: { DBInstanceIdentifier: '{DBInstanceIdentifier}' },
        same: { at: `${databases}.DBInstanceIdentifier`, is: '{DBInstanceIdentifier}' },
      },
      name: `${databases}.DBInstanceIdentifier`,
      fields: under(databases, [
        { label: 'status', at: 'DBInstanceStatus' },
        ...databaseFields,
        { label: 'created', at: 'InstanceCreateTime', as: 'time' },
      ]),
    },
    {
      ...databaseSnapshots('manual'),
      of: destroysDatabase,
      what: 'Manual snapshots, which survive it',
      backups: 'independent',
    },
    {
      ...databaseSnapshots('automated'),
      of: destroysDatabase,
      what: 'Automated backups, which may die with it',
      backups: 'die',
    },
    {
      is: 'object',
      of: destroysCluster,
      what: 'Database cluster',
      ask: {
        operation: 'rds/DescribeDBClusters',
        arguments: { DBClusterIdentifier: '{DBClusterIdentifier}' },
        same: { at: `${clusters}.DBClusterIdentifier`, is: '{DBClusterIdentifier}' },
      },
      name: `${clusters}.DBClusterIdentifier`,
      fields: under(clusters, [
        { label: 'status', at: 'Status' },
        ...databaseFields,
        { label: 'created', at: 'ClusterCreateTime', as: 'time' },
      ]),
    },
    {
      is: 'list',
      of: destroysCluster,
      what: 'Manual snapshots, which survive it',
      ask: {
        operation: 'rds/DescribeDBClusterSnapshots',
        arguments: { DBClusterIdentifier: '{DBClusterIdentifier}', SnapshotType: 'manual' },
      },
      items: 'DescribeDBClusterSnapshotsResult.DBClusterSnapshots',
      only: [{ at: 'DBClusterIdentifier', is: '{DBClusterIdentifier}' }],
      name: 'DBClusterSnapshotIdentifier',
      // The time may be that of copying: told, and no precondition is met by it.
      made: { at: 'SnapshotCreateTime', as: 'time' },
      more: 'DescribeDBClusterSnapshotsResult.Marker',
    },
    {
      is: 'object',
      of: destroysTable,
      what: 'Table',
      ask: {
        operation: 'dynamodb/DescribeTable',
        arguments: { TableName: '{TableName}' },
        same: { at: 'Table.TableName', is: '{TableName}' },
      },
      name: 'Table.TableName',
      kind: 'table',
      fields: under('Table', [
        { label: 'status', at: 'TableStatus' },
        { label: 'items', at: 'ItemCount' },
        { label: 'size', at: 'TableSizeBytes', unit: 'bytes' },
        { label: 'deletion protection', at: 'DeletionProtectionEnabled' },
        { label: 'created', at: 'CreationDateTime', as: 'seconds' },
      ]),
    },
    {
      is: 'list',
      of: destroysTable,
      what: 'Backups made on demand, which survive it',
      ask: {
        operation: 'dynamodb/ListBackups',
        arguments: { TableName: '{TableName}', BackupType: 'USER' },
      },
      items: 'BackupSummaries',
      only: [
        { at: 'TableName', is: '{TableName}' },
        { at: 'BackupType', is: 'USER' },
        { at: 'BackupStatus', is: 'AVAILABLE' },
      ],
      name: 'BackupName',
      made: { at: 'BackupCreationDateTime', as: 'seconds' },
      fields: [{ label: 'size', at: 'BackupSizeBytes', unit: 'bytes' }],
      more: 'LastEvaluatedBackupArn',
      backups: 'independent',
    },
  ],
  // A bucket can be deleted only where it is empty.
  dataless: ['s3/DeleteBucket', 'ec2/DeleteKeyPair', 'ec2/DeleteSecurityGroup'],
}
