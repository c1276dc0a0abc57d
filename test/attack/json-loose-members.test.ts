/**
 * Servers are not of one mind on what a member is: Go's encoding/json matches names without regard to case, gRPC's JSON
 * takes `projectId` for `project_id`, and some take one object for a list of it, or a list of one for the object. What an
 * id or a condition stands on must be found however such a server would find it, and a constraint must not be met by one
 * of two members that it takes for the same.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayHold, surelyHolds } from '../../src/core/condition.ts'
import type { JsonObject } from '../../src/core/operation.ts'
import { idsIn } from '../../src/provider/rest/adapter.ts'
import { loadOperation } from '../../src/provider/rest/catalogue.ts'

const operation = loadOperation({
  name: 'x',
  method: 'POST',
  path: '/x',
  effects: 'write',
  scope: 'environment',
  ids: 'body.spec.project_id:project:target body.rules.*.droplet_ids:droplet:target',
})

const idsOf = (body: JsonObject): readonly string[] =>
  idsIn({ body }, operation).map(({ kind, id }) => `${kind}:${id}`)

const loose: readonly [JsonObject, string][] = [
  [{ spec: { Project_ID: 'p' } }, 'project:p'],
  [{ spec: { projectId: 'p' } }, 'project:p'],
  [{ ſpec: { project_id: 'p' } }, 'project:p'],
  [{ spec: [{ project_id: 'p' }] }, 'project:p'],
  [{ spec: { project_id: 'own', PROJECT_ID: 'p' } }, 'project:p'],
  [{ rules: { droplet_ids: ['1'] } }, 'droplet:1'],
  [{ rules: [[{ droplet_ids: '1' }]] }, 'droplet:1'],
]

test('an id is found under every spelling of its member', () => {
  for (const [body, found] of loose) assert.ok(idsOf(body).includes(found), JSON.stringify(body))
  assert.deepEqual(idsOf({ spec: { project_id: 'p', projects_id: 'q', id: 'r' } }), ['project:p'])
})

test('a condition holds under every spelling of its member', () => {
  const project = { path: 'body.spec.project_id' }
  const droplets = { path: 'body.rules.*.droplet_ids' }
  for (const [body, found] of loose) {
    const test = found.startsWith('project') ? project : droplets
    assert.ok(mayHold(test, { body }), JSON.stringify(body))
  }
  assert.ok(!mayHold(project, { body: { spec: { id: 'p' } } }))
  assert.ok(!mayHold(droplets, { body: { rules: {} } }))
})

test('a constraint is met by its own member alone, and not beside another that may be taken for it', () => {
  const small = { path: 'body.spec.plan_size', equals: 'small' }
  const meets = (spec: JsonObject) => surelyHolds(small, { body: { spec } })
  assert.ok(meets({ plan_size: 'small', plan: 'big' }))
  assert.ok(!meets({ plan_size: 'small', Plan_Size: 'big' }))
  assert.ok(!meets({ plan_size: 'small', planSize: 'big' }))
  assert.ok(!meets({ PLAN_SIZE: 'small' }))
})
