/** An operator's own provider through a whole broker: import, grants, requests, versions, replicas. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword as password, openTestBroker, type TestBroker } from '../support/broker.ts'
import { acmeDescription, acmeManifest, acmeReview, openAcme, type Acme } from '../support/acme.ts'
import { answerOf, grantOn, type Granted } from '../support/world.ts'
import { until } from '../support/until.ts'

type Imported = {
  readonly provider: { readonly version: string; readonly state: string }
  readonly report: {
    readonly operations: number
    readonly unreviewed: number
    readonly listed: readonly { readonly name: string; readonly denied?: string }[]
  }
}

const secret = 'acme-secret-0123456789'
const bindings = [{ provider: 'acme', kind: 'project', id: 'staging' }]
const body = {
  manifest: acmeManifest,
  review: acmeReview,
  description: acmeDescription(),
  source: 'acme/openapi 1',
  password,
}

async function stage(t: TestContext): Promise<{ acme: Acme; broker: TestBroker }> {
  const acme = await openAcme(t)
  const broker = await openTestBroker(t, { upstreams: { acme: acme.origin } })
  return { acme, broker }
}

async function call(
  url: string,
  granted: Granted,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  sent?: unknown,
) {
  const token = await granted.token()
  return answerOf(
    await fetch(`${url}/proxy/acme${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    }),
  )
}

test('an imported provider', async (t) => {
  const { acme, broker } = await stage(t)
  const { url } = broker
  const imported = await broker.api<Imported>(
    'POST',
    '/v1/providers',
    { name: 'acme', ...body },
    201,
  )

  await t.test('is reported operation by operation, with what waits for a review', () => {
    assert.equal(imported.report.operations, 6)
    assert.equal(imported.report.unreviewed, 1)
    const doubtful = imported.report.listed.filter((one) => one.denied !== undefined)
    assert.deepEqual(
      doubtful.map((one) => one.name),
      ['frobnicate'],
    )
  })

  await t.test('is listed, shown and reported like any other', async () => {
    const { items } = await broker.api<{ items: { name: string; catalogue_version: string }[] }>(
      'GET',
      '/v1/providers',
    )
    const own = items.find(({ name }) => name === 'acme')
    assert.equal(own?.catalogue_version, imported.provider.version)
    const shown = await broker.api<{ manifest: unknown }>('GET', '/v1/providers/acme')
    assert.deepEqual(shown.manifest, acmeManifest)
    const report = await broker.api<Imported['report']>('GET', '/v1/providers/acme/report')
    assert.deepEqual(report, imported.report)
    const shipped = await broker.api<Imported['report']>('GET', '/v1/providers/railway/report')
    assert.ok(shipped.operations > 300)
  })

  await t.test('is recorded in the log, without its description', async () => {
    const { canonical } = await broker.broker.db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('canonical', 'like', '%"provider.create"%')
      .executeTakeFirstOrThrow()
    const entry = JSON.parse(canonical) as { subject: string; change: Record<string, unknown> }
    assert.equal(entry.subject, 'acme')
    assert.deepEqual(Object.keys(entry.change).sort(), [
      'operations',
      'origin',
      'source',
      'unreviewed',
      'version',
    ])
  })

  const granted = await grantOn(broker, {
    provider: 'acme',
    bindings,
    secret,
    grant: { verbs: ['read', 'servers/create', 'servers/delete'], approval: 'never' },
  })

  await t.test('is spoken to with its own credential, in its own header', async () => {
    const answer = await call(url, granted, 'GET', '/v1/projects/staging/servers')
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(acme.seen.at(-1), { line: 'GET /v1/projects/staging/servers', key: secret })
  })

  await t.test('lets a server of the environment be deleted, and no other', async () => {
    const own = await call(url, granted, 'DELETE', '/v1/servers/s1')
    assert.equal(own.status, 200, own.text)
    assert.deepEqual(
      acme.seen.slice(-2).map(({ line }) => line),
      ['GET /v1/servers/s1', 'DELETE /v1/servers/s1'],
    )
    const foreign = await call(url, granted, 'DELETE', '/v1/servers/p1')
    assert.equal(foreign.status, 403)
    assert.equal(foreign.json['code'], 'environment_outside')
    assert.equal(acme.seen.at(-1)?.line, 'GET /v1/servers/p1')
  })

  await t.test('is asked nothing where what it would do could not be told', async () => {
    const before = acme.seen.length
    const answer = await call(url, granted, 'POST', '/v1/frobnicate/staging')
    assert.equal(answer.json['code'], 'operation_unknown')
    assert.equal(acme.seen.length, before)
  })

  await t.test('is asked nothing by a request whose header would switch the account', async () => {
    const before = acme.seen.length
    const answer = await call(url, granted, 'GET', '/v1/status', { 'x-acme-account': 'other' })
    assert.equal(answer.json['code'], 'not_understood')
    assert.equal(acme.seen.length, before)
  })

  await t.test('of a later version does nothing new under an older grant', async () => {
    const list = {
      '/projects/{project}/volumes': {
        get: {
          operationId: 'volumes/list',
          parameters: [{ name: 'project', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {},
        },
      },
    }
    const second = await broker.api<Imported>(
      'POST',
      '/v1/providers/acme/versions',
      { ...body, description: acmeDescription(list) },
      201,
    )
    assert.notEqual(second.provider.version, imported.provider.version)
    const before = acme.seen.length
    const unseen = await call(url, granted, 'GET', '/v1/projects/staging/volumes')
    assert.equal(unseen.json['code'], 'verb_missing')
    assert.equal(acme.seen.length, before)
    const known = await call(url, granted, 'GET', '/v1/projects/staging/servers')
    assert.equal(known.status, 200, known.text)

    const path = `/v1/grants/${granted.grantId}`
    const grant = await broker.api<{ catalogue_version: string; catalogue_current: boolean }>(
      'GET',
      path,
    )
    assert.equal(grant.catalogue_version, imported.provider.version)
    assert.equal(grant.catalogue_current, false)
    const review = await broker.api<{ present: string; operations: unknown[] }>(
      'GET',
      `${path}/review`,
    )
    assert.deepEqual(review.operations, [
      { name: 'volumes/list', effects: ['read'], change: 'new', covers: true },
    ])

    const version = second.provider.version
    await broker.api(
      'POST',
      `${path}/review`,
      { version: imported.provider.version, password },
      409,
    )
    await broker.api('POST', `${path}/review`, { version, password: 'not it' }, 403)
    const still = await call(url, granted, 'GET', '/v1/projects/staging/volumes')
    assert.equal(still.json['code'], 'verb_missing')
    await broker.api('POST', `${path}/review`, { version, password }, 200)
    const seen = await call(url, granted, 'GET', '/v1/projects/staging/volumes')
    assert.equal(seen.status, 200, seen.text)
  })

  await t.test('is known to another replica, and gone there when it is disabled here', async () => {
    const other = await broker.replica()
    const there = () => call(other.url, granted, 'GET', '/v1/projects/staging/servers')
    assert.equal((await there()).status, 200)
    await broker.api('POST', '/v1/providers/acme/disable', {})
    const has = () => other.broker.deps.providers.has('acme')
    await until('it is gone there', () => (has() ? undefined : true))
    const token = granted.token()
    await assert.rejects(token, /does not know the grant|invalid_target/)
    await broker.api('POST', '/v1/providers/acme/enable', { password: 'not it' }, 403)
    await broker.api('POST', '/v1/providers/acme/enable', { password })
    await until('it is back there', () => (has() ? true : undefined))
    assert.equal((await there()).status, 200)
  })
})

test('an import is refused', async (t) => {
  const { broker } = await stage(t)
  const refused = async (
    given: Record<string, unknown>,
    status: number,
    said: RegExp,
    path = '/v1/providers',
  ): Promise<void> => {
    const response = await fetch(`${broker.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${broker.admin.bearer}`,
      },
      body: JSON.stringify(given),
    })
    const text = await response.text()
    assert.equal(response.status, status, text)
    assert.match(text, said)
  }
  const manifest = (change: Record<string, unknown>) => ({
    name: 'acme',
    ...body,
    manifest: { ...acmeManifest, ...change },
  })

  await t.test('without the password, or with a wrong one', async () => {
    const { password: _, ...without } = body
    await refused({ name: 'acme', ...without }, 403, /is missing/)
    await refused({ name: 'acme', ...body, password: 'not it' }, 403, /password_required/)
  })

  await t.test('under the name of a provider that ships, or of none', async () => {
    for (const name of ['railway', 'github', 'unknown'])
      await refused({ name, ...body }, 409, /ships with the broker/)
    await refused(body, 409, /ships with the broker/, '/v1/providers/github/versions')
    await refused({ name: '../x', ...body }, 400, /name/)
  })

  await t.test('where its origin is no public host', async () => {
    for (const origin of [
      'https://169.254.169.254',
      'https://127.0.0.1:8443',
      'https://broker.localhost',
      'https://2130706433',
      'https://metadata',
    ])
      await refused(manifest({ origin }), 400, /origin/)
  })

  await t.test('where a header of its own would choose the host', async () => {
    await refused(manifest({ injection: { header: 'host', prefix: '' } }), 400, /injection/)
  })

  await t.test('where its review speaks of what is not there', async () => {
    const review = { ...acmeReview, effects: { 'servers/lost': ['read'] } }
    await refused({ name: 'acme', ...body, review }, 400, /servers\/lost/)
    const twice = { ...acmeReview, effects: { 'servers/get': ['read', 'write'] } }
    await refused({ name: 'acme', ...body, review: twice }, 400, /only one of the two/)
  })

  await t.test('where its description is none, or larger than is read', async () => {
    await refused({ name: 'acme', ...body, description: '{"openapi":' }, 400, /description/)
    await refused({ name: 'acme', ...body, description: 'a: &a [*a]' }, 400, /description/)
    await refused({ name: 'acme', ...body, description: 'x'.repeat(9_000_000) }, 413, /too large/)
  })

  await t.test(
    'for a new version at another origin: credentials are pinned to this one',
    async () => {
      await broker.api('POST', '/v1/providers', { name: 'acme', ...body }, 201)
      await refused({ name: 'acme', ...body }, 409, /there is one of this name/)
      const { name: _, ...moved } = manifest({ origin: 'https://other.example' })
      await refused(moved, 400, /for ever/, '/v1/providers/acme/versions')
    },
  )
})
