/**
 * What was reviewed by hand, where the rules of `effects.ts` are wrong or do not reach. Everything here is compiled into
 * the catalogue; `compile.ts` refuses a name that the models do not have, so that a renamed operation cannot silently lose
 * its review.
 */
import type { Effect } from '../../core/operation.ts'

const grants: readonly Effect[] = ['write', 'admin']
const mints: readonly Effect[] = ['write', 'secret', 'admin']
const destroys: readonly Effect[] = ['write', 'destructive']

/** The whole effects of an operation, in place of what the rules give. */
export const effectOverrides: Readonly<Record<string, readonly Effect[]>> = {
  // The word says how many, not what.
  'dynamodb/BatchGetItem': ['read'],
  'dynamodb/BatchWriteItem': ['write'],
  'dynamodb/TransactGetItems': ['read'],
  'dynamodb/TransactWriteItems': ['write'],
  'dynamodb/BatchExecuteStatement': ['write', 'destructive'],
  'dynamodb/ExecuteStatement': ['write', 'destructive'],
  'dynamodb/ExecuteTransaction': ['write', 'destructive'],
  // Items disappear on their own from then on.
  'dynamodb/UpdateTimeToLive': ['write', 'destructive', 'admin'],
  // The table's content leaves, for a bucket, a stream or other regions.
  'dynamodb/CreateGlobalTable': grants,
  'dynamodb/EnableKinesisStreamingDestination': grants,
  'dynamodb/ExportTableToPointInTime': grants,
  'dynamodb/UpdateGlobalTable': grants,
  'dynamodb/UpdateKinesisStreamingDestination': grants,

  // What was printed while starting, passwords among it; and a machine's screen.
  'ec2/GetConsoleOutput': ['read', 'secret'],
  'ec2/GetConsoleScreenshot': ['read', 'secret'],
  'ec2/GetInstanceUefiData': ['read', 'secret'],
  'ec2/ExportClientVpnClientConfiguration': ['read', 'secret'],
  'ec2/ExportVerifiedAccessInstanceClientConfiguration': ['read', 'secret'],
  // The old root volume is replaced by a new one.
  'ec2/CreateReplaceRootVolumeTask': destroys,
  // An address that others rely on, or where a network finds its names.
  'ec2/AssociateAddress': grants,
  'ec2/AssociateDhcpOptions': grants,
  // Data leaves for a bucket, or comes from an address of the caller's choice.
  'ec2/CreateCapacityManagerDataExport': grants,
  'ec2/CreateInstanceExportTask': grants,
  'ec2/CreateSpotDatafeedSubscription': grants,
  'ec2/ImportImage': mints,
  'ec2/ImportInstance': mints,
  'ec2/ImportSnapshot': mints,
  'ec2/ImportVolume': mints,
  // Machines by a template or a specification, which can hold a role and start-up secrets.
  'ec2/CreateFleet': grants,
  'ec2/ModifyFleet': grants,
  'ec2/ModifySpotFleetRequest': grants,
  'ec2/RequestSpotFleet': grants,
  'ec2/RequestSpotInstances': mints,
  'ec2/RunScheduledInstances': grants,
  'ec2/EnableAllowedImagesSettings': grants,
  'ec2/CreateMacSystemIntegrityProtectionModificationTask': grants,
  'ec2/ModifyIdFormat': grants,
  'ec2/ModifyIdentityIdFormat': grants,

  // A log holds what the database was asked, passwords among it.
  'rds/DownloadDBLogFilePortion': ['read', 'secret'],
  'rds/ModifyCertificates': grants,
  'rds/ModifyDBClusterParameterGroup': grants,
  'rds/ModifyDBParameterGroup': grants,
  'rds/CreateIntegration': grants,
  'rds/StartExportTask': grants,
  'rds/RestoreDBClusterFromS3': grants,
  'rds/RestoreDBInstanceFromS3': grants,
  // No way back to what it was.
  'rds/PromoteReadReplica': destroys,
  'rds/PromoteReadReplicaDBCluster': destroys,
  'rds/SwitchoverBlueGreenDeployment': destroys,

  'iam/CreateLoginProfile': mints,
  'iam/UpdateLoginProfile': mints,
  'iam/ChangePassword': mints,
  'sts/DecodeAuthorizationMessage': ['read', 'secret'],
  // Their answers are credentials, whatever their first word.
  'sts/GetDelegatedAccessToken': mints,
  'sts/GetFederationToken': mints,
  'sts/GetSessionToken': mints,
  'sts/GetWebIdentityToken': mints,

  's3/CreateSession': mints,
  // Whoever writes the rule decides what is deleted, and when.
  's3/PutBucketLifecycle': ['write', 'destructive', 'admin'],
  's3/PutBucketLifecycleConfiguration': ['write', 'destructive', 'admin'],
  's3/PutBucketVersioning': grants,
  // A list of the bucket's content, delivered to another bucket.
  's3/PutBucketAnalyticsConfiguration': grants,
  's3/PutBucketInventoryConfiguration': grants,
  's3/RenameObject': destroys,
  's3/SelectObjectContent': ['read'],
}

const partiql =
  'its statements are PartiQL text, which is not read here; GetItem, Query, PutItem, UpdateItem, DeleteItem and their batches are'
const directory = 'it belongs to directory buckets, which are reached at other hosts'
const twin = 'the same request is read as its operation with Configuration in the name'

/** Refused to everyone, and why. */
export const denied: Readonly<Record<string, string>> = {
  'dynamodb/BatchExecuteStatement': partiql,
  'dynamodb/ExecuteStatement': partiql,
  'dynamodb/ExecuteTransaction': partiql,
  'ec2/BundleInstance': 'it carries a credential of its own for the storage',
  'ec2/ImportInstance': 'it carries addresses that are signed with another credential',
  'ec2/ImportVolume': 'it carries addresses that are signed with another credential',
  's3/CreateSession': directory,
  's3/ListDirectoryBuckets': directory,
  's3/RenameObject': directory,
  's3/SelectObjectContent': 'its body is a query in SQL, which is not read here',
  's3/WriteGetObjectResponse':
    'it is sent to another host, for functions that answer in place of a bucket',
  's3/GetBucketLifecycle': twin,
  's3/GetBucketNotification': twin,
  's3/PutBucketLifecycle': twin,
  's3/PutBucketNotification': twin,
}

/** They touch what their ids name and nothing else: a lesser place than the account can hold them. */
export const contained: ReadonlySet<string> = new Set([
  ...named(
    'ec2',
    `AttachVolume CreateTags DeleteSnapshot DeleteTags DeleteVolume DescribeInstanceAttribute
   DescribeInstanceStatus DescribeInstances DescribeSnapshotAttribute DescribeSnapshots
   DescribeVolumeAttribute DescribeVolumeStatus DescribeVolumes DetachVolume EnableVolumeIO
   GetConsoleOutput GetConsoleScreenshot GetPasswordData ModifyInstanceAttribute ModifyVolume
   ModifyVolumeAttribute MonitorInstances RebootInstances ReportInstanceStatus
   ResetInstanceAttribute SendDiagnosticInterrupt StartInstances StopInstances
   TerminateInstances UnmonitorInstances`,
  ),
  ...named(
    'rds',
    `DeleteDBCluster DeleteDBInstance DescribeDBClusters DescribeDBInstances RebootDBCluster
   RebootDBInstance StartDBCluster StartDBInstance StopDBCluster StopDBInstance`,
  ),
])

function named(service: string, words: string): readonly string[] {
  return words.split(/\s+/).map((word) => `${service}/${word}`)
}

/** They reach into a whole organization of accounts. */
export const beyond: ReadonlySet<string> = new Set([
  'ec2/CancelDeclarativePoliciesReport',
  'ec2/DisableIpamOrganizationAdminAccount',
  'ec2/EnableIpamOrganizationAdminAccount',
  'ec2/EnableReachabilityAnalyzerOrganizationSharing',
  'ec2/StartDeclarativePoliciesReport',
  'iam/DisableOrganizationsRootCredentialsManagement',
  'iam/DisableOrganizationsRootSessions',
  'iam/EnableOrganizationsRootCredentialsManagement',
  'iam/EnableOrganizationsRootSessions',
  'iam/GenerateOrganizationsAccessReport',
  'sts/AssumeRoot',
])
