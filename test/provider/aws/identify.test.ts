import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dynamo, form, identified, namesOf, refused, s3 } from './request.ts'

const instance = 'i-0123456789abcdef0'

describe('identify, forms', () => {
  it('reads the arguments by the names of the model, and writes the form from them', () => {
    const { invocation, request } = identified(
      form(
        'ec2',
        'DescribeInstances',
        `Filter.1.Value.2=c&Filter.1.Name=a&Filter.1.Value.1=b&InstanceId.1=${instance}`,
      ),
    )
    assert.equal(invocation.operation, 'ec2/DescribeInstances')
    assert.deepEqual(invocation.effects, ['read'])
    assert.deepEqual(invocation.arguments, {
      Filters: [{ Values: ['b', 'c'], Name: 'a' }],
      InstanceIds: [instance],
    })
    assert.equal(
      request.body?.toString(),
      `Action=DescribeInstances&Version=2016-11-15&Filter.1.Value.1=b&Filter.1.Value.2=c&Filter.1.Name=a&InstanceId.1=${instance}`,
    )
    assert.deepEqual(request.signing, {
      service: 'ec2',
      region: 'eu-west-1',
      partition: 'aws',
      origin: 'https://ec2.eu-west-1.amazonaws.com',
      pin: 'https://amazonaws.com',
    })
  })

  it('reads the lists of RDS and IAM, which have a name of their own in between', () => {
    const tags = 'Tags.Tag.1.Key=a&Tags.Tag.1.Value=b'
    const rds = identified(
      form('rds', 'CreateDBSnapshot', `DBSnapshotIdentifier=s&DBInstanceIdentifier=d&${tags}`),
    )
    assert.deepEqual(rds.invocation.arguments['Tags'], [{ Key: 'a', Value: 'b' }])
    assert.ok(rds.request.body?.toString().endsWith('&Tags.Tag.1.Key=a&Tags.Tag.1.Value=b'))
    const iam = identified(
      form('iam', 'UntagUser', 'UserName=u&TagKeys.member.1=a&TagKeys.member.2=b'),
    )
    assert.deepEqual(iam.invocation.arguments['TagKeys'], ['a', 'b'])
    assert.deepEqual(iam.request.signing?.origin, 'https://iam.amazonaws.com')
  })

  it('finds ids by their own form, wherever they stand', () => {
    const { invocation } = identified(
      form(
        'ec2',
        'RunInstances',
        'ImageId=ami-0123456789abcdef0&MinCount=1&MaxCount=1&NetworkInterface.1.SubnetId=subnet-0123456789abcdef0&NetworkInterface.1.DeviceIndex=0',
      ),
    )
    assert.deepEqual(namesOf(invocation), [
      'account:',
      'id:ami-0123456789abcdef0',
      'id:subnet-0123456789abcdef0',
    ])
  })

  it('counts what names nothing that can be resolved as the whole account’s', () => {
    assert.deepEqual(namesOf(identified(form('ec2', 'DescribeInstances')).invocation), ['account:'])
    assert.deepEqual(
      namesOf(
        identified(form('ec2', 'TerminateInstances', `InstanceId.1=${instance}&InstanceId.2=prod`))
          .invocation,
      ),
      ['account:', `id:${instance}`],
    )
    assert.deepEqual(
      namesOf(identified(form('ec2', 'TerminateInstances', `InstanceId.1=${instance}`)).invocation),
      [`id:${instance}`],
    )
  })

  it('counts the next page of a listing as the whole account’s, whatever ids stand beside it', () => {
    const next = form('ec2', 'DescribeVolumes', 'VolumeId.1=vol-0123456789abcdef0&NextToken=abc')
    assert.deepEqual(namesOf(identified(next).invocation), ['account:', 'id:vol-0123456789abcdef0'])
  })

  it('finds the accounts that something is shared with', () => {
    const { invocation } = identified(
      form(
        'ec2',
        'ModifySnapshotAttribute',
        'SnapshotId=snap-0123456789abcdef0&CreateVolumePermission.Add.1.UserId=999999999999',
      ),
    )
    assert.ok(namesOf(invocation).includes('account:999999999999'))
    const rds = identified(
      form(
        'rds',
        'ModifyDBSnapshotAttribute',
        'DBSnapshotIdentifier=s&AttributeName=restore&ValuesToAdd.AttributeValue.1=999999999999',
      ),
    )
    assert.ok(namesOf(rds.invocation).includes('account:999999999999'))
  })
})

describe('identify, arguments that change effects', () => {
  for (const [request, added] of [
    [
      form(
        'ec2',
        'ModifyInstanceAttribute',
        `InstanceId=${instance}&DisableApiTermination.Value=false`,
      ),
      ['destructive'],
    ],
    [
      form(
        'ec2',
        'ModifyInstanceAttribute',
        `InstanceId=${instance}&DisableApiTermination.Value=true`,
      ),
      [],
    ],
    [
      form(
        'ec2',
        'ModifyInstanceAttribute',
        `InstanceId=${instance}&Attribute=disableApiTermination&Value=false`,
      ),
      ['destructive'],
    ],
    [
      form(
        'ec2',
        'ModifyInstanceAttribute',
        `InstanceId=${instance}&InstanceInitiatedShutdownBehavior.Value=terminate`,
      ),
      ['destructive'],
    ],
    [
      form('ec2', 'DescribeInstanceAttribute', `InstanceId=${instance}&Attribute=userData`),
      ['secret'],
    ],
    [form('ec2', 'TerminateInstances', `InstanceId.1=${instance}&DryRun=true`), []],
    [form('rds', 'DeleteDBInstance', 'DBInstanceIdentifier=d&SkipFinalSnapshot=true'), ['admin']],
    [
      form('rds', 'ModifyDBInstance', 'DBInstanceIdentifier=d&DeletionProtection=false'),
      ['destructive', 'admin'],
    ],
    [
      form('rds', 'ModifyDBInstance', 'DBInstanceIdentifier=d&BackupRetentionPeriod=0'),
      ['destructive', 'admin'],
    ],
    [form('rds', 'ModifyDBInstance', 'DBInstanceIdentifier=d&BackupRetentionPeriod=7'), []],
    [
      dynamo('BatchWriteItem', {
        RequestItems: { orders: [{ PutRequest: { Item: { id: { S: '1' } } } }] },
      }),
      [],
    ],
    [
      dynamo('BatchWriteItem', {
        RequestItems: { orders: [{ DeleteRequest: { Key: { id: { S: '1' } } } }] },
      }),
      ['destructive'],
    ],
    [
      dynamo('TransactWriteItems', {
        TransactItems: [{ Delete: { TableName: 'orders', Key: { id: { S: '1' } } } }],
      }),
      ['destructive'],
    ],
    [
      dynamo('UpdateTable', { TableName: 'orders', DeletionProtectionEnabled: false }),
      ['destructive', 'admin'],
    ],
    [s3('PUT', '/acme-a/k', { 'x-amz-acl': 'private' }, 'x'), ['admin']],
    [
      s3('PUT', '/acme-a/k', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, 'x'),
      ['destructive', 'admin'],
    ],
    [
      s3(
        'PUT',
        '/acme-a?versioning',
        {},
        '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
      ),
      ['destructive'],
    ],
    [
      s3(
        'PUT',
        '/acme-a?versioning',
        {},
        '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>',
      ),
      [],
    ],
    [s3('DELETE', '/acme-a/k', { 'x-amz-bypass-governance-retention': 'true' }), ['admin']],
  ] as const) {
    const { invocation } = identified(request)
    it(`adds ${added.join(' and ') || 'nothing'} to ${invocation.operation} with ${JSON.stringify(invocation.arguments)}`, () => {
      assert.deepEqual(invocation.added, added)
    })
  }

  it('widens what is opened to everyone, paid for by another, or signed with another credential', () => {
    for (const request of [
      s3('PUT', '/acme-a/k', { 'x-amz-acl': 'public-read' }, 'x'),
      s3(
        'PUT',
        '/acme-a/k',
        { 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/AllUsers"' },
        'x',
      ),
      s3('GET', '/acme-a/k', { 'x-amz-request-payer': 'requester' }),
      form(
        'ec2',
        'ModifySnapshotAttribute',
        'SnapshotId=snap-0123456789abcdef0&CreateVolumePermission.Add.1.Group=all',
      ),
      form(
        'rds',
        'CopyDBSnapshot',
        'SourceDBSnapshotIdentifier=a&TargetDBSnapshotIdentifier=b&PreSignedUrl=https%3A%2F%2Fevil.example%2F',
      ),
    ]) {
      assert.notDeepEqual(identified(request).invocation.widens, [])
    }
  })
})

describe('identify, S3', () => {
  for (const [method, target, operation, headers = {}, body = ''] of [
    ['GET', '/', 's3/ListBuckets'],
    ['GET', '/acme-a', 's3/ListObjects'],
    ['GET', '/acme-a/?list-type=2&prefix=a%2F', 's3/ListObjectsV2'],
    ['GET', '/acme-a?acl', 's3/GetBucketAcl'],
    ['GET', '/acme-a?versions', 's3/ListObjectVersions'],
    ['GET', '/acme-a?analytics', 's3/ListBucketAnalyticsConfigurations'],
    ['GET', '/acme-a?analytics&id=x', 's3/GetBucketAnalyticsConfiguration'],
    ['GET', '/acme-a?lifecycle', 's3/GetBucketLifecycleConfiguration'],
    ['HEAD', '/acme-a', 's3/HeadBucket'],
    ['PUT', '/acme-a', 's3/CreateBucket'],
    ['DELETE', '/acme-a', 's3/DeleteBucket'],
    ['DELETE', '/acme-a?policy', 's3/DeleteBucketPolicy'],
    [
      'POST',
      '/acme-a?delete',
      's3/DeleteObjects',
      {},
      '<Delete><Object><Key>a</Key></Object></Delete>',
    ],
    ['PUT', '/acme-a?policy', 's3/PutBucketPolicy', {}, '{"Version":"2012-10-17"}'],
    ['GET', '/acme-a/a/b', 's3/GetObject'],
    ['GET', '/acme-a/a/b?uploadId=u', 's3/ListParts'],
    [
      'GET',
      '/acme-a/a/b?attributes',
      's3/GetObjectAttributes',
      { 'x-amz-object-attributes': 'ETag' },
    ],
    ['PUT', '/acme-a/a', 's3/PutObject', {}, 'x'],
    ['PUT', '/acme-a/a', 's3/CopyObject', { 'x-amz-copy-source': '/acme-b/c' }],
    ['PUT', '/acme-a/a?partNumber=1&uploadId=u', 's3/UploadPart', {}, 'x'],
    [
      'PUT',
      '/acme-a/a?partNumber=1&uploadId=u',
      's3/UploadPartCopy',
      { 'x-amz-copy-source': 'acme-b/c' },
    ],
    ['POST', '/acme-a/a?uploads', 's3/CreateMultipartUpload'],
    ['DELETE', '/acme-a/a', 's3/DeleteObject'],
    ['DELETE', '/acme-a/a?uploadId=u', 's3/AbortMultipartUpload'],
  ] as const) {
    it(`tells ${operation} from its neighbours`, () => {
      assert.equal(identified(s3(method, target, headers, body)).invocation.operation, operation)
    })
  }

  it('touches both buckets of a copy', () => {
    const { invocation } = identified(
      s3('PUT', '/acme-a/a', { 'x-amz-copy-source': 'acme-prod/c?versionId=v1' }),
    )
    assert.deepEqual(namesOf(invocation), ['bucket:acme-a', 'bucket:acme-prod'])
  })

  it('writes XML, path and query anew', () => {
    const { invocation, request } = identified(
      s3(
        'POST',
        '/acme-a/?delete=&x-id=DeleteObjects',
        { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==', 'x-amz-checksum-crc32': 'AAAAAA==' },
        '<?xml version="1.0"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">\n <Quiet>true</Quiet><Object><Key>a&amp;&#x62;</Key></Object>\n</Delete>\n',
      ),
    )
    assert.deepEqual(invocation.arguments['Delete'], { Quiet: true, Objects: [{ Key: 'a&b' }] })
    assert.equal(request.target, '/acme-a?delete=')
    assert.equal(
      request.body?.toString(),
      '<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>a&#38;b</Key></Object></Delete>',
    )
    assert.deepEqual(Object.keys(request.headers).toSorted(), ['content-md5', 'content-type'])
    assert.notEqual(request.headers['content-md5'], 'AAAAAAAAAAAAAAAAAAAAAA==')
  })

  it('forwards the bytes of an object as they are, with their metadata and sums', () => {
    const bytes = Buffer.from([0, 1, 255, 254])
    const { invocation, request } = identified(
      s3(
        'PUT',
        '/acme-a/folder/',
        {
          'x-amz-meta-a': 'b',
          'content-type': 'image/png',
          'x-amz-checksum-crc32': 'AAAAAA==',
          cookie: 'a=b',
        },
        bytes,
      ),
    )
    assert.equal(invocation.arguments['Key'], 'folder/')
    assert.deepEqual(request.body, bytes)
    assert.deepEqual(request.headers, {
      'x-amz-meta-a': 'b',
      'content-type': 'image/png',
      'x-amz-checksum-crc32': 'AAAAAA==',
    })
  })
})

describe('identify, DynamoDB', () => {
  it('finds the tables of batches and transactions, by name or by ARN', () => {
    const arn = 'arn:aws:dynamodb:eu-west-1:999999999999:table/orders'
    const { invocation } = identified(
      dynamo('BatchGetItem', { RequestItems: { a_b: { Keys: [] }, [arn]: { Keys: [] } } }),
    )
    assert.deepEqual(namesOf(invocation), ['table:a_b', `table:${arn}`])
    const transaction = identified(
      dynamo('TransactWriteItems', {
        TransactItems: [
          { Put: { TableName: 'one', Item: {} } },
          { ConditionCheck: { TableName: 'two', Key: {}, ConditionExpression: 'x' } },
        ],
      }),
    )
    assert.deepEqual(namesOf(transaction.invocation), ['table:one', 'table:two'])
  })

  it('does not take stored data for names', () => {
    const item = {
      id: { S: 'arn:aws:dynamodb:eu-west-1:999999999999:table/orders' },
      M: { M: { TableName: { S: 'x' } } },
    }
    assert.deepEqual(
      namesOf(identified(dynamo('PutItem', { TableName: 'one', Item: item })).invocation),
      ['table:one'],
    )
  })

  it('refuses statements, unknown members and members of another type', () => {
    const Statement = 'SELECT * FROM "orders"'
    for (const [operation, body] of [
      ['ExecuteStatement', { Statement }],
      ['BatchExecuteStatement', { Statements: [{ Statement }] }],
      ['ExecuteTransaction', { TransactStatements: [{ Statement }] }],
    ] as const)
      assert.match(refused(dynamo(operation, body)), /^operation_unknown: .*PartiQL/, operation)
    assert.match(
      refused(dynamo('GetItem', { TableName: 'one', Key: {}, tablename: 'two' })),
      /^not_understood/,
    )
    assert.match(
      refused(dynamo('GetItem', { TableName: 'one', Key: {}, Extra: 1 })),
      /not an argument/,
    )
    assert.match(
      refused(dynamo('GetItem', { TableName: ['one'], Key: {} })),
      /not a value of its type/,
    )
  })
})
