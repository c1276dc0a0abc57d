/**
 * Requests to Supabase, through a whole broker, over Supabase's own description: what reaches Supabase is the operation
 * that was meant, and holds against what Supabase says of it.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { startDescribedUpstream, type DescribedUpstream } from '../../support/described-upstream.ts'
import type { Answered, Recorded } from '../../support/recorded-server.ts'
import { answerOf, grantOn, type Answer } from '../../support/world.ts'

const url = new URL('../../../../shared/specs/supabase-management-openapi.json', import.meta.url)
const skip = existsSync(url) ? false : 'Supabase’s description is not here'

const secret = 'sbp_stand1nstand1nstand1nstand1nstand1n'
const staging = 'stagingstagingstagin'
const production = 'productionproduction'

const paths = [
  '/v1/projects',
  '/v1/branches/{branch_id_or_ref}',
  '/v1/projects/{ref}',
  '/v1/projects/{ref}/branches',
  '/v1/projects/{ref}/config/auth',
  '/v1/projects/{ref}/database/migrations',
  '/v1/projects/{ref}/database/query',
  '/v1/projects/{ref}/functions',
  '/v1/projects/{ref}/functions/{function_slug}',
  '/v1/projects/{ref}/health',
  '/v1/projects/{ref}/network-restrictions/apply',
  '/v1/projects/{ref}/postgrest',
  '/v1/projects/{ref}/secrets',
]

/** A branch is named by the ref of the project that it is. */
function state({ target }: Recorded, described: Answered): Answered {
  const ref = /^\/v1\/branches\/([a-z]{20})$/.exec(target)?.[1]
  return ref === undefined
    ? described
    : { ...described, json: { ...(described.json as object), ref } }
}

describe('requests over Supabase’s description', { skip }, () => {
  let upstream: DescribedUpstream
  let broker: TestBroker
  let call: (method: string, path: string, body?: unknown) => Promise<Answer>

  before(async () => {
    upstream = await startDescribedUpstream({
      description: JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>,
      paths,
      token: secret,
      state,
    })
    broker = await openTestBroker(undefined, { upstreams: { supabase: upstream.origin } })
    const granted = await grantOn(broker, {
      provider: 'supabase',
      bindings: [{ provider: 'supabase', kind: 'project', id: staging }],
      secret,
      grant: { verbs: ['read', 'write'], approval: 'never' },
    })
    const token = await granted.token()
    call = async (method, path, body) =>
      answerOf(
        await fetch(`${broker.url}/proxy/supabase/v1${path}`, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    // What a credential reaches is asked when it is stored.
    assert.deepEqual(
      upstream.take().map(({ operation }) => operation),
      ['v1-list-all-projects'],
    )
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  const project = `/projects/${staging}`
  const at = `/v1${project}`

  test('a project is read as its description answers', async () => {
    const health = await call('GET', `${project}/health?services=auth&services=db&timeout_ms=500`)
    assert.equal(health.status, 200, health.text)
    const migrations = await call('GET', `${project}/database/migrations`)
    assert.deepEqual(JSON.parse(migrations.text), [{ version: 'string', name: 'string' }])
    const settings = await call('GET', `${project}/postgrest`)
    assert.equal(settings.json['jwt_secret'], '[redacted]')
    assert.equal(settings.json['db_schema'], 'string')
    assert.deepEqual(upstream.take(), [
      {
        operation: 'v1-get-services-health',
        path: `${at}/health`,
        query: { services: ['auth', 'db'], timeout_ms: '500' },
      },
      { operation: 'v1-list-migration-history', path: `${at}/database/migrations` },
      { operation: 'v1-get-postgrest-service-config', path: `${at}/postgrest` },
    ])
  })

  test('what is written holds against its schema, and means what it meant', async () => {
    const change = { name: 'Größe', verify_jwt: true }
    const made = { branch_name: 'feature/login', persistent: false }
    const query = { query: "select 'ü' as u", read_only: true }
    assert.equal((await call('PATCH', `${project}/functions/hello`, change)).status, 200)
    assert.equal((await call('POST', `${project}/branches`, made)).status, 201)
    assert.equal((await call('POST', `${project}/database/query`, query)).status, 201)
    assert.deepEqual(upstream.take(), [
      { operation: 'v1-update-a-function', path: `${at}/functions/hello`, body: change },
      { operation: 'v1-create-a-branch', path: `${at}/branches`, body: made },
      { operation: 'v1-run-a-query', path: `${at}/database/query`, body: query },
    ])
  })

  test('a branch is asked for where it lives, as the description has it', async () => {
    const own = await call('GET', `/branches/${staging}`)
    assert.equal(own.status, 200, own.text)
    assert.equal(own.json['db_pass'], '[redacted]')
    assert.equal(own.json['ref'], staging)
    const asked = { operation: 'v1-get-a-branch-config', path: `/v1/branches/${staging}` }
    assert.deepEqual(upstream.take(), [asked, asked])
    const other = await call('GET', `/branches/${production}`)
    assert.equal(other.json['code'], 'environment_outside')
    assert.deepEqual(upstream.take(), [{ ...asked, path: `/v1/branches/${production}` }])
  })

  test('what is not granted is refused before it leaves', async () => {
    const refused: readonly [string, string, unknown?][] = [
      ['DELETE', project],
      ['DELETE', `${project}/functions/hello`],
      ['GET', `${project}/config/auth`],
      ['GET', `${project}/secrets`],
      ['POST', `${project}/network-restrictions/apply`, { dbAllowedCidrs: ['0.0.0.0/0'] }],
      ['POST', `${project}/database/query`, { query: 'drop table t' }],
    ]
    for (const [method, path, body] of refused)
      assert.equal((await call(method, path, body)).json['code'], 'verb_missing', path)
    const outside = await call('GET', `/projects/${production}`)
    assert.equal(outside.json['code'], 'environment_outside')
    assert.deepEqual(upstream.take(), [])
  })
})
