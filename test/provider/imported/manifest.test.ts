import { test } from 'node:test'
import assert from 'node:assert/strict'
import { Value } from 'typebox/value'
import { complaintAbout } from '../../../src/provider/imported/complaint.ts'
import { ImportedManifest } from '../../../src/provider/imported/manifest.ts'
import { ImportedReview } from '../../../src/provider/imported/review.ts'
import { toRestManifest } from '../../../src/provider/imported/spoken.ts'
import { acmeManifest, acmeReview } from '../../support/acme.ts'

function accepts(change: Record<string, unknown>): boolean {
  const manifest: unknown = { ...acmeManifest, ...change }
  return (
    Value.Check(ImportedManifest, manifest) && complaintAbout(manifest, acmeReview) === undefined
  )
}

test('a manifest that says little is filled with what most providers do', () => {
  const manifest = toRestManifest('acme', { origin: 'https://api.acme.example' })
  assert.deepEqual(manifest.injections, [
    { name: 'token', header: 'authorization', prefix: 'Bearer ' },
  ])
  assert.deepEqual(manifest.accepts, ['application/json'])
  assert.deepEqual(manifest.bindings, [])
})

test('a credential that is its environment is bound as key:own', () => {
  const given = { origin: 'https://api.acme.example', credential_is_environment: true }
  const { bindings, self } = toRestManifest('acme', given)
  assert.deepEqual(self, { is: 'key' })
  assert.equal(bindings[0]?.kind, 'key')
  assert.ok(!accepts({ credential_is_environment: true }), 'and then no id has a home')
})

test('a header that frames a request, names a host or speaks for a proxy is none of its own', () => {
  assert.ok(accepts({}))
  assert.ok(accepts({ injection: { header: 'x-api-key', prefix: '' } }))
  for (const header of [
    'host',
    'content-length',
    'content-type',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'upgrade',
    'expect',
    'cookie',
    'range',
    'proxy-authorization',
    'x-forwarded-host',
    'x-http-method-override',
    'valetkey-reveal',
    'x_key',
    'X-Key',
    'x-key ',
    'x:key',
    '',
  ]) {
    assert.ok(!accepts({ injection: { header, prefix: '' } }), `injection ${header}`)
    assert.ok(!accepts({ carriers: [{ header, prefix: '' }] }), `carrier ${header}`)
    assert.ok(!accepts({ headers: { [header]: 'x' } }), `constant ${header}`)
    assert.ok(!accepts({ meaningful_headers: [header] }), `meaningful ${header}`)
  }
})

test('a header that carries the credential or a capability can say nothing else', () => {
  for (const header of ['x-acme-key', 'authorization']) {
    assert.ok(!accepts({ meaningful_headers: [header] }), header)
    assert.ok(!accepts({ headers: { [header]: 'x' } }), header)
  }
  assert.ok(!accepts({ injection: { header: 'x-key', prefix: 'a\r\nhost: b' } }))
  assert.ok(!accepts({ headers: { 'x-version': 'a\r\nhost: b' } }))
})

test('an origin is https, bare, and in its plain spelling', () => {
  assert.ok(accepts({ origin: 'https://api.acme.example:8443' }))
  for (const origin of [
    'http://api.acme.example',
    'https://api.acme.example/',
    'https://api.acme.example/v1',
    'https://a@api.acme.example',
    'https://API.acme.example',
    'https://api.acme.example:443',
    'https://0x7f.1',
    'https://[::1]',
    'https://api.acme.example#x',
    'https://api.acme.example:99999',
  ])
    assert.ok(!accepts({ origin }), origin)
})

test('a home ends at a place, and its question stays a path of this provider', () => {
  const b = { is: 'place', form: 'name' }
  const asked = { is: 'asked', path: '/a/{id}', at: 'x', of: 'b', same: 'id' }
  const homes = (a: unknown, more: object = { b }) => ({
    homes: { ...acmeManifest.homes, a, ...more },
  })
  assert.ok(accepts(homes(asked)))
  assert.ok(!accepts(homes({ ...asked, same: undefined })), 'about whatever was answered')
  assert.ok(!accepts(homes(asked, {})), 'nowhere')
  assert.ok(!accepts(homes(asked, { b: { ...asked, of: 'a' } })), 'round')
  for (const path of [
    '/a/../{id}',
    '/./{id}',
    '//evil/{id}',
    'a/{id}',
    '/a/{id}#',
    '/a',
    '/%2e%2e/{id}',
    '/a/{id}/{id}',
    '/a/{of}',
    '/a\\{id}',
  ])
    assert.ok(!accepts(homes({ ...asked, path })), path)
  const listed = { is: 'listed', of: 'b', path: '/b/{of}/x', items: 'x.*.id', spelled: '{id}' }
  assert.ok(accepts(homes({ ...listed, next: 'links.next' })))
  assert.ok(!accepts(homes({ ...listed, next: 'links.next', of: 'a' })))
})

test('keys of an object’s own machinery are no names', () => {
  for (const key of ['__proto__', 'a b', 'x\n']) {
    const review: unknown = JSON.parse(`{"effects":{${JSON.stringify(key)}:["read"]}}`)
    const known = key === '__proto__'
    // Two underscores are letters of a name; what is looked up by it has no prototype to find.
    assert.equal(Value.Check(ImportedReview, review), known, key)
    const homes: unknown = JSON.parse(
      `{"origin":"https://a.example","homes":{${JSON.stringify(key)}:{"is":"place","form":"name"}}}`,
    )
    assert.ok(!Value.Check(ImportedManifest, homes), key)
  }
})

test('a GraphQL provider is asked by queries, and says on which path', () => {
  const place = { is: 'place', form: 'name' } as const
  const server = {
    is: 'queried',
    query: 'query ($id: ID!) { server(id: $id) { id place } }',
    at: 'server.place',
    of: 'place',
    same: 'server.id',
  } as const
  const graphql = { path: '/graphql' }
  const about = (change: Partial<ImportedManifest>, review: ImportedReview = {}) => {
    const manifest: ImportedManifest = {
      origin: 'https://a.example',
      graphql,
      homes: { place, server },
      ...change,
    }
    assert.ok(Value.Check(ImportedManifest, manifest))
    return complaintAbout(manifest, review, 'graphql')?.pointer
  }
  assert.equal(about({}), undefined)
  const asked = { is: 'asked', path: '/a/{id}', at: 'x', of: 'place', same: 'id' } as const
  assert.equal(about({ homes: { place, asked } }), '/manifest/homes/asked/is')
  assert.equal(about({ accepts: ['text/plain'] }), '/manifest/accepts')
  assert.equal(about({}, { ids: [{ at: 'a.*' }] }), '/review/ids/0/at')
  assert.equal(about({}, { ids: [{ at: 'a', under: '/a' }] }), '/review/ids/0/under')
  assert.equal(about({}, { reveals: { a: ['b'] } }), '/review/reveals')
  assert.equal(
    about({ homes: { place, server: { ...server, of: 'lost' } } }),
    '/manifest/homes/server',
  )
  assert.ok(!accepts({ homes: { ...acmeManifest.homes, place, server } }), 'of a REST provider')
  for (const path of ['graphql', '/', '/a/../b', '/a?b', '/a#b', '//a', '/a/'])
    assert.ok(
      !Value.Check(ImportedManifest, { origin: 'https://a.example', graphql: { path } }),
      path,
    )
})

test('a handle has room for enough that is random, and no letter that a header or a JWT would misread', () => {
  const good = { prefix: 'acme_', alphabet: 'hex', length: 40 }
  assert.ok(accepts({ handle: good }))
  assert.ok(accepts({ handle: { prefix: '', alphabet: 'base62', length: 28 } }))
  for (const wrong of [
    { ...good, length: 39 },
    { ...good, length: 101 },
    { ...good, length: 40.5 },
    { ...good, alphabet: 'base62', length: 27 },
    { ...good, alphabet: 'digits' },
    { ...good, prefix: 'acme.' },
    { ...good, prefix: 'acme ' },
    { ...good, prefix: 'a\r\nb: c' },
    { ...good, prefix: 'a'.repeat(41) },
    { ...good, letters: 'a' },
    { prefix: 'acme_' },
  ])
    assert.ok(!accepts({ handle: wrong }), JSON.stringify(wrong))
})
