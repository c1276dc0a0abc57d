import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { githubAdapter } from '../../../src/provider/github/adapter.ts'
import { loadOperation, type RestOperation } from '../../../src/provider/rest/catalogue.ts'
import { readPath } from '../../../src/provider/rest/segment.ts'
import { fits, type ParameterType, type Template } from '../../../src/provider/rest/template.ts'
import { parseJson } from '../../../src/core/json.ts'
import type { JsonObject, JsonValue } from '../../../src/core/operation.ts'
import { invocationOf, jsonType, requestOf } from './request.ts'
import { readCatalogue } from '../../../src/provider/rest/written.ts'

const text = readFileSync(
  new URL('../../../src/provider/github/catalogue.json', import.meta.url),
  'utf8',
)
const operations = readCatalogue(text)
  .operations.map(loadOperation)
  .filter(({ denied }) => denied === undefined)
const adapter = githubAdapter()

/** A text that a client may put in a path: it begins like no literal of the catalogue. */
const plain = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((rest) => `Zz${rest.replaceAll('/', '')}`)
  .filter(
    (value) =>
      readPath(`/${encodeURIComponent(value)}`).ok && !value.normalize('NFKC').includes('/'),
  )

function valueOf(type: ParameterType): fc.Arbitrary<readonly string[]> {
  switch (type) {
    case 'name':
      return fc
        .stringMatching(/^[A-Za-z0-9._-]{1,20}$/)
        .filter((value) => fits(value, 'name'))
        .map((value) => [value])
    case 'integer':
      return fc.integer({ min: 0, max: 999_999_999_999 }).map((value) => [String(value)])
    case 'string':
      return plain.map((value) => [value])
    case 'slashes':
      return fc.array(plain, { minLength: 1, maxLength: 3 }).map((pieces) => [pieces.join('/')])
  }
}

/** Encodes what must be encoded, and at random what need not be, in upper or lower case. */
function encodeAtRandom(value: string, choose: number): string {
  let state = choose
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648)
  return Array.from(value)
    .map((unit) => {
      const encoded = encodeURIComponent(unit)
      if (encoded !== unit || /[!'()*]/.test(unit))
        return next() % 2 === 0 ? encoded : encoded.toLowerCase()
      return next() % 5 === 0 ? `%${unit.charCodeAt(0).toString(16)}` : unit
    })
    .join('')
}

type Sample = {
  readonly line: string
  readonly args: JsonObject
  readonly body: JsonObject | undefined
}

function sampleOf(operation: RestOperation): fc.Arbitrary<Sample> {
  const [template] = operation.templates
  assert.ok(template)
  const parameters = template.parts.filter((part) => 'parameter' in part)
  const values = fc.tuple(...parameters.map((part) => valueOf(part.type)))
  // Restoring a package declares one; a credential in a query is refused all the same.
  const query = fc.subarray([...declared(operation.query)].filter(([name]) => name !== 'token'))
  const members = fc.subarray([...declared(operation.body ?? new Set<string>())])
  return (
    fc
      .record({ values, query, members, json: fc.jsonValue({ maxDepth: 2 }), choose: fc.nat() })
      // Some keys are refused wherever they stand (core/json.ts).
      .filter(({ json }) => parseJson(Buffer.from(JSON.stringify(json))).ok)
      .map(({ values, query, members, json, choose }) => {
        const body =
          members.length === 0
            ? undefined
            : Object.fromEntries(members.map((name) => [name, json as JsonValue]))
        const path = pathOf(template, values, choose)
        const pairs = query.map(([name, type]) => [
          name,
          type === 'string' ? `é &${choose}` : type === 'integer' ? '7' : 'true',
        ])
        const encoded = pairs
          .map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`)
          .join('&')
        const args: JsonObject = {}
        parameters.forEach((part, index) => {
          const value = values[index]?.join('/') ?? ''
          args[part.parameter] = part.type === 'integer' ? Number(value) : value
        })
        for (const [name, type] of query) {
          args[name] = type === 'string' ? `é &${choose}` : type === 'integer' ? 7 : true
        }
        if (body !== undefined) args['body'] = JSON.parse(JSON.stringify(body)) as JsonValue
        return {
          line: `${operation.method} ${path}${encoded === '' ? '' : `?${encoded}`}`,
          args,
          body,
        }
      })
  )
}

function pathOf(
  template: Template,
  values: readonly (readonly string[])[],
  choose: number,
): string {
  let next = 0
  const segments = template.parts.map((part) =>
    'literal' in part
      ? part.literal
      : (values[next++] ?? []).map((value) => encodeAtRandom(value, choose)).join('/'),
  )
  return `/${segments.join('/')}`
}

function identify(line: string, body: JsonObject | undefined) {
  return adapter.identify(
    requestOf(
      line,
      body === undefined ? {} : jsonType,
      body === undefined ? '' : JSON.stringify(body),
    ),
  )
}

test('every operation is found as itself, with its arguments, and rebuilt to mean the same', () => {
  for (const operation of operations) {
    fc.assert(
      fc.property(sampleOf(operation), ({ line, args, body }) => {
        const identified = identify(line, body)
        const invocation = invocationOf(identified)
        assert.ok(identified.ok)
        assert.equal(invocation.operation, operation.name)
        assert.deepEqual(invocation.arguments, args)
        assert.equal(identified.request.method, operation.method)
        const sent = identified.request.body?.toString()
        assert.deepEqual(sent === undefined ? undefined : JSON.parse(sent), args['body'])
        assert.deepEqual(
          decoded(identified.request.target),
          decoded(line.slice(line.indexOf(' ') + 1)),
        )
        const again = identify(`${operation.method} ${identified.request.target}`, body)
        assert.deepEqual(again, identified, 'what leaves would be decided on in the same way')
      }),
      { numRuns: 4 },
    )
  }
})

/** GitHub's description says what every parameter and body may hold. */
function declared<T>(names: T | 'any'): T {
  if (names === 'any') throw new Error('it is declared')
  return names
}

/** What an independent parser makes of a target: the segments, and the pairs of the query. */
function decoded(target: string): unknown {
  const url = new URL(target, 'https://api.github.com')
  return [url.pathname.split('/').map(decodeURIComponent), [...url.searchParams]]
}

const hostile = [
  '/',
  '//',
  '/./',
  '/../',
  '..',
  '%2e',
  '%2E%2e',
  '%2f',
  '%5c',
  '\\',
  '%00',
  '%0d%0a',
  '%252f',
  '%25',
  ';',
  '%3b',
  '?',
  '%3f',
  '#',
  '%23',
  '%ff',
  '%c0%af',
  '%ef%bc%8f',
  '%ef%bc%8e',
  '.git',
  '@',
  ':',
  '%20',
  'a',
  '-prod',
  '&',
  '=',
  '+',
]

test('a request with something inserted, doubled or cut is refused, or stays in the repository that was decided on', () => {
  const repositoryOperations = operations.filter(({ scope }) => scope === 'environment')
  const mutated = fc.constantFrom(...repositoryOperations).chain((operation) =>
    fc.record({
      sample: sampleOf(operation),
      insert: fc.constantFrom(...hostile),
      at: fc.nat(),
      cut: fc.nat({ max: 3 }),
    }),
  )
  let accepted = 0
  fc.assert(
    fc.property(mutated, ({ sample, insert, at, cut }) => {
      const start = sample.line.indexOf(' ') + 1
      const position = start + (at % (sample.line.length - start + 1))
      const line = `${sample.line.slice(0, position)}${insert}${sample.line.slice(position + cut)}`
      const identified = identify(line, sample.body)
      if (!identified.ok) return
      accepted++
      const invocation = invocationOf(identified)
      const [path = ''] = identified.request.target.split('?')
      // However often a server decodes and however it normalises, it comes out under the same repository.
      let seen = path
      for (let i = 0; i < 3; i++) {
        const normal = posix.normalize(seen.replaceAll('\\', '/').normalize('NFKC')).toLowerCase()
        for (const { id } of invocation.resources)
          assert.ok(normal.includes(`/${id.normalize('NFKC')}`), line)
        try {
          seen = decodeURIComponent(seen)
        } catch {
          break
        }
      }
      assert.equal(new URL(path, 'https://api.github.com').pathname, path)
      assert.deepEqual(
        identify(`${identified.request.method} ${identified.request.target}`, sample.body),
        identified,
      )
    }),
    { numRuns: 4000 },
  )
  assert.ok(accepted > 100, 'some mutations are harmless, so that the property is about something')
})
