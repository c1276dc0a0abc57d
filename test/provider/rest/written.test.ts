import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Condition } from '../../../src/core/condition.ts'
import {
  loadOperation,
  type CompiledCatalogue,
  type CompiledOperation,
} from '../../../src/provider/rest/catalogue.ts'
import { openCatalogue } from '../../../src/provider/rest/open.ts'
import { lineOf, linesOf, readCatalogue, serialise } from '../../../src/provider/rest/written.ts'

const query = 'page|integer per_page|integer labels|list since state direction sort'
const grave: Condition = { path: 'body.spec.template.spec.hostNetwork', noneOf: [false] }
const named: Condition = { path: 'body.name', contains: '“\u2028"operations":[\n', adds: ['admin'] }

function operation(n: number, more: Partial<CompiledOperation> = {}): CompiledOperation {
  const path = `/things/${String(n)}`
  return {
    name: `thing/${String(n)}`,
    method: 'GET',
    path,
    effects: 'read',
    scope: 'account',
    ...more,
  }
}

const catalogue: CompiledCatalogue = {
  source: 'a "description", "operations":[ among its words',
  conditions: [grave],
  operations: [
    operation(0, { query, conditions: [grave, named] }),
    operation(1, { query: 'page', conditions: [{ adds: ['secret'] }] }),
    operation(2, { query, conditions: [named, grave] }),
    operation(3),
    operation(4, { query: '*', conditions: [] }),
  ],
}
const text = serialise(catalogue)

test('a catalogue comes back as it was, whole and line by line', () => {
  assert.deepEqual(readCatalogue(text), catalogue)
  const lines = linesOf(text)
  assert.equal(lines.count, 5)
  assert.deepEqual(
    catalogue.operations.map((_, index) => lineOf(lines, index)),
    catalogue.operations,
  )
  assert.throws(() => lineOf(lines, 5), RangeError)
})

test('what several operations have stands in the text once, and in memory', () => {
  assert.equal(text.split(query).length, 2)
  assert.equal(text.split('hostNetwork').length, 3, 'the head’s own, and the shared one')
  const lines = linesOf(text)
  assert.equal(lineOf(lines, 0).conditions?.[0], lineOf(lines, 2).conditions?.[1])
})

test('another operation changes no line but those that share with it', () => {
  const more = serialise({ ...catalogue, operations: [...catalogue.operations, operation(5)] })
  const before = text.split('\n').map((line) => line.replace(/,$/, ''))
  const after = new Set(more.split('\n').map((line) => line.replace(/,$/, '')))
  assert.deepEqual(
    before.filter((line) => !after.has(line)),
    [],
  )
})

test('the text is ASCII, so that it takes one byte a character', () => {
  assert.match(text, /^[\n\x20-\x7e]*$/)
})

test('a catalogue that was written before there was sharing, or in another layout, reads the same', () => {
  for (const other of [JSON.stringify(catalogue), JSON.stringify(catalogue, null, 2)]) {
    assert.deepEqual(readCatalogue(other), catalogue)
    const lines = linesOf(other)
    assert.equal(lines.count, 5)
    assert.deepEqual(lineOf(lines, 2), catalogue.operations[2])
    const { version } = openCatalogue(other)
    assert.equal(version, createHash('sha256').update(other).digest('hex'))
  }
  const none = { source: 's', operations: [] }
  for (const other of [JSON.stringify(none), serialise(none)]) {
    assert.deepEqual(readCatalogue(other), none)
    assert.deepEqual([...openCatalogue(other).entries()], [])
  }
})

test('a reference that leads nowhere, or to something else, does not open', () => {
  const name = /"queryOf":"([0-9a-f]{8})"/.exec(text)?.[1] ?? ''
  const condition = /"conditions":\["([0-9a-f]{8})"/.exec(text)?.[1] ?? ''
  const broken = [
    text.replace(`"queryOf":"${name}"`, '"queryOf":"00000000"'),
    text.replace(`"queryOf":"${name}"`, `"queryOf":"${condition}"`),
    text.replace(`"conditions":["${condition}"`, '"conditions":["00000000"'),
    text.replace(`"conditions":["${condition}"`, `"conditions":["${name}"`),
    text.replace(`"conditions":["${condition}"`, '"conditions":["__proto__"'),
    text.replace('"shared":', '"shores":'),
  ]
  for (const one of broken) {
    assert.notEqual(one, text)
    assert.throws(() => openCatalogue(one), /the catalogue has no shared/)
    assert.throws(() => readCatalogue(one), /the catalogue has no shared/)
  }
})

test('a line that was not made whole is no operation: its conditions would be lost', () => {
  for (const line of JSON.parse(text).operations as CompiledOperation[]) {
    if (line.name === 'thing/0' || line.name === 'thing/2')
      assert.throws(() => loadOperation(line), /refers to what is shared/)
    else assert.equal(loadOperation(line).name, line.name)
  }
})

test('a text that is no JSON as a whole does not open', () => {
  const broken = [
    text.replace('},\n{"name":"thing/1"', '};\n{"name":"thing/1"'),
    text.replace('{"name":"thing/1"', '{"name":"thing/1",'),
    text.slice(0, -3),
    text.replace('"operations":[\n', '"operations":[\n,\n'),
    text.replace('{"source"', '"source"'),
  ]
  for (const one of broken) {
    assert.throws(() => JSON.parse(one) as unknown, SyntaxError)
    assert.throws(() => openCatalogue(one), SyntaxError)
  }
})
