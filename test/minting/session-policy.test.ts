import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Narrowing } from '../../src/minting/kind.ts'
import {
  longest,
  readActions,
  sessionPolicy,
  waysOut,
  type StatedPolicy,
} from '../../src/minting/session-policy.ts'
import { awsEntries } from '../../src/provider/aws/catalogue.ts'

const account = '111111111111'
const role = { partition: 'aws', account, managed: false }

type Statement = Readonly<Record<string, unknown>>

function statements(
  bindings: Narrowing['bindings'],
  readOnly = false,
  more: { stated?: StatedPolicy; managed?: boolean } = {},
): readonly Statement[] {
  const made = sessionPolicy({ ...role, ...more }, { bindings, readOnly })
  assert.ok('text' in made, JSON.stringify(made))
  assert.ok(made.text.length <= longest)
  return (JSON.parse(made.text) as { Statement: Statement[] }).Statement
}

const bind = (...all: (readonly [kind: string, id: string])[]): Narrowing['bindings'] =>
  all.map(([kind, id]) => ({ kind, id }))

/** IAM's matching, for the parts of its language that are used here: a statement's condition is what the caller says it is. */
function matches(patterns: unknown, name: string): boolean {
  const list = Array.isArray(patterns) ? (patterns as string[]) : [patterns as string]
  return list.some((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\/]/g, '\\$&'))
    return new RegExp(`^${parts.join('.*')}$`, 'i').test(name)
  })
}

type Asked = {
  readonly action: string
  readonly resource: string
  /** Condition keys of the request. */
  readonly keys?: Readonly<Record<string, string>>
}

function holds(condition: unknown, keys: Readonly<Record<string, string>>): boolean {
  return Object.entries((condition ?? {}) as Record<string, Record<string, unknown>>).every(
    ([operator, tests]) =>
      Object.entries(tests).every(([key, value]) => {
        const given = keys[key]
        switch (operator) {
          case 'StringNotEquals':
          case 'StringNotLike':
            return given === undefined || !matches(value, given)
          case 'Null':
            return (given === undefined) === (value === 'true')
          default:
            throw new Error(`not known here: ${operator}`)
        }
      }),
  )
}

function allowed(list: readonly Statement[], { action, resource, keys = {} }: Asked): boolean {
  const applies = (one: Statement): boolean =>
    (one['Action'] === undefined
      ? !matches(one['NotAction'], action)
      : matches(one['Action'], action)) &&
    (one['Resource'] === undefined
      ? !matches(one['NotResource'], resource)
      : matches(one['Resource'], resource)) &&
    holds(one['Condition'], keys)
  const effects = list.filter(applies).map((one) => one['Effect'])
  return effects.includes('Allow') && !effects.includes('Deny')
}

const get = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k' }

describe('the policy of an AWS session', () => {
  it('leaves the role as it is in a whole account, but for ways out of it', () => {
    const list = statements(bind(['account', account]))
    const own = { 's3:ResourceAccount': account }
    assert.ok(allowed(list, { ...get, keys: own }))
    assert.ok(allowed(list, { action: 's3:ListAllMyBuckets', resource: '*' }))
    assert.ok(allowed(list, { action: 'ec2:TerminateInstances', resource: '*' }))
    for (const action of [
      'sts:AssumeRole',
      'sts:AssumeRoleWithWebIdentity',
      'sts:GetFederationToken',
      'sts:GetSessionToken',
      's3:GetDataAccess',
    ])
      assert.ok(!allowed(list, { action, resource: '*' }), action)
    assert.ok(allowed(list, { action: 'sts:GetCallerIdentity', resource: '*' }))
  })

  it('carries no data to a bucket of another account, unless the environment is bound to it', () => {
    const put = {
      action: 's3:PutObject',
      resource: 'arn:aws:s3:::drop/k',
      keys: { 's3:ResourceAccount': '666666666666' },
    }
    assert.ok(!allowed(statements(bind(['account', account])), put))
    assert.ok(allowed(statements(bind(['account', account], ['bucket', 'drop'])), put))
    assert.ok(allowed(statements(bind(['account', account], ['account', '666666666666'])), put))
  })

  it('opens with a key only what a service keeps', () => {
    const list = statements(bind(['account', account]))
    const decrypt = { action: 'kms:Decrypt', resource: 'arn:aws:kms:eu-west-1:111111111111:key/k' }
    assert.ok(!allowed(list, decrypt))
    assert.ok(
      allowed(list, { ...decrypt, keys: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' } }),
    )
    assert.ok(
      !allowed(list, {
        ...decrypt,
        keys: { 'kms:ViaService': 'secretsmanager.eu-west-1.amazonaws.com' },
      }),
    )
  })

  it('holds nothing but the buckets and tables where no account is bound', () => {
    const list = statements(bind(['bucket', 'b'], ['table', `${account}/eu-west-1/orders`]))
    const table = `arn:aws:dynamodb:eu-west-1:${account}:table/orders`
    assert.ok(allowed(list, get))
    assert.ok(allowed(list, { action: 's3:ListBucket', resource: 'arn:aws:s3:::b' }))
    assert.ok(allowed(list, { action: 'dynamodb:Query', resource: table }))
    assert.ok(allowed(list, { action: 'dynamodb:Query', resource: `${table}/index/by-date` }))
    for (const resource of [
      'arn:aws:s3:::bb/k',
      'arn:aws:s3:::b2',
      `arn:aws:dynamodb:eu-west-1:${account}:table/orders2`,
      `arn:aws:dynamodb:eu-west-2:${account}:table/orders`,
      '*',
    ])
      for (const action of [
        's3:GetObject',
        'dynamodb:Query',
        'ec2:DescribeInstances',
        'iam:CreateUser',
      ])
        assert.ok(!allowed(list, { action, resource }), `${action} ${resource}`)
  })

  it('stays in the regions that are bound', () => {
    const at = (region: string, action = 'ec2:RunInstances') => ({
      action,
      resource: '*',
      keys: { 'aws:RequestedRegion': region },
    })
    const here = statements(bind(['account', account], ['region', 'eu-west-1']))
    assert.ok(allowed(here, at('eu-west-1')))
    assert.ok(!allowed(here, at('us-east-1')))
    assert.ok(!allowed(here, at('us-east-1', 'iam:CreateUser')))
    const both = statements(
      bind(['account', account], ['region', 'eu-west-1'], ['region', 'global']),
    )
    assert.ok(allowed(both, at('us-east-1', 'iam:GetUser')))
    assert.ok(!allowed(both, at('us-east-1')))
    const none = statements(bind(['account', account], ['region', 'global']))
    assert.ok(allowed(none, at('us-east-1', 'iam:GetUser')))
    assert.ok(!allowed(none, at('eu-west-1')))
  })

  it('allows no operation of the catalogue that is more than a read, where nothing but reads will be done', () => {
    const list = statements(bind(['account', account]), true)
    const reads: string[] = []
    for (const { name, effects } of awsEntries()) {
      const [service = '', operation = ''] = name.split('/')
      const asked = { action: `${service}:${operation}`, resource: '*' }
      if (effects.length === 1 && effects[0] === 'read') {
        if (!allowed(list, asked)) reads.push(name)
      } else if (effects.some((effect) => effect !== 'read' && effect !== 'secret'))
        assert.ok(!allowed(list, asked), `${name} ${effects.join()}`)
    }
    // IAM has other names for these: GetItem, ListBucket and GetObject.
    assert.deepEqual(reads.sort(), [
      'dynamodb/TransactGetItems',
      's3/HeadBucket',
      's3/HeadObject',
      's3/SelectObjectContent',
    ])
    for (const action of [
      'ec2:DescribeInstances',
      'iam:GetUser',
      'rds:DescribeDBInstances',
      's3:GetObject',
      's3:ListBucket',
      'dynamodb:Query',
      'dynamodb:Scan',
      'dynamodb:GetItem',
    ])
      assert.ok(allowed(list, { action, resource: '*' }), action)
    for (const action of [
      'lambda:InvokeFunction',
      'secretsmanager:GetSecretValue',
      'ssm:GetParameter',
    ])
      assert.ok(!allowed(list, { action, resource: '*' }), action)
  })

  it('adds to what an admin stated nothing but denials', () => {
    const stated: StatedPolicy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    }
    const bindings = bind(['account', account])
    const list = statements(bindings, false, { stated })
    assert.deepEqual(list[0], stated.Statement[0])
    assert.ok(list.slice(1).every((one) => one['Effect'] === 'Deny'))
    assert.ok(!allowed(list, { action: 'ec2:RunInstances', resource: '*' }))
    // Managed policies are added to this one: a statement that allows would be a way around them.
    const managed = statements(bindings, true, { managed: true })
    assert.ok(managed.every((one) => one['Effect'] === 'Deny'))
  })

  it('is none for another account, for tags alone, for nothing, and where it would be too long', () => {
    const none = (bindings: Narrowing['bindings'], stated?: StatedPolicy) => {
      const made = sessionPolicy({ ...role, stated }, { bindings, readOnly: false })
      assert.ok('impossible' in made, JSON.stringify(bindings))
    }
    none([])
    none(bind(['account', '222222222222']))
    none(bind(['account', '222222222222'], ['bucket', 'b']))
    none(bind(['tag', 'env=staging']))
    none(bind(['region', 'eu-west-1']))
    none(bind(['bucket', 'b'], ['tag', 'env=staging']))
    none(bind(['table', `222222222222/eu-west-1/t`], ['bucket', 'b']))
    none(
      Array.from({ length: 40 }, (_, i) => ({ kind: 'bucket', id: `acme-staging-${String(i)}` })),
    )
    none(bind(['account', account]), {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'x'.repeat(2_000), Resource: '*' }],
    })
    none(bind(['account', account]), {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: 'arn:aws:s3:::\u4e00' }],
    })
  })

  it('reaches no bucket, table, region or write beyond the bindings, whatever they are', () => {
    const name = fc.constantFrom('a', 'aa', 'b', 'c.d')
    const region = fc.constantFrom('eu-west-1', 'us-east-1')
    const binding = fc.oneof(
      fc.record({ kind: fc.constant('bucket'), id: name }),
      fc.record({ kind: fc.constant('region'), id: region }),
      fc.tuple(region, name).map(([at, id]) => ({ kind: 'table', id: `${account}/${at}/${id}` })),
      fc.constant({ kind: 'account', id: account }),
    )
    const asked = fc.oneof(
      fc.record({
        action: fc.constantFrom('s3:GetObject', 's3:PutObject'),
        bucket: name,
        at: region,
      }),
      fc.record({
        action: fc.constantFrom('dynamodb:Query', 'dynamodb:PutItem'),
        table: name,
        at: region,
      }),
    )
    fc.assert(
      fc.property(
        fc.array(binding, { maxLength: 6 }),
        asked,
        fc.boolean(),
        (bindings, one, readOnly) => {
          const made = sessionPolicy(role, { bindings, readOnly })
          if (!('text' in made)) return
          const list = (JSON.parse(made.text) as { Statement: Statement[] }).Statement
          const has = (kind: string, id: string) =>
            bindings.some((each) => each.kind === kind && each.id === id)
          const resource =
            'bucket' in one
              ? `arn:aws:s3:::${one.bucket}/k`
              : `arn:aws:dynamodb:${one.at}:${account}:table/${one.table}`
          const bound =
            has('account', account) ||
            ('bucket' in one
              ? has('bucket', one.bucket)
              : has('table', `${account}/${one.at}/${one.table}`))
          const regional = !bindings.some(({ kind }) => kind === 'region') || has('region', one.at)
          const readable = !readOnly || /Get|Query/.test(one.action)
          const keys = { 'aws:RequestedRegion': one.at, 's3:ResourceAccount': account }
          assert.equal(
            allowed(list, { action: one.action, resource, keys }),
            bound && regional && readable,
          )
        },
      ),
      { numRuns: 400 },
    )
  })

  it('names actions as IAM does', () => {
    for (const action of [...readActions, ...waysOut])
      assert.match(action, /^[a-z0-9]+:[A-Za-z*]+$/)
  })
})
