/** Names of other accounts, in whatever argument: each is a place of its own, and bound to no environment of ours. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ProviderRequest } from '../../src/provider/adapter.ts'
import { awsLocate } from '../../src/provider/aws/locate.ts'
import { dynamo, form, identified, s3 } from '../provider/aws/request.ts'

const own = '111111111111'
const other = '222222222222'
const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${own}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
const arn = (service: string, resource: string, region = 'eu-west-1') =>
  encodeURIComponent(`arn:aws:${service}:${region}:${other}:${resource}`)

/** Whether an environment of the whole account holds it, where everything that is asked about is the account's own. */
async function isHeld(request: ProviderRequest): Promise<boolean> {
  const { invocation } = identified(request)
  const bound = new Set([`account:${own}`])
  const located = await awsLocate(() => 0)(invocation, {
    ask: (question) =>
      Promise.resolve(
        question.method === 'HEAD'
          ? { status: 200, json: undefined }
          : { status: 200, json: undefined, text: identity },
      ),
    fresh: true,
    cacheKey: 'cred:1',
    bound,
  })
  return (
    located.unresolved.length === 0 &&
    located.places.every((place) => bound.has(place)) &&
    invocation.widens.length === 0
  )
}

it('holds what names its own account alone', async () => {
  for (const request of [
    form('iam', 'ListUsers'),
    form('sts', 'AssumeRole', `RoleArn=arn%3Aaws%3Aiam%3A%3A${own}%3Arole%2Fr&RoleSessionName=s`),
    dynamo('GetItem', { TableName: 'orders', Key: {} }),
    s3('PUT', '/acme-a/k', {}, 'x'),
  ]) {
    assert.equal(await isHeld(request), true, JSON.stringify(identified(request).invocation))
  }
})

it('does not hold what names another account, or one that cannot be told', async () => {
  for (const request of [
    form('sts', 'AssumeRole', `RoleArn=${arn('iam', 'role/admin', '')}&RoleSessionName=s`),
    form(
      'sts',
      'AssumeRole',
      `RoleArn=arn%3Aaws-us-gov%3Aiam%3A%3A${own}%3Arole%2Fr&RoleSessionName=s`,
    ),
    form('sts', 'AssumeRole', 'RoleArn=arn%3Aaws%3Aiam%3A%3A*%3Arole%2Fr&RoleSessionName=s'),
    form('sts', 'AssumeRole', `RoleArn=ARN%3Aaws%3Aiam%3A%3A${other}%3Arole%2Fr&RoleSessionName=s`),
    form('iam', 'AttachRolePolicy', `RoleName=r&PolicyArn=${arn('iam', 'policy/p', '')}`),
    form(
      'rds',
      'CopyDBSnapshot',
      `SourceDBSnapshotIdentifier=${arn('rds', 'snapshot:s')}&TargetDBSnapshotIdentifier=t`,
    ),
    form(
      'rds',
      'RestoreDBInstanceFromDBSnapshot',
      `DBInstanceIdentifier=d&DBSnapshotIdentifier=${arn('rds', 'snapshot:s')}`,
    ),
    form(
      'rds',
      'CreateDBInstance',
      `DBInstanceIdentifier=d&DBInstanceClass=c&Engine=e&KmsKeyId=${arn('kms', 'key/k')}`,
    ),
    form(
      'rds',
      'ModifyDBSnapshotAttribute',
      `DBSnapshotIdentifier=s&AttributeName=restore&ValuesToAdd.AttributeValue.1=${other}`,
    ),
    form(
      'rds',
      'ModifyDBSnapshotAttribute',
      'DBSnapshotIdentifier=s&AttributeName=restore&ValuesToAdd.AttributeValue.1=all',
    ),
    form('ec2', 'ModifyImageAttribute', `ImageId=ami-x&LaunchPermission.Add.1.UserId=${other}`),
    form(
      'ec2',
      'ModifyImageAttribute',
      'ImageId=ami-x&LaunchPermission.Add.1.UserId=2222-2222-2222',
    ),
    form('ec2', 'CreateVpcPeeringConnection', `PeerOwnerId=${other}`),
    form('ec2', 'DescribeImages', `Owner.1=${other}`),
    dynamo('GetItem', { TableName: `arn:aws:dynamodb:eu-west-1:${other}:table/orders`, Key: {} }),
    dynamo('BatchWriteItem', {
      RequestItems: { [`arn:aws:dynamodb:eu-west-1:${other}:table/orders`]: [] },
    }),
    dynamo('RestoreTableFromBackup', {
      TargetTableName: 'orders',
      BackupArn: `arn:aws:dynamodb:eu-west-1:${other}:table/x/backup/1`,
    }),
    dynamo('ExportTableToPointInTime', {
      TableArn: `arn:aws:dynamodb:eu-west-1:${own}:table/orders`,
      S3Bucket: 'acme-a',
      S3BucketOwner: other,
    }),
    s3(
      'PUT',
      '/acme-a/k',
      { 'x-amz-server-side-encryption-aws-kms-key-id': `arn:aws:kms:eu-west-1:${other}:key/k` },
      'x',
    ),
    s3('PUT', '/acme-a/k', { 'x-amz-grant-read': 'id="abc"' }, 'x'),
    s3(
      'PUT',
      '/acme-a?notification',
      {},
      `<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:eu-west-1:${other}:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`,
    ),
  ]) {
    assert.equal(
      await isHeld(request),
      false,
      JSON.stringify(identified(request).invocation.arguments),
    )
  }
})
