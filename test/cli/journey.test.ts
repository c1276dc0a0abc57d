/** The README's way through the CLI, on a whole broker: from the setup secret to the audit log, and the ways to stop it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { Failure } from '../../src/cli/failure.ts'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { startGithubStandIn } from '../support/github-stand-in.ts'
import { cli, type CliResult, type CliWorld } from './world.ts'

const providerToken = 'ghp_CANARYx7Yh2LmPxQ9f8ZqT0k3nV5sJ1aB4cD'
const ownPassword = 'a password of my own'

type Cli = (line: string, world?: CliWorld) => Promise<CliResult>

async function open(t: TestContext) {
  const github = await startGithubStandIn({ token: providerToken })
  t.after(() => github.close())
  const broker = await openTestBroker(t, { upstreams: { github: github.origin } })
  const directory = mkdtempSync(path.join(os.tmpdir(), 'valetkey-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const passwordFile = (name: string, password: string): string => {
    const file = path.join(directory, name)
    writeFileSync(file, `${password}\n`, { mode: 0o600 })
    return file
  }
  const env = {
    VALETKEY_URL: broker.url,
    VALETKEY_CONFIG_HOME: path.join(directory, 'home'),
    VALETKEY_PASSWORD_FILE: passwordFile('admin', adminPassword),
  }
  /** Words are split at blanks; `'…'` is one word. */
  const any: Cli = (line, world = {}) =>
    cli(
      [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? ''),
      { fetch, ...world, env: { ...env, ...world.env } },
    )
  const good: Cli = async (line, world) => {
    const result = await any(line, world)
    assert.equal(result.code, 0, `${line}\n${result.err.join('\n')}`)
    return result
  }
  const json = async (line: string, world?: CliWorld): Promise<Record<string, unknown>> =>
    JSON.parse((await good(`${line} --json`, world)).out.join('\n')) as Record<string, unknown>
  return { github, broker, directory, env, passwordFile, any, good, json }
}

test('from a setup secret to an allowed call, a refused one, and both in the audit log', async (t) => {
  const { github, broker, env, passwordFile, any, good, json } = await open(t)
  const printed: string[] = []

  await good(`login --name ${broker.admin.name}`)
  const invited = await json('operator add sam --role admin --role auditor')
  const secret = String(invited['setup_secret'])
  const VALETKEY_PASSWORD_FILE = passwordFile('sam', ownPassword)
  await good('setup --name sam', { piped: `${secret}\n`, env: { VALETKEY_PASSWORD_FILE } })
  const again = await any('setup --name sam', { piped: secret, env: { VALETKEY_PASSWORD_FILE } })
  assert.equal(again.code, 1)
  assert.match(again.err.join('\n'), /sign_in_required/)
  // From here on, as sam, with the password typed wherever it is needed.
  const as = { env: { VALETKEY_PASSWORD_FILE: undefined }, typed: [ownPassword] }
  const sam: Cli = async (line, world) => {
    const result = await good(line, { ...as, ...world })
    printed.push(...result.out, ...result.err)
    return result
  }
  assert.deepEqual((await sam('login --name sam')).asked, ['Your password'])

  await sam('environment add acme/staging --bind github:repository:acme/app-staging')
  const agent = await json('agent add deploy-bot', as)
  const agentId = String((agent['agent'] as Record<string, unknown>)['id'])
  const key = String(agent['key'])
  const stored = await sam(
    'credential add github-staging --provider github --environment acme/staging',
    {
      piped: `${providerToken}\n`,
    },
  )
  assert.match(stored.out.join('\n'), /reach|WARNING/)
  const grant = await json(
    'grant add --agent deploy-bot --credential github-staging --environment acme/staging',
    as,
  )
  assert.deepEqual(grant['verbs'], ['read'])
  const grantId = String(grant['id'])

  const token = await sam(
    `token --agent ${agentId} --provider github --environment acme/staging --lifetime 2m`,
    {
      piped: `${key}\n`,
    },
  )
  const [capability = '', more] = token.out
  assert.equal(more, undefined)
  assert.match(token.err.join('\n'), /120 seconds: read/)
  const call = (method: string, repository: string): Promise<Response> =>
    fetch(`${broker.url}/proxy/github/repos/${repository}`, {
      method,
      headers: { authorization: `Bearer ${capability}` },
    })
  assert.equal((await call('GET', 'acme/app-staging')).status, 200)
  const before = github.requests.length
  assert.equal((await call('DELETE', 'acme/app-staging')).status, 403)
  assert.equal((await call('GET', 'acme/app-prod')).status, 403)
  assert.ok(
    github.requests
      .slice(before)
      .every(({ method, target }) => method === 'GET' && !target.includes('app-prod')),
  )

  const explained = await sam(`explain --grant ${grantId} DELETE /repos/acme/app-staging`)
  assert.match(explained.out[0] ?? '', /^deny \(verb_missing\)/)
  assert.match(explained.out.join('\n'), /repos\/delete \[write destructive/)

  const audit = await sam('audit --actor deploy-bot --kind decision')
  const lines = audit.out.slice(1).map((line) => line.split(/ {2,}/))
  assert.deepEqual(
    lines.map(([, actor, decision, environment, what]) => [
      actor,
      decision,
      environment,
      what?.split(' ')[0],
    ]),
    [
      ['agent deploy-bot', 'allow', 'acme/staging', 'repos/get'],
      ['agent deploy-bot', 'deny', 'acme/staging', 'repos/delete'],
      ['agent deploy-bot', 'deny', 'acme/staging', 'repos/get'],
    ],
  )
  assert.match(audit.out.join('\n'), /outside.*acme\/app-prod/)
  assert.equal((await sam('audit list --result deny --actor deploy-bot --json')).out.length, 2)

  await sam(`revoke '${capability}'`)
  assert.equal((await call('GET', 'acme/app-staging')).status, 401)

  for (const hidden of [providerToken, ownPassword, key, secret]) {
    assert.ok(!printed.join('\n').includes(hidden))
    for (const file of readdirSync(env.VALETKEY_CONFIG_HOME)) {
      assert.ok(!readFileSync(path.join(env.VALETKEY_CONFIG_HOME, file), 'utf8').includes(hidden))
    }
  }

  await good('logout')
  const out = await any('agent list')
  assert.equal(out.code, 1)
  assert.match(out.err.join('\n'), /Nobody is signed in/)
})

test('everything that was made can be listed, shown, changed, disabled, enabled, frozen and revoked by its name', async (t) => {
  const { broker, any, good, json } = await open(t)
  await good(`login --name ${broker.admin.name}`)
  await good('environment add acme/staging --bind github:repository:acme/app-staging')
  const agent = await json('agent add deploy-bot')
  const agentId = String((agent['agent'] as Record<string, unknown>)['id'])
  await good('credential add github-staging --provider github --environment acme/staging', {
    piped: providerToken,
  })
  const grantId = String(
    (await json('grant add --agent deploy-bot --credential github-staging --verb repos/get'))['id'],
  )
  const take = (): Promise<CliResult> =>
    any(`token --agent ${agentId}`, { piped: String(agent['key']) })

  for (const kind of ['operator', 'environment', 'agent', 'credential', 'grant']) {
    const table = await good(`${kind} list`)
    assert.equal(table.out.length, 2, kind)
    assert.equal(((await json(`${kind} list`))['items'] as unknown[]).length, 1)
  }
  for (const line of [
    'environment show acme/staging',
    'agent show deploy-bot',
    'credential show github-staging',
    `grant show ${grantId}`,
  ]) {
    assert.ok((await good(line)).out.length > 2, line)
    assert.ok('id' in (await json(line)), line)
  }
  assert.match(
    (await good('grant list --agent deploy-bot --environment acme/staging')).out[1] ?? '',
    /deploy-bot +acme\/staging +github-staging/,
  )
  assert.match((await good('status')).out.join('\n'), /is ready/)
  assert.ok(
    (await good('operations github --effect destructive --match repos/delete')).out.some((line) =>
      line.startsWith('repos/delete '),
    ),
  )

  await good(`grant update ${grantId} --approval always`, {
    env: { VALETKEY_PASSWORD_FILE: undefined },
  })
  const weaker = await good(`grant update ${grantId} --approval never`, {
    env: { VALETKEY_PASSWORD_FILE: undefined },
    typed: [adminPassword],
  })
  assert.deepEqual(weaker.asked, ['Your password'])
  const changed = await json(
    `grant update ${grantId} --verb read --constraint repo=app-staging --rate 30 --lifetime 1m --expires 30d`,
  )
  assert.deepEqual(
    [
      changed['verbs'],
      changed['constraints'],
      changed['requests_per_minute'],
      changed['max_lifetime_seconds'],
    ],
    [['read'], [{ path: 'repo', equals: 'app-staging' }], 30, 60],
  )
  assert.ok(typeof changed['expires_at'] === 'string')
  const loosened = await json(
    `grant update ${grantId} --no-constraints --rate none --expires never`,
  )
  assert.deepEqual(
    [loosened['constraints'], loosened['requests_per_minute'], loosened['expires_at']],
    [[], null, null],
  )

  assert.equal((await json('environment protect acme/staging'))['protected'], true)
  assert.equal((await json('environment unprotect acme/staging'))['protected'], false)
  const bound = await json(
    'environment bind acme/staging --bind github:repository:acme/app-prod --unbind github:repository:acme/app-staging',
  )
  assert.deepEqual(bound['bindings'], [
    { provider: 'github', kind: 'repository', id: 'acme/app-prod' },
  ])
  const unbound = await any('environment bind acme/staging --unbind github:repository:acme/other')
  assert.equal(unbound.code, 2)

  await good('credential replace github-staging', { piped: providerToken })
  assert.equal((await json('credential show github-staging'))['version'], 2)

  for (const subject of [
    'agent deploy-bot',
    'credential github-staging',
    'environment acme/staging',
    `grant ${grantId}`,
  ]) {
    const [kind = '', name = ''] = subject.split(' ')
    assert.equal((await take()).code, 0, subject)
    await good(`${kind} disable ${name}`)
    assert.equal((await take()).code, 1, subject)
    await good(`${kind} enable ${name}`)
    assert.equal((await take()).code, 0, subject)
  }
  for (const scope of [
    'everything',
    'provider github',
    'environment acme/staging',
    'agent deploy-bot',
  ]) {
    const { id } = await json(`freeze ${scope} --reason 'a drill'`)
    const refused = await take()
    assert.equal(refused.code, 1, scope)
    assert.match(refused.err.join('\n'), /frozen/)
    assert.match((await good('freezes')).out.join('\n'), /a drill/)
    await good(`unfreeze ${String(id)}`)
    assert.deepEqual((await good('freezes')).out, ['Nothing is frozen.'])
  }
  assert.equal((await good('freezes --all')).out.length, 5)

  const rotated = await json('agent rotate-key deploy-bot --overlap 0')
  assert.equal((await take()).code, 1)
  assert.equal((await any(`token --agent ${agentId}`, { piped: String(rotated['key']) })).code, 0)
  await good('agent revoke deploy-bot')
  const revived = await any('agent enable deploy-bot')
  assert.equal(revived.code, 1)
  assert.match(revived.err.join('\n'), /conflict/)

  await json('operator add sam --role auditor')
  assert.ok('setup_secret' in (await json('operator reset sam')))
  assert.match((await good('operator disable sam')).out.join(''), /disabled/)
  assert.match((await good('operator enable sam')).out.join(''), /active/)
})

test('a refusal names the code and the field, and a wrong password changes nothing', async (t) => {
  const { broker, any, good } = await open(t)
  await good(`login --name ${broker.admin.name}`)
  const twice = await any('environment add acme/staging --bind github:repo:acme/app-staging')
  assert.equal(twice.code, 1)
  assert.match(twice.err[0] ?? '', /^Refused: .*\(invalid_request\)\.$/)
  assert.match(twice.err.join('\n'), / {2}\/bindings\/0\/kind: .*\n(.*\n)*correlation id: req_/)
  const nobody = await any('agent show nobody')
  assert.equal(nobody.code, 1)
  assert.match(nobody.err.join('\n'), /no agent of this name.*\n.*agent list/)
  const wrong = await any('operator add sam --role auditor', {
    env: { VALETKEY_PASSWORD_FILE: undefined },
    typed: ['wrong'],
  })
  assert.equal(wrong.code, 1)
  assert.match(wrong.err.join('\n'), /password_required/)
  assert.equal((await good('operator list')).out.length, 2)
})

test('following the log shows what comes, once', async (t) => {
  const { broker, any, good } = await open(t)
  await good(`login --name ${broker.admin.name}`)
  let looks = 0
  const followed = await any('audit tail --follow --kind admin --json', {
    sleep: async () => {
      looks++
      if (looks > 3) throw new Failure(1, 'enough')
      await good(`agent add agent-${String(looks)}`)
    },
  })
  const changes = followed.out
    .map(
      (line) =>
        (JSON.parse(line) as { entry: { action: string; change?: { name?: string } } }).entry,
    )
    .filter(({ action }) => action === 'agent.create')
    .map(({ change }) => change?.name)
  assert.deepEqual(changes, ['agent-1', 'agent-2', 'agent-3'])
  assert.deepEqual(followed.err, ['enough'])
})
