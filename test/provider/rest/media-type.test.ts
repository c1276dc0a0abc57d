import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripeAdapter } from '../../../src/provider/stripe/adapter.ts'
import { identifyLine } from '../../support/rest-request.ts'
import { jsonLabel, readAccept } from '../../../src/provider/rest/media-type.ts'

test('JSON in UTF-8 is labelled in few ways', () => {
  for (const good of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ]) {
    assert.equal(jsonLabel(good), 'json', good)
  }
  for (const none of [undefined, '', ' ']) assert.equal(jsonLabel(none), 'missing')
})

test('anything else is not a label of JSON', () => {
  for (const bad of [
    'application/x-www-form-urlencoded',
    'text/json',
    'text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=utf-7',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json, text/plain',
    'application/json;',
    'application/json; boundary=x',
    'application/vnd.github+json',
    'application/jsonp',
    'application/json\u00a0',
  ]) {
    assert.equal(jsonLabel(bad), 'other', bad)
  }
})

test('of an Accept, the items that are known are kept and spelled one way', () => {
  const allowed = (type: string) => type === 'application/json' || type === '*/*'
  assert.equal(readAccept(undefined, allowed), undefined)
  assert.equal(
    readAccept('Application/JSON;q=0.9 , */*; q=0.1', allowed),
    'application/json;q=0.9, */*;q=0.1',
  )
  assert.equal(readAccept('text/evil, application/json', allowed), 'application/json')
  assert.equal(readAccept('text/evil', allowed), undefined)
  assert.equal(readAccept('application/json; x="a, */*"', allowed), undefined)
  assert.equal(readAccept(`application/json,${' '.repeat(2000)}`, allowed), undefined)
})

test('an item of an Accept with parameters is known only with exactly these', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const allowed = (type: string) => type === table || type === 'application/json'
  assert.equal(readAccept(`${table}, application/json`, allowed), `${table}, application/json`)
  assert.equal(readAccept(`${table};q=0.5`, allowed), `${table};q=0.5`)
  assert.equal(readAccept('application/json;as=Table', allowed), undefined)
  assert.equal(readAccept(`${table};x=1`, allowed), undefined)
  assert.equal(readAccept('application/json;q=5', allowed), undefined)
})

test('a prefix of media types is one of those without parameters', () => {
  const acceptOf = (accept: string): string | undefined => {
    const identified = identifyLine(stripeAdapter(), {
      line: 'GET /v1/balance',
      headers: { accept },
    })
    assert.ok(identified.ok)
    return identified.request.headers['accept']
  }
  assert.equal(acceptOf('application/json'), 'application/json')
  assert.equal(acceptOf('application/json;profile=full'), undefined)
})
