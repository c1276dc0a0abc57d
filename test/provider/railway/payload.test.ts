import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { JsonValue } from '../../../src/core/operation.ts'
import { readChangeSet, readEnvironmentConfig } from '../../../src/provider/railway/payload.ts'

const uuid = '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1aff'

function destructive(patch: JsonValue | undefined): boolean {
  const reading = readEnvironmentConfig(patch, 'patch')
  assert.ok(reading.ok)
  return reading.added.includes('destructive')
}

function ids(patch: JsonValue): string[] {
  const reading = readEnvironmentConfig(patch, 'patch')
  assert.ok(reading.ok)
  return reading.ids.map(({ role, kind, id }) => `${role} ${kind} ${id}`)
}

test('a patch is destructive by a flag, a null, a key it does not know, or by being absent', () => {
  assert.equal(destructive({ services: { s: { isDeleted: true } } }), true)
  assert.equal(destructive({ services: { s: { isDeleted: 'yes' } } }), true)
  assert.equal(destructive({ services: { s: { deploy: { deep: { IsDeleted: 1 } } } } }), true)
  assert.equal(destructive({ services: { s: { variables: { A: null } } } }), true)
  assert.equal(destructive({ services: { s: null } }), true)
  assert.equal(destructive({ volumes: { v: { deletedAt: 'now' } } }), true)
  assert.equal(destructive({ sharedVariables: { A: null } }), true)
  assert.equal(destructive({ groups: {} }), true)
  assert.equal(destructive(null), true)
  assert.equal(destructive(undefined), true)
})

test('a patch that only sets is not destructive', () => {
  assert.equal(
    destructive({ services: { s: { isDeleted: false, deploy: { numReplicas: 1 } } } }),
    false,
  )
  assert.equal(
    destructive({ services: { s: { variables: { DELETE_AFTER: { value: '1' } } } } }),
    false,
  )
  assert.equal(
    destructive({ sharedVariables: { A: { value: uuid } }, privateNetworkDisabled: true }),
    false,
  )
})

test('the keys of a patch are the ids of what it changes', () => {
  assert.deepEqual(
    ids({
      services: { s: { volumeMounts: { w: { mountPath: '/' } } } },
      volumes: { v: {} },
      buckets: { b: {} },
    }),
    ['container service s', 'target volume w', 'target volume v', 'container bucket b'],
  )
})

test('an id where none is expected is a target that nothing resolves', () => {
  assert.deepEqual(ids({ services: { s: { deploy: { from: uuid } } } }), [
    'container service s',
    `target object ${uuid}`,
  ])
  assert.deepEqual(ids({ services: { s: { deploy: { volumeMounts: { [uuid]: {} } } } } }), [
    'container service s',
    `target object ${uuid}`,
  ])
  assert.deepEqual(ids({ [uuid]: {}, sharedVariables: {} }), [`target object ${uuid}`])
  assert.deepEqual(ids({ elsewhere: { [uuid.toUpperCase()]: {} } }), [
    `target object ${uuid.toUpperCase()}`,
  ])
  assert.deepEqual(ids({ services: { s: { variables: { A: { value: uuid } } } } }), [
    'container service s',
  ])
})

test('a patch or a section that is no object is not understood', () => {
  for (const patch of ['{"volumes":{}}', [], 1, true, { volumes: [] }, { services: 's' }])
    assert.equal(readEnvironmentConfig(patch, 'patch').ok, false)
})

test('a change set is destructive, and every id in it unresolvable', () => {
  const reading = readChangeSet({ changes: [{ service: uuid, variables: { A: uuid } }] }, 'input')
  assert.ok(reading.ok)
  assert.deepEqual(reading.added, ['destructive'])
  assert.equal(reading.ids.length, 2)
  assert.equal(readChangeSet('{}', 'input').ok, false)
})

test('wherever in a patch isDeleted stands, it is found', () => {
  const flag = fc.oneof(fc.constant(true), fc.string(), fc.integer(), fc.constant(null))
  const key = fc.constantFrom('deploy', 'build', 'a', 'networking', 'x')
  const path = fc.array(key, { maxLength: 5 })
  fc.assert(
    fc.property(
      fc.constantFrom('services', 'volumes', 'buckets'),
      path,
      flag,
      (section, keys, value) => {
        let entry: JsonValue = { isDeleted: value }
        for (const name of keys)
          entry = fc.sample(fc.boolean(), 1)[0] === true ? [{ [name]: entry }] : { [name]: entry }
        return destructive({ [section]: { id: entry } })
      },
    ),
    { numRuns: 200 },
  )
})
