/** Every route, as it is registered: its schemas, its name in the log, and the door before it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'

type Schema = {
  readonly type?: string
  readonly additionalProperties?: unknown
  readonly properties?: Record<string, Schema>
  readonly items?: Schema
}
type Operation = {
  readonly operationId?: string
  readonly summary?: string
  readonly parameters?: { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>
}
type Document = { readonly paths: Record<string, Record<string, Operation>> }

/** Routes under /v1 that somebody who is not signed in may call. */
const open = new Set([
  'POST /v1/setup',
  'POST /v1/sign-in',
  'GET /v1/sign-in/ways',
  'POST /v1/sign-in/code',
  'POST /v1/unseal',
])
/** Those that an agent calls, with a capability. */
const agents = new Set([
  'POST /v1/access-requests',
  'GET /v1/access-requests/own',
  'GET /v1/access-requests/own/{id}',
  'POST /v1/leases',
  'GET /v1/leases/own',
  'GET /v1/leases/own/{id}',
  'DELETE /v1/leases/own/{id}',
  'GET /agent/approvals/{id}',
  'GET /agent/approvals/{id}/answer',
])
const sample: Readonly<Record<string, string>> = {
  agents: 'ag',
  leases: 'ls',
  environments: 'env',
  credentials: 'cred',
  grants: 'gr',
  freezes: 'fz',
  capabilities: 'cap',
  operators: 'op',
  'access-requests': 'acc',
  'break-glass': 'bg',
  'trust-issuers': 'iss',
  'trust-rules': 'tr',
}

test('every route', async (t) => {
  const { broker, url, admin } = await openTestBroker(t)
  const document = broker.app.swagger() as unknown as Document
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
  const operators = routes.filter(({ path }) => path.startsWith('/v1/'))

  await t.test('is in the document, under a name that is its own', () => {
    assert.ok(operators.length > 40, `only ${String(operators.length)} routes under /v1`)
    const names = routes.map(({ operation }) => operation.operationId)
    assert.equal(new Set(names).size, routes.length)
    for (const { name, operation } of routes) {
      assert.ok(operation.operationId, `${name} has no operationId`)
      assert.ok(operation.summary, `${name} has no summary`)
    }
  })

  await t.test('declares what it answers when all is well, and a problem for the rest', () => {
    for (const { name, operation, path } of routes) {
      const statuses = Object.keys(operation.responses)
      assert.ok(
        statuses.some((status) => /^2[0-9X]{2}$/.test(status)),
        `${name}: no 2xx schema`,
      )
      const rest = operation.responses['default']
      assert.ok(rest, `${name}: no default answer`)
      if (path.startsWith('/v1/'))
        assert.ok(JSON.stringify(rest).includes('/Problem"'), `${name}: its default is no problem`)
    }
  })

  await t.test('takes a closed body: a member that is not known is refused', () => {
    for (const { name, operation } of operators) {
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
        assert.equal(schema.type, 'object', name)
        assert.equal(schema.additionalProperties, false, `${name} has an open body`)
        for (const [member, inner] of Object.entries(schema.properties ?? {})) {
          const nested = inner.items ?? inner
          if (nested.type === 'object' && nested.properties !== undefined)
            assert.equal(nested.additionalProperties, false, `${name}: ${member} is open`)
        }
      }
    }
  })

  await t.test('that changes something takes a body, so that a form or a link cannot', () => {
    for (const { name, method, operation } of operators) {
      // A form cannot delete, nor can a link; and an agent's door takes no cookie.
      if (method !== 'GET' && method !== 'DELETE')
        assert.ok(operation.requestBody, `${name} has no body`)
    }
  })

  const pathOf = (path: string): string =>
    path
      .replace('{id}', `${sample[path.split('/')[2] ?? ''] ?? 'xx'}_${'0'.repeat(26)}`)
      .replace('{name}', 'railway')

  await t.test('of operators answers nobody who has not signed in, whatever the body', async () => {
    for (const { name, method, path } of operators) {
      if (open.has(name) || agents.has(name)) continue
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url + pathOf(path), {
        method,
        ...(method === 'GET' ? {} : { headers, body: '{"nope":1}' }),
      })
      assert.equal(response.status, 401, name)
      const problem = (await response.json()) as Record<string, unknown>
      assert.equal(problem['code'], 'sign_in_required', name)
      assert.equal(response.headers.get('content-type'), 'application/problem+json', name)
    }
  })

  await t.test('of agents answers nobody without a capability, an operator neither', async () => {
    const theirs = routes.filter(({ name }) => agents.has(name))
    assert.equal(theirs.length, agents.size)
    for (const { name, method, path } of theirs) {
      for (const [authorization, code] of [
        [undefined, 'capability_missing'],
        [`Bearer ${admin.bearer}`, 'capability_invalid'],
      ] as const) {
        const response = await fetch(url + pathOf(path), {
          method,
          headers: {
            ...(authorization === undefined ? {} : { authorization }),
            ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
          },
          ...(method === 'GET' ? {} : { body: '{"nope":1}' }),
        })
        assert.equal(response.status, 401, name)
        assert.equal(((await response.json()) as { code: string }).code, code, name)
      }
    }
  })

  await t.test(
    'of operators refuses nobody who is signed in without an entry that names it (I2)',
    async () => {
      let refused = 0
      for (const { name, method, path } of operators) {
        if (open.has(name) || agents.has(name)) continue
        const target = method === 'GET' ? `${path.replace(/\{\w+\}/, '!')}?nope=1` : pathOf(path)
        const response = await fetch(url + target, {
          method,
          headers: {
            authorization: `Bearer ${admin.bearer}`,
            ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
          },
          ...(method === 'GET' ? {} : { body: '{"nope":1}' }),
        })
        if (method === 'GET' && response.status === 200) continue
        assert.equal(response.status, 400, name)
        const problem = (await response.json()) as { correlation_id: string; errors: unknown[] }
        assert.ok(problem.errors.length > 0, `${name} names the field`)
        const { canonical } = await broker.db
          .selectFrom('audit_entry')
          .select('canonical')
          .where('correlation_id', '=', problem.correlation_id)
          .executeTakeFirstOrThrow()
        const entry = JSON.parse(canonical) as Record<string, unknown>
        assert.equal(entry['result'], 'refused')
        assert.match(String(entry['action']), /^[a-z_]+(\.[a-z_]+)?$/, `${name} has no action`)
        refused++
      }
      assert.ok(refused > 35)
    },
  )

  await t.test('that is open is one of a few', () => {
    const paths = new Set(routes.map(({ name }) => name))
    for (const name of [...open, ...agents])
      assert.ok(paths.has(name), `${name} is gone: take it off the list`)
    const others = routes
      .filter(({ path, name }) => !path.startsWith('/v1/') && !agents.has(name))
      .map(({ name }) => name)
    assert.deepEqual(others.sort(), [
      'GET /.well-known/jwks.json',
      'GET /.well-known/oauth-authorization-server',
      'GET /.well-known/oauth-protected-resource',
      'GET /healthz',
      'GET /readyz',
      'POST /oauth/introspect',
      'POST /oauth/revoke',
      'POST /oauth/token',
    ])
  })
})
