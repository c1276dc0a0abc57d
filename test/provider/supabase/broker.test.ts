/** Supabase through a whole broker: one endpoint takes any SQL, and what may go is told by the SQL. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import * as world from '../../support/supabase-stand-in.ts'
import { answerOf, grantOn, type Answer } from '../../support/world.ts'

let broker: TestBroker
let upstream: world.SupabaseStandIn

before(async () => {
  upstream = await world.startSupabaseStandIn()
  broker = await openTestBroker(undefined, { upstreams: { supabase: upstream.origin } })
})

after(async () => {
  await broker.close()
  await upstream.close()
})

type Client = (method: string, path: string, body?: unknown) => Promise<Answer>

async function clientOf(verbs: readonly string[], project = world.staging): Promise<Client> {
  const granted = await grantOn(broker, {
    provider: 'supabase',
    bindings: [{ provider: 'supabase', kind: 'project', id: project }],
    secret: world.token,
    grant: { verbs, approval: 'never' },
  })
  const token = await granted.token()
  return async (method, path, body) =>
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
}

const sql = `/projects/${world.staging}/database/query`

test('a SELECT is a read, and leaves as it was decided on', async () => {
  const call = await clientOf(['read'])
  const before = upstream.requests.length
  const answer = await call('POST', sql, {
    query: 'select id from t where id = $1',
    parameters: [7],
  })
  assert.equal(answer.status, 201, answer.text)
  const [left] = upstream.requests.slice(before)
  assert.equal(left?.target, `/v1${sql}`)
  assert.deepEqual(JSON.parse(left?.body ?? ''), {
    query: 'select id from t where id = $1',
    parameters: [7],
  })
  assert.equal(left?.headers.authorization, `Bearer ${world.token}`)
})

test('what the SQL does beyond reading must be named by a verb', async () => {
  const call = await clientOf(['read'])
  const before = upstream.requests.length
  const deletion = await call('POST', sql, { query: 'delete from t' })
  assert.equal(deletion.json['code'], 'verb_missing')
  assert.match(deletion.text, /"v1-run-a-query\+write\+destructive"/)
  for (const query of [
    'select pg_sleep(1)',
    'select 1; drop table t',
    'with gone as (delete from t returning *) select * from gone',
  ]) {
    const answer = await call('POST', sql, { query })
    assert.equal(answer.json['code'], 'verb_missing', answer.text)
    const promised = await call('POST', sql, { query, read_only: true })
    assert.equal(promised.json['code'], 'verb_missing', promised.text)
    const elsewhere = await call('POST', `${sql}/read-only`, { query })
    assert.equal(elsewhere.json['code'], 'verb_missing', elsewhere.text)
  }
  assert.equal(upstream.requests.length, before)
  const named = await clientOf(['v1-run-a-query+write+destructive'])
  assert.equal((await named('POST', sql, { query: 'delete from t' })).status, 201)
})

test('SQL that is not understood, or is no text, is refused', async () => {
  const call = await clientOf(['read', 'v1-run-a-query+write+destructive+secret+admin'])
  const before = upstream.requests.length
  for (const body of [{ query: 'selekt 1' }, { query: '' }, { query: ['select 1'] }, {}, undefined])
    assert.equal((await call('POST', sql, body)).status, 400, JSON.stringify(body))
  assert.equal(upstream.requests.length, before)
})

test('another project is refused, in the path and behind a branch', async () => {
  const call = await clientOf(['read', 'v1-delete-a-branch', 'v1-merge-a-branch'])
  const query = { query: 'select 1' }
  const other = await call('POST', `/projects/${world.production}/database/query`, query)
  assert.equal(other.json['code'], 'environment_outside')
  const before = upstream.requests.filter(({ method }) => method !== 'GET').length
  for (const id of [world.production, world.preview]) {
    const gone = await call('DELETE', `/branches/${id}`)
    assert.equal(gone.json['code'], 'environment_outside', gone.text)
  }
  const away = await call('POST', `/branches/${world.production}/merge`, {})
  assert.equal(away.status, 403, away.text)
  assert.equal(upstream.requests.filter(({ method }) => method !== 'GET').length, before)
  // A branch is merged into the project that it is of, and is a project of its own otherwise.
  assert.equal((await call('POST', `/branches/${world.preview}/merge`, {})).status, 201)
  const onBranch = await clientOf(['v1-delete-a-branch', 'v1-merge-a-branch'], world.preview)
  assert.equal((await onBranch('DELETE', `/branches/${world.preview}`)).status, 200)
  const merge = await onBranch('POST', `/branches/${world.preview}/merge`, {})
  assert.equal(merge.status, 403, merge.text)
})

test('a branch is named by its ref: by its id, no answer says that it is about the branch that was meant', async () => {
  const verbs = ['v1-get-a-branch-config+secret', 'v1-delete-a-branch', 'v1-merge-a-branch']
  const onBranch = await clientOf(verbs, world.preview)
  const onProject = await clientOf(verbs)
  for (const [call, method, path] of [
    [onBranch, 'DELETE', world.previewBranch],
    [onBranch, 'GET', world.previewBranch],
    [onProject, 'POST', `${world.previewBranch}/merge`],
  ] as const) {
    const answer = await call(method, `/branches/${path}`, method === 'POST' ? {} : undefined)
    assert.equal(answer.json['code'], 'environment_unresolved', answer.text)
  }
})

test('the key that signs every token comes back redacted', async () => {
  const call = await clientOf(['read'])
  const answer = await call('GET', `/projects/${world.staging}/postgrest`)
  assert.equal(answer.status, 200)
  assert.equal(answer.json['jwt_secret'], '[redacted]')
  assert.equal(answer.json['db_schema'], 'public')
  const keys = await call('GET', `/projects/${world.staging}/api-keys`)
  assert.equal(keys.json['code'], 'verb_missing')
  assert.match(keys.text, /v1-get-project-api-keys/)
})
