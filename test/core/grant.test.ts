import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  parseVerb,
  verbCovers,
  verbFor,
  verbWithin,
  type FindOperation,
} from '../../src/core/grant.ts'
import type { Effect, Invocation } from '../../src/core/operation.ts'

function call(
  operation: string,
  effects: readonly Effect[] = ['write'],
  added: readonly Effect[] = [],
  root: Invocation['root'] = 'mutation',
): Invocation {
  return {
    operation,
    root,
    effects,
    added,
    scope: 'environment',
    arguments: {},
    resources: [],
    widens: [],
  }
}

test('a verb that cannot be read is an error, and covers nothing', () => {
  const wrong = [
    '',
    '+',
    '*',
    'a*b',
    'a**',
    'volume*+destructive',
    'x+nope',
    'x+',
    'x+secret+secret',
    'read+read',
    'other:x',
    'query:',
    'a b',
    'a\nb',
    '.*',
    '^a$',
    'x'.repeat(201),
    'vоlumeDelete', // a Cyrillic о
  ]
  for (const verb of wrong) {
    assert.ok('error' in parseVerb(verb), verb)
    assert.equal(verbCovers(verb, call('x', ['read'])), false, verb)
    assert.equal(
      verbWithin(verb, ['read'], () => undefined),
      false,
      verb,
    )
  }
})

test('an operation by name covers its own effects, and none that its arguments add', () => {
  assert.equal(verbCovers('volumeDelete', call('volumeDelete', ['write', 'destructive'])), true)
  assert.equal(verbCovers('volumeUpdate', call('volumeUpdate', ['write'], ['destructive'])), false)
  assert.equal(
    verbCovers('volumeUpdate+destructive', call('volumeUpdate', ['write'], ['destructive'])),
    true,
  )
  assert.equal(
    verbCovers('volumeUpdate+secret', call('volumeUpdate', ['write'], ['destructive'])),
    false,
  )
  assert.equal(verbCovers('volumeDelete', call('volumeDeleteAll')), false)
  assert.equal(verbCovers('volumeDelete', call('VolumeDelete')), false)
})

test('an effect set covers only what has no other effect', () => {
  assert.equal(verbCovers('read', call('project', ['read'])), true)
  assert.equal(verbCovers('read', call('variables', ['read', 'secret'])), false)
  assert.equal(verbCovers('read', call('project', ['read'], ['secret'])), false)
  assert.equal(verbCovers('read+secret', call('variables', ['read', 'secret'])), true)
  assert.equal(verbCovers('write', call('volumeDelete', ['write', 'destructive'])), false)
  assert.equal(verbCovers('write', call('project', ['read'])), false)
})

test('a prefix covers base effects only', () => {
  assert.equal(verbCovers('volume*', call('volumeCreate')), true)
  assert.equal(verbCovers('volume*', call('volumeDelete', ['write', 'destructive'])), false)
  assert.equal(verbCovers('volume*', call('volumeUpdate', ['write'], ['secret'])), false)
  assert.equal(verbCovers('volume*', call('mutation:volumeCreate')), true)
  assert.equal(verbCovers('volume*', call('projectVolume')), false)
})

test('a name that exists twice is covered only by the one that is named', () => {
  const mutation = call('mutation:x', ['write'], [], 'mutation')
  const query = call('query:x', ['read'], [], 'query')
  assert.equal(verbCovers('x', mutation), false)
  assert.equal(verbCovers('mutation:x', mutation), true)
  assert.equal(verbCovers('mutation:x', query), false)
  assert.equal(verbCovers('query:x', query), true)
})

test('what a refused agent is told to ask for covers exactly what was refused', () => {
  for (const invocation of [
    call('volumeDelete', ['write', 'destructive']),
    call('volumeUpdate', ['write'], ['destructive', 'secret']),
    call('mutation:x', ['write'], ['admin']),
  ]) {
    assert.equal(verbCovers(verbFor(invocation), invocation), true)
  }
})

const catalogue: Record<string, readonly Effect[]> = {
  volumeCreate: ['write'],
  volumeDelete: ['write', 'destructive'],
  variables: ['read', 'secret'],
  project: ['read'],
}
const find: FindOperation = (name) => {
  if (name === 'twice') return 'ambiguous'
  const effects = catalogue[name]
  return effects === undefined ? undefined : { operation: name, effects }
}

test('what is asked for must lie within what is granted', () => {
  const within: [string, string[], boolean][] = [
    ['volumeDelete', ['volumeDelete'], true],
    ['volumeDelete', ['volume*'], false],
    ['volumeCreate', ['volume*'], true],
    ['volumeCreate', ['write'], true],
    ['volumeDelete', ['write'], false],
    ['volumeDelete+secret', ['volumeDelete'], false],
    ['volumeDelete', ['volumeDelete+secret'], true],
    ['variables', ['read'], false],
    ['read', ['read+secret'], true],
    ['read+secret', ['read'], false],
    ['read+secret', ['read', 'secret'], false],
    ['volumeC*', ['volume*'], true],
    ['v*', ['volume*'], false],
    ['volume*', ['read', 'write'], false],
    ['volume*', ['read+write'], true],
    ['read', ['volume*'], false],
    ['project', ['v*', 'read'], true],
    ['unknown', ['read+write+destructive+secret+admin'], false],
    ['twice', ['read+write+destructive+secret+admin'], false],
  ]
  for (const [asked, granted, expected] of within)
    assert.equal(verbWithin(asked, granted, find), expected, `${asked} in ${granted.join()}`)
})

test('whatever lies within covers nothing that the granted verbs do not (property)', () => {
  const verb = fc.constantFrom(
    'read',
    'write',
    'read+secret',
    'read+write',
    'write+destructive',
    'v*',
    'volume*',
    'volumeC*',
    'volumeCreate',
    'volumeDelete',
    'volumeDelete+secret',
    'variables',
    'project',
  )
  const names = Object.keys(catalogue)
  let tried = 0
  fc.assert(
    fc.property(
      verb,
      fc.uniqueArray(verb, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...names),
      fc.subarray<Effect>(['destructive', 'secret', 'admin']),
      (asked, granted, name, added) => {
        if (!verbWithin(asked, granted, find)) return
        const invocation = call(name, catalogue[name] ?? [], added)
        if (!verbCovers(asked, invocation)) return
        tried++
        assert.ok(
          granted.some((one) => verbCovers(one, invocation)),
          `${asked} is said to lie in ${granted.join()}, but ${verbFor(invocation)} does not`,
        )
      },
    ),
    { numRuns: 5_000 },
  )
  assert.ok(tried > 100)
})
