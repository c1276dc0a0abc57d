import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { githubApp, type GithubAppParameters } from '../../src/minting/github-app.ts'
import type { Narrowing } from '../../src/minting/kind.ts'
import { startGithubStandIn, type GithubStandIn } from '../support/github-stand-in.ts'
import { narrowingTo, rsaKey, takes, wireOf, wireTo, type Wire } from '../support/minting.ts'

const spec = new URL('../../../shared/specs/github-rest-openapi.json', import.meta.url)
const skip = existsSync(spec) ? false : '../shared/specs is not there'
const origin = 'https://api.github.com'
const granted = {
  metadata: 'read',
  contents: 'write',
  issues: 'write',
  workflows: 'write',
  administration: 'read',
  members: 'write',
  organization_secrets: 'write',
}
const parameters: GithubAppParameters = {
  client_id: 'Iv23liStandIn',
  installation_id: '4321',
  permissions: { contents: 'write', issues: 'read' },
}
const staging = narrowingTo('repository', ['acme/app-staging'])

let github: GithubStandIn

before(async () => {
  github = await startGithubStandIn({
    token: 'nobody-has-this-one',
    app: {
      privateKey: rsaKey().pkcs1,
      appId: '77',
      clientId: 'Iv23liStandIn',
      installationId: '4321',
      account: 'acme',
      permissions: granted,
    },
    repositories: { 'acme/app-staging': 1, 'acme/app-prod': 2, 'acme/App.Docs': 3, 'evil/app': 4 },
  })
})
after(() => github.close())

function mint(
  narrowing: Narrowing = staging,
  given: GithubAppParameters = parameters,
  wire: Wire = wireTo({ [origin]: github.origin }),
  secret = rsaKey().pkcs1,
) {
  const { exchange } = wire
  return githubApp.mint({ parameters: given, secret, origin, narrowing, exchange, now: Date.now() })
}

async function tokenOf(narrowing?: Narrowing, given?: GithubAppParameters) {
  const minted = await mint(narrowing, given)
  assert.ok(minted.ok, JSON.stringify(minted))
  const token = github.app?.tokens.get(minted.token)
  assert.ok(token !== undefined)
  assert.equal(minted.expiresAt, token.expiresAt)
  return { ...token, repositories: [...token.repositories] }
}

describe('a GitHub App', () => {
  it('mints for the environment’s repositories and the stated permissions', async () => {
    const { repositories, permissions } = await tokenOf(
      narrowingTo('repository', ['acme/app-staging', 'Acme/app.docs']),
    )
    assert.deepEqual(repositories, ['acme/app-staging', 'acme/app.docs'])
    assert.deepEqual(permissions, { metadata: 'read', contents: 'write', issues: 'read' })
  })

  it('mints what reads, where nothing but reads will be done', async () => {
    const { permissions } = await tokenOf({ ...staging, readOnly: true })
    assert.deepEqual(permissions, { metadata: 'read', contents: 'read', issues: 'read' })
  })

  it('asks for all that the installation may do with repositories, where no cap is stated', async () => {
    const { permissions: _, ...rest } = parameters
    const all = await tokenOf(staging, rest)
    assert.deepEqual(all.permissions, {
      metadata: 'read',
      contents: 'write',
      issues: 'write',
      workflows: 'write',
      administration: 'read',
    })
    const reads = await tokenOf({ ...staging, readOnly: true }, rest)
    assert.deepEqual(reads.permissions, {
      metadata: 'read',
      contents: 'read',
      issues: 'read',
      administration: 'read',
    })
  })

  it('takes an app id, and a key in either form', async () => {
    const { client_id: _, ...rest } = parameters
    const wire = wireTo({ [origin]: github.origin })
    assert.ok((await mint(staging, { ...rest, app_id: '77' }, wire, rsaKey().pkcs8)).ok)
    for (const key of Object.values(rsaKey()))
      assert.equal(githubApp.complaint(parameters, key), undefined)
  })

  it('is refused by GitHub with another key, another App, or what the installation has not', async () => {
    for (const [given, why] of [
      [{ ...parameters, client_id: 'Iv23liOther' }, 'Integration not found'],
      [{ ...parameters, installation_id: '9' }, 'Not Found'],
      [{ ...parameters, permissions: { pages: 'write' } }, 'permissions requested are not granted'],
    ] as const) {
      const minted = await mint(staging, given)
      assert.ok(!minted.ok && minted.why === 'rejected')
      assert.match(minted.detail, new RegExp(why))
    }
    const gone = await mint(narrowingTo('repository', ['acme/gone']))
    assert.ok(!gone.ok && gone.why === 'rejected')
  })

  it('mints nothing without repositories, for several owners, or for names that are not owner/name', async () => {
    const wire = wireOf()
    for (const ids of [[], ['acme/a', 'other/b'], ['acme'], ['acme/'], ['/a'], ['acme/a/b']]) {
      const minted = await mint(narrowingTo('repository', ids), parameters, wire)
      assert.ok(!minted.ok && minted.why === 'impossible', ids.join())
    }
    const elsewhere = await mint(narrowingTo('namespace', ['acme/app-staging']), parameters, wire)
    assert.ok(!elsewhere.ok && elsewhere.why === 'impossible')
    const onlyWrites: GithubAppParameters = { ...parameters, permissions: { workflows: 'write' } }
    const reads = await mint({ ...staging, readOnly: true }, onlyWrites, wire)
    assert.ok(!reads.ok && reads.why === 'impossible')
    assert.equal(githubApp.narrowsToReads?.(onlyWrites), false)
    assert.deepEqual(wire.sent, [])
  })

  it('does not use a token for a repository of the same name under another owner, and ends it', async () => {
    const before = github.app?.tokens.size ?? 0
    github.rename('evil/app', 'evil/app-prod')
    const minted = await mint(narrowingTo('repository', ['evil/app-prod']))
    assert.ok(!minted.ok && minted.why === 'impossible')
    assert.equal(github.app?.tokens.size, before)
    assert.equal(github.requests.at(-1)?.line, 'DELETE /installation/token HTTP/1.1')
  })

  it('does not use a token that is for more than was asked, and ends it', async () => {
    const good = {
      token: 'ghs_0123456789abcdef',
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      permissions: { contents: 'write', metadata: 'read' },
      repository_selection: 'selected',
      repositories: [{ full_name: 'Acme/App-Staging' }],
    }
    assert.ok((await mint(staging, parameters, wireOf({ status: 201, json: good }))).ok)
    const { repositories: _r, ...silentAboutRepositories } = good
    const { permissions: _p, ...silentAboutPermissions } = good
    for (const json of [
      { ...good, repository_selection: 'all' },
      { ...good, repositories: [...good.repositories, { full_name: 'acme/app-prod' }] },
      { ...good, repositories: [{ name: 'app-staging' }] },
      silentAboutRepositories,
      silentAboutPermissions,
      { ...good, permissions: { contents: 'admin' } },
      { ...good, permissions: { issues: 'write' } },
      { ...good, permissions: { metadata: 'write' } },
      { ...good, permissions: { contents: 'everything' } },
      { ...good, permissions: { pages: 'read' } },
      { ...good, permissions: { constructor: 'read' } },
    ]) {
      const wire = wireOf({ status: 201, json }, { status: 204 })
      const minted = await mint(staging, parameters, wire)
      assert.ok(!minted.ok && minted.why === 'impossible', JSON.stringify(json))
      assert.equal(wire.sent[1]?.method, 'DELETE')
      assert.equal(wire.sent[1]?.headers['authorization'], `Bearer ${good.token}`)
    }
    for (const json of [
      { ...good, expires_at: new Date(Date.now() - 1).toISOString() },
      { ...good, expires_at: new Date(Date.now() + 86_400_000).toISOString() },
      { ...good, expires_at: 'tomorrow' },
      { ...good, token: 'ghs_with\r\nx-evil: 1' },
      [good],
    ]) {
      const minted = await mint(staging, parameters, wireOf({ status: 201, json }, { status: 204 }))
      assert.ok(!minted.ok && minted.why === 'unavailable', JSON.stringify(json))
    }
  })

  it('ends a token at GitHub, also one that is over already', async () => {
    const minted = await mint()
    assert.ok(minted.ok && githubApp.revoke !== undefined)
    const wire = wireTo({ [origin]: github.origin })
    const input = {
      parameters,
      secret: rsaKey().pkcs1,
      origin,
      narrowing: staging,
      exchange: wire.exchange,
      now: Date.now(),
      token: minted.token,
    }
    assert.deepEqual(await githubApp.revoke(input), { ok: true })
    assert.equal(github.app?.tokens.has(minted.token), false)
    assert.deepEqual(await githubApp.revoke(input), { ok: true })
    for (const { headers } of wire.sent)
      assert.equal(headers['authorization'], `Bearer ${minted.token}`)
    const { exchange } = wireOf({ status: 502 })
    assert.equal((await githubApp.revoke({ ...input, exchange })).ok, false)
  })

  it('sends its assertion to the credential’s own origin alone, and its key nowhere', async () => {
    const wire = wireTo({ [origin]: github.origin })
    assert.ok((await mint(staging, parameters, wire)).ok)
    assert.deepEqual(githubApp.origins(parameters, origin), [origin])
    const key = rsaKey().pkcs1.split('\n')[1] ?? ''
    for (const request of wire.sent) {
      assert.equal(request.origin, origin)
      assert.ok(!JSON.stringify(request).includes(key))
    }
  })

  it('keeps what GitHub says of an error short and without what could be a secret', async () => {
    const echo = wireTo({ [origin]: github.origin })
    let sent = ''
    const minted = await mint(staging, parameters, {
      sent: echo.sent,
      exchange({ headers }) {
        sent = headers['authorization']?.split(' ')[1] ?? ''
        const message = `bad ${sent}\nand ${Buffer.from(sent).toString('hex')} ${'x '.repeat(900)}`
        return Promise.resolve({ status: 401, text: JSON.stringify({ message }) })
      },
    })
    assert.ok(!minted.ok && minted.why === 'rejected')
    for (const part of sent.split('.')) assert.ok(!minted.detail.includes(part.slice(0, 24)))
    assert.match(minted.detail, /^GitHub answered 401: bad \[redacted\] and \[…\] x x /)
    assert.ok(minted.detail.length < 250)
  })

  it('tells what may pass from what will not', async () => {
    for (const [status, message, why] of [
      [401, 'Bad credentials', 'rejected'],
      [403, 'This installation has been suspended', 'rejected'],
      [403, 'API rate limit exceeded', 'unavailable'],
      [429, 'slow down', 'unavailable'],
      [422, '', 'rejected'],
      [302, 'moved', 'unavailable'],
      [500, '<html>', 'unavailable'],
    ] as const) {
      const minted = await mint(staging, parameters, wireOf({ status, json: { message } }))
      assert.ok(!minted.ok && minted.why === why, String(status))
    }
    const html = await mint(staging, parameters, wireOf({ status: 201, text: '<html>' }))
    assert.ok(!html.ok && html.why === 'unavailable')
  })

  it('is never asked for more than the narrowing, whatever the bindings and the cap', async () => {
    const names = Object.keys(granted).concat('pages', 'secrets', 'repository_projects')
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.stringMatching(/^[a-c]\/[a-z]{1,3}$/), { maxLength: 4 }),
        fc.option(
          fc.dictionary(fc.constantFrom(...names), fc.constantFrom('read', 'write', 'admin')),
        ),
        fc.boolean(),
        async (ids, cap, readOnly) => {
          const given = { ...parameters, permissions: cap ?? undefined } as GithubAppParameters
          const { permissions: _, ...rest } = given
          const asked = cap === null ? rest : given
          fc.pre(takes(githubApp, asked))
          const wire = wireOf(
            ...(cap === null ? [{ status: 200, json: { permissions: granted } }] : []),
            { status: 500 },
          )
          await mint(narrowingTo('repository', ids, { readOnly }), asked, wire)
          const owners = new Set(ids.map((id) => id.split('/')[0]))
          const posted = wire.sent.find(({ method }) => method === 'POST')
          if (owners.size !== 1) assert.equal(posted, undefined)
          if (posted === undefined) return
          const body = JSON.parse(posted.body ?? '') as Record<string, unknown>
          assert.deepEqual(
            body['repositories'],
            ids.map((id) => id.split('/')[1]),
          )
          const permissions = body['permissions'] as Record<string, string>
          const most: Readonly<Record<string, string>> = cap ?? granted
          assert.ok(Object.keys(permissions).length > 0)
          for (const [name, level] of Object.entries(permissions)) {
            assert.ok(level === 'read' || (!readOnly && level === most[name]), `${name} ${level}`)
            assert.ok(Object.hasOwn(most, name))
            assert.ok(!/^(?:members|organization_)/.test(name))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('asks for what GitHub describes', { skip }, () => {
    const { components } = JSON.parse(readFileSync(spec, 'utf8')) as {
      components: {
        schemas: { 'app-permissions': { properties: Record<string, { enum: string[] }> } }
      }
    }
    const described = components.schemas['app-permissions'].properties
    for (const [name, { enum: values }] of Object.entries(described)) {
      const beyond =
        /^(?:organization_|enterprise_|custom_properties_for)|^(?:members|email_addresses|followers|git_ssh_keys|gpg_keys|interaction_limits|profile|starring)$/
      for (const level of ['read', 'write', 'admin'])
        assert.equal(
          takes(githubApp, { ...parameters, permissions: { [name]: level } }),
          values.includes(level) && !beyond.test(name),
          `${name} ${level}`,
        )
    }
  })
})

describe('the parameters of a GitHub App', () => {
  it('name no path and no other member', () => {
    assert.ok(takes(githubApp, parameters))
    for (const wrong of [
      { installation_id: '1/../..' },
      { installation_id: '1/access_tokens?x=' },
      { installation_id: '0' },
      { installation_id: '1\n' },
      { installation_id: 1 },
      { client_id: 'a b' },
      { app_id: '-1' },
      { permissions: { contents: 'admin' } },
      { permissions: { organization_secrets: 'read' } },
      { permissions: { members: 'read' } },
      { permissions: { workflows: 'read' } },
      { repositories: ['x'] },
      { kind: 'github_app' },
    ])
      assert.equal(takes(githubApp, { ...parameters, ...wrong }), false, JSON.stringify(wrong))
  })

  it('name one issuer and some permission', () => {
    const key = rsaKey().pkcs1
    const { client_id: _, ...none } = parameters
    assert.ok(githubApp.complaint(none, key) !== undefined)
    assert.ok(githubApp.complaint({ ...parameters, app_id: '7' }, key) !== undefined)
    assert.ok(githubApp.complaint({ ...parameters, permissions: {} }, key) !== undefined)
  })
})
