import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { awsSts, type AwsStsParameters } from '../../src/minting/aws-sts.ts'
import type { Narrowing } from '../../src/minting/kind.ts'
import { readAwsKeys } from '../../src/provider/aws/sign.ts'
import { assumed } from '../support/aws-role.ts'
import { startAwsStandIn, type AwsStandIn } from '../support/aws-stand-in.ts'
import { narrowingTo, takes, wireOf, wireTo, type Wire } from '../support/minting.ts'
import { modelOf, withoutModels } from '../provider/aws/model.ts'

const account = '111111111111'
const pin = 'https://amazonaws.com'
const sts = 'https://sts.eu-west-1.amazonaws.com'
const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}
const role = `arn:aws:iam::${account}:role/broker/of+acme@x/Staging`
const parameters: AwsStsParameters = { role_arn: role, region: 'eu-west-1', external_id: 'ex:1/2' }
const whole = narrowingTo('account', [account])

let aws: AwsStandIn

before(async () => {
  aws = await startAwsStandIn(keys, {
    account,
    buckets: {},
    instances: {},
    roles: { [role]: { externalId: 'ex:1/2', longest: 7_200 } },
  })
})
after(() => aws.close())

function mint(
  narrowing: Narrowing = whole,
  given: AwsStsParameters = parameters,
  wire?: Wire,
  secret = JSON.stringify(keys),
  origin = pin,
) {
  // What is signed for STS's own host arrives at it under that name.
  const { exchange } = wire ?? wireTo({ [sts]: aws.origin, [aws.origin]: aws.origin })
  const now = Date.now()
  return awsSts.mint({
    parameters: given,
    secret,
    origin,
    narrowing,
    exchange,
    now,
    cause: 'c/ö 7',
  })
}

/** Through a declared upstream, where host and signature are of the stand-in. */
async function sessionOf(narrowing?: Narrowing, given?: AwsStsParameters) {
  const minted = await mint(narrowing, given, undefined, JSON.stringify(keys), aws.origin)
  assert.ok(minted.ok, JSON.stringify(minted))
  const got = readAwsKeys(minted.token)
  const session = aws.sessions.get(got?.accessKeyId ?? '')
  assert.ok(session !== undefined)
  assert.deepEqual(got, session.keys)
  assert.equal(minted.expiresAt, session.expiresAt)
  return session
}

describe('a role of AWS', () => {
  it('is assumed by a signed request, for the time that was asked, under the cause', async () => {
    const session = await sessionOf({ ...whole, seconds: 1_234 })
    assert.equal(session.role, role)
    assert.equal(session.seconds, 1_234)
    assert.equal(session.name, 'valetkey-c---7')
    assert.deepEqual(session.policyArns, [])
  })

  it('lives no shorter than STS mints, and no longer than stated, nor than a chained session may', async () => {
    assert.equal((await sessionOf({ ...whole, seconds: 1 })).seconds, 900)
    assert.equal((await sessionOf({ ...whole, seconds: 9_999 })).seconds, 3_600)
    const longer = { ...parameters, duration: 7_000 }
    assert.equal((await sessionOf({ ...whole, seconds: 9_999 }, longer)).seconds, 7_000)
    const chained = JSON.stringify({ ...keys, sessionToken: 'a'.repeat(40) })
    const wire = wireOf({ status: 500 })
    await mint({ ...whole, seconds: 9_999 }, longer, wire, chained)
    const form = new URLSearchParams(wire.sent[0]?.body)
    assert.equal(form.get('DurationSeconds'), '3600')
    assert.equal(wire.sent[0]?.headers['x-amz-security-token'], 'a'.repeat(40))
  })

  it('is narrowed by a policy: to reads, to the bindings, and below what an admin stated', async () => {
    const reads = await sessionOf({ ...whole, readOnly: true })
    assert.ok(reads.policy.Statement.some((one) => 'NotAction' in one && one['Effect'] === 'Deny'))
    const stated = { Effect: 'Allow', Action: 's3:Get*', Resource: '*' } as const
    const given: AwsStsParameters = {
      ...parameters,
      session_policy: { Version: '2012-10-17', Statement: [stated] },
      policy_arns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    }
    const session = await sessionOf(narrowingTo('bucket', ['acme-staging']), given)
    assert.deepEqual(session.policy.Statement[0], stated)
    assert.match(JSON.stringify(session.policy), /"NotResource":\["arn:aws:s3:::acme-staging"/)
    assert.deepEqual(session.policyArns, given.policy_arns)
  })

  it('is not assumed for an environment of another account, or of another partition', async () => {
    const wire = wireOf()
    for (const narrowing of [
      narrowingTo('account', ['222222222222']),
      narrowingTo('account', []),
      narrowingTo('repository', [account]),
    ]) {
      const minted = await mint(narrowing, parameters, wire)
      assert.ok(!minted.ok && minted.why === 'impossible')
    }
    const china = await mint(
      whole,
      parameters,
      wire,
      JSON.stringify(keys),
      'https://amazonaws.com.cn',
    )
    assert.ok(!china.ok && china.why === 'impossible')
    const mixed = { ...parameters, region: 'cn-north-1' }
    const across = await mint(whole, mixed, wire, JSON.stringify(keys), aws.origin)
    assert.ok(!across.ok && across.why === 'impossible')
    assert.deepEqual(wire.sent, [])
  })

  it('is asked for at STS’s own host of the region, signed for that host', async () => {
    assert.deepEqual(awsSts.origins(parameters, pin), [sts])
    assert.deepEqual(awsSts.origins(parameters, aws.origin), [aws.origin])
    const wire = wireOf({ status: 500 })
    await mint(whole, parameters, wire)
    assert.equal(wire.sent[0]?.origin, sts)
    const { authorization = '', ...headers } = wire.sent[0]?.headers ?? {}
    assert.match(authorization, /\/eu-west-1\/sts\/aws4_request, SignedHeaders=content-type;host;/)
    for (const part of Object.values(keys).slice(1))
      assert.ok(!JSON.stringify([headers, wire.sent[0]?.body, authorization]).includes(part))
  })

  it('refuses a session of another role, one that is too long, and what cannot be read', async () => {
    const session = {
      keys: { ...keys, accessKeyId: 'ASIA0123456789ABCDEF', sessionToken: 'b'.repeat(40) },
      role,
      name: 'valetkey-c---7',
      seconds: 900,
      expiresAt: Date.now() + 900_000,
      policyArns: [],
    }
    const answer = (text: string) => mint(whole, parameters, wireOf({ status: 200, text }))
    assert.ok((await answer(assumed(session))).ok)
    const good = assumed(session)
    const wider = [
      assumed({ ...session, role: role.replace('Staging', 'Admin') }),
      assumed({ ...session, role: role.replace(account, '222222222222') }),
      assumed({ ...session, name: 'other' }),
      assumed({ ...session, expiresAt: Date.now() + 7_200_000 }),
      good.replace(/<AssumedRoleUser>.*<\/AssumedRoleUser>/, ''),
    ]
    for (const text of wider) {
      const minted = await answer(text)
      assert.ok(!minted.ok && minted.why === 'impossible', text)
    }
    const unreadable = [
      '',
      '{}',
      `<!DOCTYPE x [<!ENTITY a "b">]>${good}`,
      good.replace('<AssumeRoleResponse', '<Other').replace('</AssumeRoleResponse', '</Other'),
      good.replace('<SessionToken>', '<SessionToken><x/>').replace('b</Session', '</Session'),
      good.replace(/<SessionToken>.*<\/SessionToken>/, ''),
      good.replace(/(<AccessKeyId>.*<\/AccessKeyId>)/, '$1$1'),
      good.replace('ASIA0123456789ABCDEF', 'ASIA"}'),
      good.replace(/<Expiration>.*<\/Expiration>/, '<Expiration>never</Expiration>'),
      assumed({ ...session, expiresAt: Date.now() - 1_000 }),
      good.slice(0, -4),
    ]
    for (const text of unreadable) {
      const minted = await answer(text)
      assert.ok(!minted.ok && minted.why === 'unavailable', text)
    }
  })

  it('says what STS said of an error, and what may pass', async () => {
    const refused = await mint(
      whole,
      { ...parameters, external_id: 'wrong' },
      undefined,
      undefined,
      aws.origin,
    )
    assert.ok(!refused.ok && refused.why === 'rejected')
    assert.match(
      refused.detail,
      /^STS answered 403: AccessDenied: User: arn:aws:iam::1:user\/u is not/,
    )
    const wrongKey = JSON.stringify({ ...keys, secretAccessKey: 'c'.repeat(40) })
    const unsigned = await mint(whole, parameters, undefined, wrongKey, aws.origin)
    assert.ok(!unsigned.ok && unsigned.why === 'rejected')
    const error = (code: string) =>
      `<ErrorResponse><Error><Code>${code}</Code><Message>m ${keys.secretAccessKey}</Message></Error></ErrorResponse>`
    const slow = await mint(whole, parameters, wireOf({ status: 400, text: error('Throttling') }))
    assert.deepEqual(slow, {
      ok: false,
      why: 'unavailable',
      detail: 'STS answered 400: Throttling: m [redacted]',
    })
  })

  it('has parameters that lead nowhere else', () => {
    assert.ok(takes(awsSts, parameters))
    for (const wrong of [
      { region: 'x.evil.com/' },
      { region: 'eu-west-1.evil.com' },
      { region: 'eu-west-1@evil' },
      { region: '' },
      { role_arn: `arn:aws:iam::${account}:user/x` },
      { role_arn: `arn:aws:iam::${account}:role/` },
      { role_arn: `${role}\n` },
      { role_arn: `arn:aws:sts::${account}:assumed-role/x/y` },
      { external_id: 'a&Action=GetSessionToken' },
      { policy_arns: ['arn:aws:iam::aws:policy/x&y'] },
      { policy_arns: [] },
      { duration: 899 },
      { duration: 43_201 },
      { session_policy: { Version: '2008-10-17', Statement: [{ Effect: 'Allow' }] } },
      { session_policy: { Version: '2012-10-17', Statement: [{ Effect: 'Maybe' }] } },
      {
        session_policy: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*' }] },
      },
      { session_policy: { Version: '2012-10-17', Statement: [] } },
      { endpoint: 'https://evil.example' },
    ])
      assert.equal(takes(awsSts, { ...parameters, ...wrong }), false, JSON.stringify(wrong))
  })

  it('is complained about where it could never work', () => {
    const good = JSON.stringify(keys)
    assert.equal(awsSts.complaint(parameters, good), undefined)
    assert.equal(
      awsSts.complaint(parameters, JSON.stringify({ ...keys, sessionToken: 'x'.repeat(5_000) })),
      undefined,
    )
    const wrong: readonly (readonly [AwsStsParameters, string])[] = [
      [parameters, 'AKIA:secret'],
      [parameters, JSON.stringify({ accessKeyId: keys.accessKeyId })],
      [{ ...parameters, region: 'cn-north-1' }, good],
      [{ ...parameters, region: 'eu-nowhere-9' }, good],
      [
        {
          ...parameters,
          policy_arns: Array.from(
            { length: 10 },
            () => `arn:aws:iam::aws:policy/${'x'.repeat(200)}`,
          ),
        },
        good,
      ],
      [
        {
          ...parameters,
          session_policy: {
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action: 'a'.repeat(1_990) }],
          },
        },
        good,
      ],
    ]
    for (const [given, secret] of wrong) {
      const complaint = awsSts.complaint(given, secret)
      assert.ok(complaint !== undefined && complaint.length < 200)
    }
  })

  it('sends each form field once, whatever the parameters', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.stringMatching(/^[A-Za-z0-9_+=,.@:/-]{2,60}$/),
        fc.stringMatching(/^[A-Za-z0-9+=,.@_-]{1,64}$/),
        fc.string({ unit: 'grapheme', maxLength: 90 }),
        fc.boolean(),
        async (external_id, name, cause, readOnly) => {
          const wire = wireOf({ status: 500 })
          const role_arn = `arn:aws:iam::${account}:role/${name}`
          await awsSts.mint({
            parameters: { ...parameters, role_arn, external_id },
            secret: JSON.stringify(keys),
            origin: pin,
            narrowing: { ...whole, readOnly },
            exchange: wire.exchange,
            now: Date.now(),
            cause,
          })
          const form = [...new URLSearchParams(wire.sent[0]?.body)]
          assert.deepEqual(
            form.map(([key]) => key),
            [
              'Action',
              'Version',
              'RoleArn',
              'RoleSessionName',
              'DurationSeconds',
              'Policy',
              'ExternalId',
            ],
          )
          const value = Object.fromEntries(form)
          assert.equal(value['RoleArn'], role_arn)
          assert.equal(value['ExternalId'], external_id)
          assert.match(value['RoleSessionName'] ?? '', /^[\w+=,.@-]{2,64}$/)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('asks with the members that AWS’s own model has', { skip: withoutModels }, async () => {
    const wire = wireOf({ status: 500 })
    await mint(whole, { ...parameters, policy_arns: ['arn:aws:iam::aws:policy/x'] }, wire)
    const { shapes, metadata } = modelOf('sts') as unknown as {
      shapes: Record<string, { members: Record<string, unknown> }>
      metadata: { apiVersion: string }
    }
    const members = Object.keys(shapes['AssumeRoleRequest']?.members ?? {})
    const form = new URLSearchParams(wire.sent[0]?.body)
    assert.equal(form.get('Version'), metadata.apiVersion)
    for (const key of form.keys())
      if (key !== 'Action' && key !== 'Version')
        assert.ok(members.includes(key.split('.')[0] ?? ''), key)
    assert.ok('arn' in (shapes['PolicyDescriptorType']?.members ?? {}))
  })
})
