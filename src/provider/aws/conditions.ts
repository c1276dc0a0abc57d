/**
 * What arguments change, reviewed by hand: effects that an operation's name alone does not have, and reaches beyond what
 * it names. Compiled into the catalogue like `overrides.ts`. Paths are those of the invocation's arguments, which are
 * called as the models call them.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'

const on = (path: string, ...adds: readonly Effect[]): Condition => ({ path, adds })
const off = (path: string, ...adds: readonly Effect[]): Condition => ({ path, equals: false, adds })
const set = (path: string, ...adds: readonly Effect[]): Condition => ({ path, equals: true, adds })

const payer: Condition = {
  path: 'RequestPayer',
  widens: 'it is paid for by the one who asks, which is meant for buckets of other accounts',
}
const presigned: Condition = {
  path: 'PreSignedUrl',
  widens: 'it brings an address that was signed with another credential',
}
const everyone = (path: string): Condition => ({
  path,
  equals: 'all',
  widens: 'it is opened to everyone',
})
const publicAcl: Condition = {
  path: 'ACL',
  oneOf: ['public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read'],
  widens: 'it is opened to everyone',
}
const grantFields = ['GrantFullControl', 'GrantRead', 'GrantReadACP', 'GrantWriteACP']
/** Whoever has the key of the caller's own choice has the object, and the owner of the bucket has it no longer. */
const ownKey = ['SSECustomerAlgorithm', 'SSECustomerKey', 'SSECustomerKeyMD5'].map((path) =>
  on(path, 'destructive', 'admin'),
)
const locks = ['ObjectLockMode', 'ObjectLockRetainUntilDate', 'ObjectLockLegalHoldStatus'].map(
  (path) => on(path, 'admin'),
)
const granting = (fields: readonly string[]): readonly Condition[] => [
  publicAcl,
  ...['ACL', ...fields].map((path) => on(path, 'admin')),
  ...fields.map((path) => ({ path, widens: 'it is opened to other accounts' })),
]
const granted = granting(grantFields)
const grantedBucket = granting([...grantFields, 'GrantWrite'])
const newObject = [...granted, ...ownKey, ...locks, payer]
const aclPolicy = [
  ...grantedBucket,
  {
    path: 'AccessControlPolicy.Grants.*.Grantee.URI',
    widens: 'it is opened to a group of accounts',
  },
  {
    path: 'AccessControlPolicy.Grants.*.Grantee.EmailAddress',
    widens: 'it is opened to other accounts',
  },
]
const bypass = on('BypassGovernanceRetention', 'admin')

const password = [
  'ManageMasterUserPassword',
  'MasterUserPassword',
  'MasterUserSecretKmsKeyId',
  'RotateMasterUserPassword',
].map((path) => on(path, 'admin'))
const database: readonly Condition[] = [
  off('DeletionProtection', 'destructive', 'admin'),
  { path: 'BackupRetentionPeriod', max: 0, adds: ['destructive', 'admin'] },
  ...['EnableIAMDatabaseAuthentication', 'VpcSecurityGroupIds'].map((path) => on(path, 'admin')),
  ...password,
]
/** A role that the database acts with from then on. */
const role = ['DomainIAMRoleName', 'MonitoringRoleArn'].map((path) => on(path, 'admin'))
const profile = on('CustomIamInstanceProfile', 'admin')
const restoredCluster = [...role, set('PubliclyAccessible', 'admin')]
const restoredInstance = [
  profile,
  on('DomainIAMRoleName', 'admin'),
  set('PubliclyAccessible', 'admin'),
]
const noWayBack: readonly Condition[] = [
  set('SkipFinalSnapshot', 'admin'),
  set('DeleteAutomatedBackups', 'admin'),
]

/** By operation. */
export const conditions: Readonly<Record<string, readonly Condition[]>> = {
  'dynamodb/BatchWriteItem': [on('RequestItems.*.*.DeleteRequest', 'destructive')],
  'dynamodb/TransactWriteItems': [on('TransactItems.*.Delete', 'destructive')],
  'dynamodb/UpdateContinuousBackups': [
    off('PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled', 'destructive', 'admin'),
    on('PointInTimeRecoverySpecification.RecoveryPeriodInDays', 'destructive', 'admin'),
  ],
  'dynamodb/UpdateGlobalTable': [on('ReplicaUpdates.*.Delete', 'destructive')],
  'dynamodb/UpdateTable': [
    off('DeletionProtectionEnabled', 'destructive', 'admin'),
    on('GlobalSecondaryIndexUpdates.*.Delete', 'destructive'),
    on('ReplicaUpdates.*.Delete', 'destructive', 'admin'),
    on('ReplicaUpdates.*.Create', 'admin'),
    on('GlobalTableWitnessUpdates', 'admin'),
    on('SSESpecification', 'admin'),
    on('StreamSpecification', 'admin'),
  ],
  'dynamodb/CreateTable': [on('ResourcePolicy', 'admin')],

  // Termination protection, and what else keeps a machine and its disks from being lost, in each of its two spellings.
  'ec2/ModifyInstanceAttribute': [
    off('DisableApiTermination.Value', 'destructive'),
    off('DisableApiStop.Value', 'destructive'),
    {
      path: 'Attribute',
      oneOf: ['disableApiTermination', 'disableApiStop', 'blockDeviceMapping'],
      adds: ['destructive'],
    },
    { path: 'Attribute', equals: 'instanceInitiatedShutdownBehavior', adds: ['destructive'] },
    {
      path: 'InstanceInitiatedShutdownBehavior.Value',
      equals: 'terminate',
      adds: ['destructive'],
    },
    { path: 'BlockDeviceMappings.*.Ebs.DeleteOnTermination', equals: true, adds: ['destructive'] },
    on('UserData', 'secret'),
  ],
  'ec2/DescribeInstanceAttribute': [{ path: 'Attribute', equals: 'userData', adds: ['secret'] }],
  'ec2/RunInstances': [
    on('IamInstanceProfile', 'admin'),
    on('LaunchTemplate', 'admin'),
    on('EnablePrimaryIpv6', 'admin'),
  ],
  'ec2/ModifyImageAttribute': [everyone('LaunchPermission.Add.*.Group'), everyone('UserGroups.*')],
  'ec2/ModifyFpgaImageAttribute': [
    everyone('LoadPermission.Add.*.Group'),
    everyone('UserGroups.*'),
  ],
  'ec2/ModifySnapshotAttribute': [
    everyone('CreateVolumePermission.Add.*.Group'),
    everyone('GroupNames.*'),
  ],
  'ec2/StopInstances': [set('Force', 'destructive'), set('SkipOsShutdown', 'destructive')],
  'ec2/DetachVolume': [set('Force', 'destructive')],
  'ec2/ModifyIpam': [on('RemoveOperatingRegions', 'destructive')],
  'ec2/CopySnapshot': [{ ...presigned, path: 'PresignedUrl' }],
  'ec2/ImportImage': [
    { path: 'DiskContainers.*.Url', widens: 'it reads from an address of the caller’s choice' },
  ],
  'ec2/ImportSnapshot': [
    { path: 'DiskContainer.Url', widens: 'it reads from an address of the caller’s choice' },
  ],

  'rds/CopyDBClusterSnapshot': [presigned],
  'rds/CopyDBSnapshot': [presigned],
  'rds/CreateDBCluster': [presigned, ...role, set('PubliclyAccessible', 'admin')],
  'rds/CreateDBInstance': [...role, profile, set('PubliclyAccessible', 'admin')],
  'rds/CreateDBInstanceReadReplica': [
    presigned,
    ...role,
    profile,
    set('PubliclyAccessible', 'admin'),
  ],
  'rds/CreateDBShardGroup': [set('PubliclyAccessible', 'admin')],
  'rds/RestoreDBClusterFromSnapshot': restoredCluster,
  'rds/RestoreDBClusterToPointInTime': restoredCluster,
  'rds/RestoreDBInstanceFromDBSnapshot': restoredInstance,
  'rds/RestoreDBInstanceToPointInTime': restoredInstance,
  'rds/StartDBInstanceAutomatedBackupsReplication': [presigned],
  'rds/DeleteDBCluster': noWayBack,
  'rds/DeleteDBInstance': noWayBack,
  'rds/DeleteTenantDatabase': [set('SkipFinalSnapshot', 'admin')],
  'rds/ModifyDBCluster': [...database, ...role, on('NewDBClusterIdentifier', 'admin')],
  'rds/ModifyDBInstance': [
    ...database,
    ...role,
    set('PubliclyAccessible', 'admin'),
    on('DBSecurityGroups', 'admin'),
    on('NewDBInstanceIdentifier', 'admin'),
  ],
  'rds/ModifyGlobalCluster': [off('DeletionProtection', 'destructive', 'admin')],
  'rds/ModifyDBClusterSnapshotAttribute': [everyone('ValuesToAdd.*')],
  'rds/ModifyDBSnapshotAttribute': [everyone('ValuesToAdd.*')],
  'rds/ModifyOptionGroup': [on('OptionsToRemove', 'destructive')],
  'rds/ModifyTenantDatabase': password,

  's3/AbortMultipartUpload': [payer],
  's3/CompleteMultipartUpload': [...ownKey, payer],
  's3/CopyObject': [...newObject, on('CopySourceSSECustomerKey', 'admin')],
  's3/CreateBucket': grantedBucket,
  's3/CreateMultipartUpload': newObject,
  's3/DeleteObject': [bypass, payer],
  's3/DeleteObjects': [bypass, payer],
  's3/GetObject': [payer],
  's3/GetObjectAcl': [payer],
  's3/GetObjectAttributes': [payer],
  's3/HeadObject': [payer],
  's3/ListObjectVersions': [payer],
  's3/ListObjects': [payer],
  's3/ListObjectsV2': [payer],
  's3/ListParts': [payer],
  's3/PutBucketAcl': aclPolicy,
  's3/PutObjectAcl': [...aclPolicy, payer],
  's3/PutBucketVersioning': [
    { path: 'VersioningConfiguration.Status', noneOf: ['Enabled'], adds: ['destructive'] },
    { path: 'VersioningConfiguration.MFADelete', noneOf: ['Enabled'], adds: ['destructive'] },
  ],
  's3/PutObject': newObject,
  's3/PutObjectRetention': [{ ...bypass, adds: ['destructive'] }, payer],
  's3/RestoreObject': [
    payer,
    {
      path: 'RestoreRequest.OutputLocation',
      widens: 'it writes what it restores to another bucket',
    },
  ],
  's3/UploadPart': [...ownKey, payer],
  's3/UploadPartCopy': [...ownKey, payer],
}
