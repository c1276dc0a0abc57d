/**
 * Server-side apply takes YAML, in which a text means other things than it seems to: what is decided on is JSON, and what
 * leaves must mean the same to a YAML reader.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parse } from 'yaml'
import { parseJson } from '../../src/core/json.ts'
import type { Identified } from '../../src/provider/adapter.ts'
import { kubernetesAdapter } from '../../src/provider/kubernetes/adapter.ts'

const adapter = kubernetesAdapter()

function apply(text: string): Identified {
  return adapter.identify({
    method: 'PATCH',
    path: '/apis/apps/v1/namespaces/staging/deployments/web',
    query: 'fieldManager=kubectl',
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: Buffer.from(text),
  })
}

for (const text of [
  'spec: {template: {spec: {hostNetwork: true}}}',
  'a: &x {hostNetwork: true}\nspec: {template: {spec: *x}}',
  '{"kind":"Deployment"}\n---\n{"spec":{"replicas":0}}',
  '{"spec":{"replicas":2},"spec":{"replicas":0}}',
  '{"spec":!!map {}}',
  '{"spec":{"replicas":2}} # {"spec":{"replicas":0}}',
]) {
  test(`it is refused with a hint: ${JSON.stringify(text)}`, () => {
    const identified = apply(text)
    assert.ok(!identified.ok)
    assert.match(identified.refusal.detail, /written as JSON/)
  })
}

test('a merge key is refused wherever it stands', () => {
  for (const body of [
    { '<<': { spec: { replicas: 0 } } },
    { spec: { template: { '<<': [{ spec: { hostNetwork: true } }] } } },
    { spec: [{ '<<': {} }] },
  ])
    assert.ok(!apply(JSON.stringify(body)).ok)
})

test('what arguments add is found in what is applied', () => {
  const identified = apply('{"spec":{"template":{"spec":{"hostNetwork":true}},"replicas":0}}')
  assert.ok(identified.ok)
  assert.deepEqual(identified.invocations[0]?.added.toSorted(), ['admin', 'destructive'])
})

test('what leaves is the same to a reader of YAML and to one of JSON', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('yes', '~', '0x10', '1:30', '\u0085', '\u2028', '\u007f', '\ufeff', '\\\u2029'),
  )
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.integer())), (data) => {
      const body = JSON.stringify({ spec: data })
      if (!parseJson(Buffer.from(body)).ok || Object.hasOwn(data, '<<')) return
      const identified = apply(body)
      assert.ok(identified.ok)
      const sent = String(identified.request.body)
      assert.equal(identified.request.headers['content-type'], 'application/apply-patch+yaml')
      assert.deepEqual(JSON.parse(sent), JSON.parse(body))
      assert.deepEqual(parse(sent, { version: '1.1' }), JSON.parse(body))
      // Line breaks of YAML's own, and what it does not allow unescaped.
      // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
      assert.doesNotMatch(sent, /[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/)
    }),
    { numRuns: 300 },
  )
})
