import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  clipped,
  factsFrom,
  sentence,
  shownLimits,
  shownOperations,
  tooLongToShow,
  type LocatedOperation,
  type ShownFacts,
} from '../../src/core/approval-facts.ts'
import { canonicalize } from '../../src/core/canonical.ts'
import type { Invocation } from '../../src/core/operation.ts'
import { approvalDocument } from '../support/approval-document.ts'

const environment = {
  name: 'shop/production',
  places: new Map([['railway', new Set(['environment:e1', 'environment:e2'])]]),
}

function operation(
  changes: Partial<Invocation> = {},
  places = ['environment:e1'],
): LocatedOperation {
  return {
    invocation: {
      operation: 'volumeDelete',
      effects: ['write', 'destructive'],
      added: [],
      scope: 'environment',
      arguments: { volumeId: 'v1' },
      resources: [{ kind: 'volume', id: 'v1', role: 'target', path: 'volumeId' }],
      widens: [],
      ...changes,
    },
    located: { places, unresolved: [] },
  }
}

function shown(operations: readonly LocatedOperation[], known?: ShownFacts) {
  return shownOperations(operations, environment, 'railway', known)
}

test('an object stands by its id, with the name that the provider said it has and the environment it lives in', () => {
  const known = { objects: new Map([['volume:v1', { name: 'pgdata' }]]), facts: [] }
  assert.deepEqual(shown([operation()], known), [
    {
      name: 'volumeDelete',
      effects: ['write', 'destructive'],
      objects: [{ id: 'volume:v1', name: 'pgdata', livesIn: ['shop/production'] }],
      arguments: { volumeId: 'v1' },
    },
  ])
  assert.deepEqual(shown([operation()])[0]?.objects, [
    { id: 'volume:v1', livesIn: ['shop/production'] },
  ])
})

test('a place that is not bound to the environment is shown by the provider’s own id', () => {
  const [first] = shown([operation({}, ['environment:e1', 'environment:other'])])
  assert.deepEqual(first?.objects[0]?.livesIn, ['shop/production', 'environment:other'])
  const places = ['environment:moved']
  const known = { objects: new Map([['volume:v1', { places }]]), facts: [] }
  assert.deepEqual(shown([operation()], known)[0]?.objects[0]?.livesIn, places)
})

test('what another provider calls the same place is not taken for the environment’s', () => {
  const operations = shownOperations([operation()], environment, 'github')
  assert.deepEqual(operations[0]?.objects[0]?.livesIn, ['environment:e1'])
})

test('an object that is a place itself lives there alone, and nothing that was not located lives anywhere', () => {
  const resources: Invocation['resources'] = [
    { kind: 'environment', id: 'other', role: 'environment', path: 'a' },
    { kind: 'environment', id: 'other', role: 'environment', path: 'b' },
  ]
  const [first] = shown([operation({ resources }, ['environment:e1', 'environment:other'])])
  assert.deepEqual(first?.objects, [{ id: 'environment:other', livesIn: ['environment:other'] }])
  const [unlocated] = shown([{ ...operation(), located: undefined }])
  assert.deepEqual(unlocated?.objects[0]?.livesIn, [])
})

test('effects that arguments add are shown once beside the operation’s own', () => {
  const [first] = shown([operation({ effects: ['write'], added: ['destructive', 'write'] })])
  assert.deepEqual(first?.effects, ['write', 'destructive'])
})

test('arguments are shown whole, texts that look as if they had been cut among them', () => {
  const pretending = clipped('a'.repeat(300), 100)
  const given = { query: 'x'.repeat(15_000), list: [{ name: pretending }] }
  const operations = [operation({ arguments: given })]
  assert.equal(tooLongToShow(operations), undefined)
  assert.deepEqual(shown(operations)[0]?.arguments, given)
})

test('what is longer than a person is shown is not shown in part: nobody can be asked', () => {
  const of = (length: number) => operation({ arguments: { q: 'x'.repeat(length - 8) } })
  assert.equal(canonicalize({ q: '' }).length, 8)
  assert.equal(tooLongToShow([of(shownLimits.arguments)]), undefined)
  assert.match(tooLongToShow([of(shownLimits.arguments + 1)]) ?? '', /20001 characters.* 20000 /)
})

test('the arguments of all operations count together, so that many cannot hide one', () => {
  const part = operation({ arguments: { q: 'x'.repeat(shownLimits.arguments / 25) } })
  assert.equal(tooLongToShow(Array.from({ length: 24 }, () => part)), undefined)
  assert.notEqual(tooLongToShow(Array.from({ length: 25 }, () => part)), undefined)
})

test('no two texts are cut to the same, and a text cannot pretend that it was cut', () => {
  const long = 'a'.repeat(50)
  const pretending = clipped(long, 10)
  assert.notEqual(clipped(pretending, 200), pretending)
  const some = fc
    .string({ maxLength: 30 })
    .map((text) => (text.length > 20 ? clipped(text, 5) : text))
  fc.assert(
    fc.property(some, some, (a, b) => {
      assert.equal(clipped(a, 8) === clipped(b, 8), a === b)
    }),
  )
})

test('the sentence says the operation, the object, where, what it does and who asks', () => {
  const document = approvalDocument({
    agent: { id: approvalDocument().agent.id, name: 'ci-bot' },
    environment: { ...approvalDocument().environment, name: 'shop/production', protected: true },
    operations: shown([operation()], {
      objects: new Map([['volume:v1', { name: 'pgdata' }]]),
      facts: [],
    }),
  })
  assert.equal(
    sentence(document),
    'railway volumeDelete of the volume "pgdata" (v1) in shop/production (protected): write, destructive, by agent "ci-bot"',
  )
})

test('no name and no id can add to the sentence or end a part of it', () => {
  const name = 'x" (v2) in shop/staging: read, by agent "y\nz\u202e'
  const id = 'v1) in shop/staging: read, by agent "x'
  const document = approvalDocument({
    operations: [
      {
        name: 'volumeDelete',
        effects: ['write', 'destructive'],
        objects: [{ id: `volume:${id}`, name, livesIn: ['pr\u043ed'] }],
        arguments: {},
      },
    ],
  })
  const said = sentence({ ...document, agent: { ...document.agent, name } })
  assert.doesNotMatch(said, /[\n\u202e]/)
  // Three quoted texts, and no quotation mark more.
  assert.equal(said.split('"').length - 1, 6)
  assert.match(said, / in prо⟨Cyrillic U\+043E⟩d: write, destructive, by agent "x⟨U\+0022⟩ /)
})

test('a grave operation is named before the many that hide it', () => {
  const reads = Array.from({ length: 10 }, (_, i) =>
    operation({ operation: `read${String(i)}`, effects: ['read'] }),
  )
  const document = approvalDocument({ operations: shown([...reads, operation()]) })
  const said = sentence(document)
  assert.match(said, /^railway 11 operations: volumeDelete of the volume v1 in /)
  assert.match(said, /; 8 more, by agent /)
})

test('where facts cannot be asked, nothing is known; where asking fails, that is a fact', async () => {
  assert.deepEqual(await factsFrom(undefined), { objects: new Map(), facts: [] })
  const { facts } = await factsFrom(() => Promise.reject(new Error('no')))
  assert.deepEqual(facts, [{ label: 'Could not be asked', value: 'what would be lost' }])
})
