/**
 * The quick reader against graphql-js's parser, on texts that are nearly documents: whatever the one reads, the other
 * reads as the same. What it leaves to the other is not held against it, but for what clients send every day.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Kind, buildSchema, parse, type DocumentNode } from 'graphql'
import { exceedsTokenLimits } from '../../../src/provider/graphql/limits.ts'
import { readDocument } from '../../../src/provider/graphql/read.ts'
import { Vocabulary } from '../../../src/provider/graphql/vocabulary.ts'
import { railwayCatalogue } from '../../../src/provider/railway/catalogue.ts'

const vocabulary = new Vocabulary(railwayCatalogue().schema)

function slow(text: string): DocumentNode {
  return parse(text, { noLocation: true, allowEmptySelectionSets: false })
}

/** What the quick reader makes of it; it has to be what graphql-js makes of it, within the limits, and fit to forward. */
function read(text: string): DocumentNode | undefined {
  const document = readDocument(vocabulary, text)
  if (document === undefined) return undefined
  assert.deepEqual(document, slow(text), text)
  assert.equal(exceedsTokenLimits(text), undefined, text)
  assert.match(text, /^[\x20-\x22\x24-\x7e\t\n]*$/)
  for (const definition of document.definitions) {
    assert.ok(
      definition.kind === Kind.OPERATION_DEFINITION || definition.kind === Kind.FRAGMENT_DEFINITION,
    )
    assert.equal(definition.description, undefined)
    if (definition.kind === Kind.OPERATION_DEFINITION)
      for (const variable of definition.variableDefinitions ?? [])
        assert.equal(variable.description, undefined)
  }
  return document
}

const everyday = [
  '{ environment(id: "e") { id name } }',
  '{me{id}}',
  'query{me{id}}',
  'query Q($id: String!, $more: [ID!]! $list:[[Int]!]) @mark(a: 1) { environment(id: $id) { ...F } }\nfragment F on Environment @mark { id, name }',
  'mutation M { a: volumeDelete(volumeId: "v") b: x(n: -1, z: 0, y: -0, big: 123456789012) }',
  '{ a(in: { b: [1, 2], c: {}, d: [], e: ENUM, t: true, f: false, n: null, v: $v }) }',
  '{ ... on Query { id } ... { id } ...@include(if: true) { id } ...F @skip(if: $no) }',
  '{ id @include(if: $yes) @skip(if: $no) name: id(x: "") }',
  'query ($a: Int = 1, $b: String = "x" $c: Size = LARGE, $d: Boolean = true, $e: Int = null) { id }',
  'query query { on query mutation fragment true false null }',
  '{ a(a: ", { } ( )", b: "") }  \n\t,,',
]

test('what clients send every day is read, and as graphql-js reads it', () => {
  for (const text of everyday) assert.ok(read(text) !== undefined, text)
})

const left = [
  '',
  ' ',
  '# a comment\n{ id }',
  '{ id } # a comment',
  '{ a(b: "#") }',
  '{ a(b: """block""") }',
  '{ a(b: ["""block"""]) }',
  '{ a(b: "\\"") }',
  '{ a(b: "\\u0041") }',
  '{ a(b: "\n") }',
  '{ a(b: "\t") }',
  '{ a(b: "\u0000") }',
  '{ a(b: "\u007f") }',
  '{ a(b: "\u00e9") }',
  '{ a(b: "\ud800") }',
  '{ a(b: "unterminated) }',
  '\ufeff{ id }',
  '{ id\r\n}',
  '{ id\u00a0}',
  '{ id }\u0000',
  '{ id }\u0000{ name }',
  '{ a\u017fb }',
  '{ id\u017b',
  '{ a(b: 1.5) }',
  '{ a(b: 1e3) }',
  '{ a(b: 01) }',
  '{ a(b: 1x) }',
  '{ a(b: -) }',
  '{ a(b: 1.) }',
  '{ a(b: .5) }',
  '{ a() }',
  '{ a(b) }',
  '{ a(b:) }',
  '{ }',
  '{ a { } }',
  '{ a: }',
  '{ a: b: c }',
  '{ 1a }',
  '{ .. id }',
  '{ .. on Query { id } }',
  '{ ...on }',
  '{ id',
  '{ id }}',
  '{ id } id',
  '{ id ]',
  '{ a(b: [1) }',
  'query () { id }',
  'query ($a) { id }',
  'query ($a: Int = $b) { id }',
  'query ($a: Int = ) { id }',
  'query ($a: [Int] = [$b]) { id }',
  'query ($a: Int @mark) { id }',
  'query ($a: [Int) { id }',
  'query ($a: Int!!) { id }',
  'query (a: Int) { id }',
  'query Q',
  'query Q R { id }',
  'Query { id }',
  'subscription { id }',
  '"described" query { id }',
  '"""described""" query { id }',
  'fragment on on Query { id }',
  'fragment F { id }',
  'fragment F of Query { id }',
  'fragment F($a: Int) on Query { id }',
  'type Query { id: Int }',
  '{ a @ }',
  '{ a @(b: 1) }',
  '{ a?: b }',
  '{ $a }',
  '{ a & b }',
]

test('what is unusual or wrong is left to graphql-js, each in its own way', () => {
  for (const text of left) assert.equal(read(text), undefined, JSON.stringify(text))
})

test('the limits on tokens and depth are those of graphql-js’s reading', () => {
  const deep = (n: number): string => `${'{a'.repeat(n)}${'}'.repeat(n)}`
  assert.ok(read(deep(50)) !== undefined)
  assert.equal(read(deep(51)), undefined)
  assert.ok(read(`{ a(b: ${'['.repeat(48)}${']'.repeat(48)}) }`) !== undefined)
  assert.equal(read(`{ a(b: ${'['.repeat(49)}${']'.repeat(49)}) }`), undefined)
  assert.equal(read(`query ($a: ${'['.repeat(60)}Int${']'.repeat(60)}) { a }`), undefined)
  assert.ok(read(`{ ${'a '.repeat(3_998)}}`) !== undefined)
  assert.equal(read(`{ ${'a '.repeat(3_999)}}`), undefined)
  assert.equal(read(`{ a }${' '.repeat(20_000)}`), undefined)
})

test('a word that shares its number with one of the schema’s is itself', () => {
  // In the numbers of words that are used here, Aa and BB are alike.
  const small = new Vocabulary(buildSchema('type Query { removeAa: Int, keep: Int }'))
  for (const word of ['removeAa', 'removeBB', 'emoveAa', 'removeA', 'removeAaa', 'kee', 'keepp'])
    assert.deepEqual(readDocument(small, `{ ${word} }`), slow(`{ ${word} }`))
})

const marks = '{}()[]:!$@=|&,.# \n\t"\\-0123456789'.split('')
const pieces = [
  ...marks,
  '...',
  '"""',
  '""',
  '"text"',
  '1.5',
  '-7',
  '0',
  '\r',
  '\ufeff',
  '\u0000',
  'é',
  '\u007f',
  'query',
  'mutation',
  'fragment',
  'on',
  'true',
  'null',
  'id',
  'name',
  'environment',
  'Query',
  '{ id }',
  '(a: 1)',
  '$v',
  '@skip(if: true)',
  'alias: id',
  'unknownWord',
  '_',
  'subscription',
]

test('a damaged document is left alone, or read as graphql-js reads it', () => {
  let kept = 0
  let all = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...everyday),
      fc.array(
        fc.record({
          at: fc.nat(200),
          removed: fc.nat(3),
          put: fc.constantFrom('', ...pieces),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      (document, damages) => {
        let text = document
        for (const { at, removed, put } of damages) {
          const from = at % (text.length + 1)
          text = text.slice(0, from) + put + text.slice(from + removed)
        }
        all++
        if (read(text) !== undefined) kept++
      },
    ),
    { numRuns: 10_000 },
  )
  assert.ok(kept > all / 20 && kept < all, `${String(kept)} of ${String(all)}`)
})

test('a heap of pieces is left alone, or read as graphql-js reads it', () => {
  let kept = 0
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (heap) => {
      if (read(heap.join('')) !== undefined) kept++
      if (read(`{ id ${heap.join(' ')} }`) !== undefined) kept++
    }),
    { numRuns: 5_000 },
  )
  assert.ok(kept > 0)
})
