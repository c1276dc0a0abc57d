import { test } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCondition } from '../../src/cli/trust-condition.ts'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { cli } from './world.ts'

test('a condition is read as it is typed, and its value is text unless it is JSON', () => {
  assert.deepEqual(readCondition('repository_id=123'), { claim: 'repository_id', equals: '123' })
  assert.deepEqual(readCondition('ref=refs/heads/a|refs/heads/b'), {
    claim: 'ref',
    oneOf: ['refs/heads/a', 'refs/heads/b'],
  })
  assert.deepEqual(readCondition('sub^=repo:acme/'), { claim: 'sub', prefix: 'repo:acme/' })
  assert.deepEqual(readCondition('/kubernetes.io/namespace=prod'), {
    claim: '/kubernetes.io/namespace',
    equals: 'prod',
  })
  assert.deepEqual(readCondition('sub=a=b^=c'), { claim: 'sub', equals: 'a=b^=c' })
  assert.deepEqual(readCondition('{"claim":"protected","equals":true}'), {
    claim: 'protected',
    equals: true,
  })
})

test('a condition that means nothing, or more than it looks, is refused', () => {
  for (const given of [
    'repository_id',
    '=x',
    'a=',
    'sub^=repo:acme',
    'sub=a|',
    'aud=x',
    '{"claim":"sub"}',
    '{"claim":"sub","equals":"a","regex":"b"}',
    '{"claim":"sub","equals":["a"]}',
    '{"claim":1,"equals":"a"}',
    '{',
  ])
    assert.throws(() => readCondition(given), /--where/, given)
})

test('a rule without a condition is refused before anything is asked or sent', async () => {
  const { code, err } = await cli([
    'trust',
    'add',
    'r',
    '--issuer',
    'github',
    '--agent',
    'deploy-bot',
  ])
  assert.equal(code, 2)
  assert.match(err.join('\n'), /whoever has a token would act as this agent/)
})

test('an id that is neither a rule’s nor an issuer’s makes no path', async () => {
  for (const id of ['../grants/gr_1', `ag_${'0'.repeat(26)}`, 'x']) {
    const { code, err } = await cli(['trust', 'revoke', id])
    assert.equal(code, 2)
    assert.match(err.join('\n'), /neither of a rule nor of an issuer/)
  }
})

test('trust, from the first issuer to the last rule, in a terminal', async (t) => {
  const broker = await openTestBroker(t)
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const type = (...argv: string[]) => cli(argv, { env, fetch, typed: [adminPassword] })
  assert.equal((await type('login', '--name', broker.admin.name)).code, 0)
  await broker.api('POST', '/v1/agents', { name: 'deploy-bot' })
  const terms = ['--issuer', 'github', '--agent', 'deploy-bot', '--where', 'environment=staging']

  const early = await type('trust', 'add', 'deploys', ...terms)
  assert.match(early.err.join('\n'), /valetkey trust add-issuer github/)
  const trusted = await type('trust', 'add-issuer', 'github')
  assert.equal(trusted.code, 0, trusted.err.join('\n'))
  assert.match(trusted.out.join('\n'), /token\.actions\.githubusercontent\.com.*\n {2}kind: github/)

  const squattable = await type('trust', 'add', 'deploys', ...terms)
  assert.notEqual(squattable.code, 0)
  assert.match(squattable.err.join('\n'), /repository_id or repository_owner_id/)
  const made = await type('trust', 'add', 'deploys', ...terms, '--where', 'repository_id=1|2')
  assert.equal(made.code, 0, made.err.join('\n'))
  assert.match(made.out.join('\n'), /where: repository_id is one of "1", "2"/)
  const [id = ''] = /tr_[0-9a-z]{26}/.exec(made.out.join('\n')) ?? []

  const row = async () =>
    (await type('trust', 'list')).out.find((line) => line.includes(id)) ?? 'not listed'
  assert.match(await row(), /deploys +deploy-bot +active +environment is "staging"; repository_id/)
  assert.deepEqual((await type('trust', 'disable', id)).out, [`${id} is disabled.`])
  assert.match(await row(), /disabled/)
  const enabled = await type('trust', 'enable', id)
  assert.deepEqual(enabled.asked, ['Your password'])
  assert.match((await type('trust', 'show', id)).out.join('\n'), /deploys .*, active/)
  assert.match((await type('trust', 'revoke', id)).out.join(''), /cannot be undone/)
  assert.match((await type('trust', 'issuers')).out.join('\n'), /iss_[0-9a-z]{26} .*github +active/)
})
