import { test } from 'node:test'
import assert from 'node:assert/strict'
import { githubIssuer, platformOf, ruleFault, ruleHolds } from '../../src/core/trust-rule.ts'

const publicUrl = 'https://broker.acme.example'
const byId = { claim: 'repository_id', equals: '123' } as const
const rule = (conditions: readonly object[], audience: string | null = null) =>
  ({ conditions, audience }) as Parameters<typeof ruleFault>[1]

test('what an issuer’s URL says of its platform cannot be escaped by another spelling of a path', () => {
  for (const issuer of [
    githubIssuer,
    `${githubIssuer}/acme`,
    'https://token.actions.acme.ghe.com',
    'https://github.acme.example/_services/token',
  ])
    assert.equal(platformOf(issuer), 'github', issuer)
  assert.equal(platformOf('https://gitlab.com'), 'gitlab')
  assert.equal(platformOf('https://gitlab.acme.example'), undefined)
  assert.equal(platformOf('not a url'), undefined)
})

test('a rule for GitHub names an id, exactly, or is refused with the reason', () => {
  for (const conditions of [
    [{ claim: 'repository', equals: 'acme/app' }],
    [{ claim: 'sub', prefix: 'repo:acme/' }],
    [{ claim: 'repository_id', prefix: '12/' }],
    [{ claim: '/x/repository_id', equals: '123' }],
    [
      { claim: 'ref', equals: 'refs/heads/main' },
      { claim: 'environment', equals: 'prod' },
    ],
  ]) {
    const fault = ruleFault('github', rule(conditions))
    assert.match(
      fault?.detail ?? '',
      /repository_id or repository_owner_id.*registered by somebody else/,
    )
    assert.equal(fault?.pointer, '/conditions')
  }
  assert.equal(ruleFault('github', rule([byId])), undefined)
  assert.equal(ruleFault('github', rule([{ claim: '/repository_id', equals: '123' }])), undefined)
  assert.equal(
    ruleFault('github', rule([{ claim: 'repository_owner_id', oneOf: ['1', '2'] }])),
    undefined,
  )
})

test('a rule for GitLab names a project’s or a namespace’s id, and one for a cluster names who in it', () => {
  assert.ok(
    ruleFault('gitlab', rule([{ claim: 'project_path', equals: 'acme/app' }])) !== undefined,
  )
  assert.ok(ruleFault('gitlab', rule([byId])) !== undefined)
  assert.equal(ruleFault('gitlab', rule([{ claim: 'project_id', equals: '20' }])), undefined)
  assert.ok(
    ruleFault('kubernetes', rule([{ claim: '/kubernetes.io/pod/name', equals: 'a' }])) !==
      undefined,
  )
  assert.equal(
    ruleFault('kubernetes', rule([{ claim: '/kubernetes.io/namespace', equals: 'prod' }])),
    undefined,
  )
})

test('a rule without a condition, or with one that cannot be kept, is none for any issuer', () => {
  for (const platform of ['github', 'gitlab', 'kubernetes', 'other'] as const) {
    assert.equal(ruleFault(platform, rule([]))?.pointer, '/conditions')
    assert.equal(
      ruleFault(platform, rule([byId, { claim: 'sub', prefix: 'repo:acme' }]))?.pointer,
      '/conditions/1',
    )
    assert.ok(!ruleHolds(platform, rule([]), { aud: publicUrl }, publicUrl))
  }
})

test('an audience that tokens are minted for to be shown elsewhere is refused', () => {
  for (const audience of [
    'sts.amazonaws.com',
    'https://github.com/acme',
    'https://kubernetes.default.svc',
    'https://gitlab.com',
    'sigstore',
  ])
    assert.equal(ruleFault('other', rule([byId], audience))?.pointer, '/audience', audience)
  assert.equal(ruleFault('other', rule([byId], 'valetkey')), undefined)
})

test('a token is for the rule’s audience alone, and meets every condition of it', () => {
  const both = rule([byId, { claim: 'environment', equals: 'staging' }])
  const claims = { aud: publicUrl, repository_id: '123', environment: 'staging' }
  assert.ok(ruleHolds('github', both, claims, publicUrl))
  assert.ok(ruleHolds('github', both, { ...claims, aud: [publicUrl] }, publicUrl))
  for (const wrong of [
    { aud: [publicUrl, 'https://other.example'] },
    { aud: [publicUrl, publicUrl] },
    { aud: [] },
    { aud: `${publicUrl}/` },
    { aud: undefined },
    { environment: 'production' },
    { environment: undefined },
    { repository_id: 123 },
  ])
    assert.ok(!ruleHolds('github', both, { ...claims, ...wrong }, publicUrl), JSON.stringify(wrong))
  const other = rule([byId], 'valetkey')
  assert.ok(ruleHolds('github', other, { ...claims, aud: 'valetkey' }, publicUrl))
  assert.ok(!ruleHolds('github', other, claims, publicUrl), 'the broker’s own is not this rule’s')
})
