/**
 * Documents made to cost more to read than to send. Each is refused by a bound that is checked in linear time; the
 * generous limit on the clock only tells linear from exponential.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentLimits } from '../../src/provider/graphql/limits.ts'
import { document, invocations, post, refusal } from '../support/railway-verdict.ts'

const times = (n: number, text: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => text(i)).join(' ')

test('ten thousand aliases are too many tokens', () => {
  assert.match(
    refusal(document(`{ ${times(10_000, (i) => `a${i}: __typename`)} }`)),
    /more than 4000 tokens/,
  )
})

test('more root fields than any client needs are refused, though each is harmless', () => {
  const many = documentLimits.roots + 1
  assert.match(
    refusal(document(`{ ${times(many, (i) => `a${i}: templatesCount`)} }`)),
    /root fields/,
  )
  assert.equal(
    invocations(document(`{ ${times(many - 1, (i) => `a${i}: templatesCount`)} }`)).length,
    many - 1,
  )
})

test('ten thousand braces, brackets or parentheses are too deep, and do not overflow the stack', () => {
  assert.match(refusal(document('{a'.repeat(10_000) + '}'.repeat(10_000))), /nested more than 50/)
  assert.match(refusal(document(`{ environment(id: ${'['.repeat(10_000)}`)), /nested more than 50/)
  assert.match(refusal(document(`query (${'$a: ['.repeat(10_000)}`)), /nested more than 50/)
  assert.match(
    refusal(
      post(`{"query":"{__typename}","variables":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
    ),
    /^not_understood/,
  )
})

test('fragments that double are refused before they are expanded', () => {
  const bomb = (n: number, leaf: string): string =>
    `{ ...F0 } ${times(n, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F${n} on Query { ${leaf} }`
  for (const leaf of ['__typename', '... { __typename }', 'platformStatus { isStable }'])
    assert.match(refusal(document(bomb(40, leaf))), /^not_understood/)
  const empty = `{ ...F0 __typename } ${times(40, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F40 on Query { ...E } fragment E on Query { ... { __typename } }`
  assert.match(refusal(document(empty)), /^not_understood/)
})

test('fragments in a circle are refused', () => {
  assert.match(refusal(document('{ ...A } fragment A on Query { ...A }')), /contains itself/)
  assert.match(
    refusal(document('{ ...A } fragment A on Query { ...B } fragment B on Query { ... { ...A } }')),
    /contains itself/,
  )
})

test('many fields for one place of the answer are refused before they are compared pair by pair', () => {
  assert.match(
    refusal(document(`{ environment(id: "e") { ${'id '.repeat(3_000)} } }`)),
    /one place of the answer/,
  )
  assert.match(
    refusal(document(`{ ${times(17, () => 'environment(id: "e") { id }')} }`)),
    /one place of the answer/,
  )
})

test('expanding a thousand fields through a few fragments is refused', () => {
  const text = `{ ${times(20, (i) => `a${i}: environment(id: "e") { ...F }`)} } fragment F on Environment { ${times(150, (i) => `f${i}: id`)} }`
  assert.match(refusal(document(text)), /once its fragments are expanded/)
})

test('a document of a quarter of a megabyte of nothing is read or refused, and one larger is refused', () => {
  assert.equal(invocations(document(`${' '.repeat(200_000)}{__typename}`)).length, 1)
  assert.equal(invocations(document(`${'#\n'.repeat(100_000)}{__typename}`)).length, 1)
  assert.match(refusal(document(`${' '.repeat(1_000_000)}{__typename}`)), /^payload_too_large/)
  assert.match(refusal(post(' '.repeat(2 * 1024 * 1024 + 1))), /^payload_too_large/)
})

test('a list of ids is bounded before anything is asked about them', () => {
  const query = 'query N($ids: [String!]!) { projectsByIds(ids: $ids) { id } }'
  const ids = (n: number): string[] => Array.from({ length: n }, (_, i) => `id-${i}`)
  assert.match(refusal(document(query, { ids: ids(51) })), /more than 50 ids/)
  assert.match(refusal(document(query, { ids: ids(50_000) })), /more than 50 ids/)
  assert.equal(invocations(document(query, { ids: ids(50) }))[0]?.resources.length, 50)
  const spread = `{ ${times(6, (i) => `a${i}: projectsByIds(ids: ["a", "b", "c", "d", "e", "f", "g", "h", "i"]) { id }`)} }`
  assert.match(refusal(document(spread)), /more than 50 ids/)
})
