import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Effect } from '../../../src/core/operation.ts'
import { adapter, document, invocations, refusal } from '../../support/railway-verdict.ts'

/** One document, the one operation it is, all of its effects, and the ids it names. */
const cases: readonly [
  what: string,
  document: string,
  operation: string,
  effects: readonly Effect[],
  ids: readonly string[],
][] = [
  [
    'deleting a volume',
    'mutation { volumeDelete(volumeId: "v") }',
    'volumeDelete',
    ['write', 'destructive'],
    ['target volume v'],
  ],
  [
    'updating a volume in one environment',
    'mutation { volumeInstanceUpdate(volumeId: "v", environmentId: "e", input: { serviceId: "s", mountPath: "/" }) }',
    'volumeInstanceUpdate',
    ['write'],
    ['container volume v', 'environment environment e', 'container service s'],
  ],
  [
    'updating a volume everywhere',
    'mutation { volumeInstanceUpdate(volumeId: "v", input: { serviceId: "s" }) }',
    'volumeInstanceUpdate',
    ['write'],
    ['container volume v', 'container service s'],
  ],
  [
    'setting the state of a volume',
    'mutation { volumeInstanceUpdate(volumeId: "v", environmentId: "e", input: { serviceId: "s", state: DELETED }) }',
    'volumeInstanceUpdate',
    ['write', 'destructive'],
    ['container volume v', 'environment environment e', 'container service s'],
  ],
  [
    'an update that disconnects a volume',
    'mutation { volumeInstanceUpdate(volumeId: "v", environmentId: "e", input: { mountPath: "/" }) }',
    'volumeInstanceUpdate',
    ['write', 'destructive'],
    ['container volume v', 'environment environment e'],
  ],
  [
    'a patch that deletes',
    'mutation { environmentPatchCommit(environmentId: "e", patch: { volumes: { v: { isDeleted: true } } }) }',
    'environmentPatchCommit',
    ['write', 'destructive'],
    ['environment environment e', 'target volume v'],
  ],
  [
    'a patch that changes',
    'mutation { environmentPatchCommit(environmentId: "e", patch: { services: { s: { deploy: { numReplicas: 2 } } } }) }',
    'environmentPatchCommit',
    ['write'],
    ['environment environment e', 'container service s'],
  ],
  [
    'committing what is staged',
    'mutation { environmentPatchCommitStaged(environmentId: "e") }',
    'environmentPatchCommitStaged',
    ['write', 'destructive'],
    ['environment environment e'],
  ],
  [
    'staging over what others staged',
    'mutation { environmentStageChanges(environmentId: "e", input: {}) { id } }',
    'environmentStageChanges',
    ['write', 'destructive'],
    ['environment environment e'],
  ],
  [
    'staging beside what others staged',
    'mutation { environmentStageChanges(environmentId: "e", input: {}, merge: true) { id } }',
    'environmentStageChanges',
    ['write'],
    ['environment environment e'],
  ],
  [
    'a change set',
    'mutation { environmentApplyChangeSet(environmentId: "e", input: {}) { id } }',
    'environmentApplyChangeSet',
    ['write', 'destructive'],
    ['environment environment e'],
  ],
  [
    'a compose file',
    'mutation { dockerComposeImport(environmentId: "e", projectId: "p", yaml: "") { errors } }',
    'dockerComposeImport',
    ['write', 'destructive'],
    ['environment environment e', 'container project p'],
  ],
  [
    'replacing variables',
    'mutation { variableCollectionUpsert(input: { environmentId: "e", projectId: "p", replace: true, variables: {} }) }',
    'variableCollectionUpsert',
    ['write', 'destructive'],
    ['environment environment e', 'container project p'],
  ],
  [
    'adding variables',
    'mutation { variableCollectionUpsert(input: { environmentId: "e", projectId: "p", variables: {} }) }',
    'variableCollectionUpsert',
    ['write'],
    ['environment environment e', 'container project p'],
  ],
  [
    'deleting a variable',
    'mutation { variableDelete(input: { environmentId: "e", projectId: "p", name: "A" }) }',
    'variableDelete',
    ['write', 'destructive'],
    ['environment environment e', 'container project p'],
  ],
  [
    'reading variables',
    'query { variables(environmentId: "e", projectId: "p") }',
    'variables',
    ['read', 'secret'],
    ['environment environment e', 'container project p'],
  ],
  [
    'reading the keys of a bucket',
    'query { bucketS3Credentials(bucketId: "b", environmentId: "e", projectId: "p") { endpoint } }',
    'bucketS3Credentials',
    ['read', 'secret'],
    ['container bucket b', 'environment environment e', 'container project p'],
  ],
  [
    'reading the configuration',
    'query { environment(id: "e") { config } }',
    'environment',
    ['read', 'secret'],
    ['environment environment e'],
  ],
  [
    'reading configuration through a deployment',
    'query { deployment(id: "d") { environment { ... on Environment { c: config(decryptVariables: false) } } } }',
    'query:deployment',
    ['read', 'secret'],
    ['target deployment d'],
  ],
  [
    'minting a token',
    'mutation { projectTokenCreate(input: { projectId: "p", environmentId: "e", name: "n" }) }',
    'projectTokenCreate',
    ['write', 'secret', 'admin'],
    ['environment environment e', 'container project p'],
  ],
  [
    'opening a shell',
    'mutation { generateShellToken(input: { environmentId: "e", instanceId: "i", scope: "s" }) }',
    'generateShellToken',
    ['write', 'destructive', 'secret', 'admin'],
    ['environment environment e', 'target instance i'],
  ],
  [
    'copying an environment',
    'mutation { environmentCreate(input: { projectId: "p", name: "n", sourceEnvironmentId: "e" }) { id } }',
    'environmentCreate',
    ['write'],
    ['target project p', 'environment environment e'],
  ],
  [
    'merging one canvas into another',
    'mutation { canvasViewMerge(sourceEnvironmentId: "e", targetEnvironmentId: "f") }',
    'canvasViewMerge',
    ['write', 'destructive'],
    ['environment environment e', 'environment environment f'],
  ],
  [
    'previewing that merge',
    'query { canvasViewMergePreview(sourceEnvironmentId: "e", targetEnvironmentId: "f") { __typename } }',
    'canvasViewMergePreview',
    ['read'],
    ['environment environment e', 'environment environment f'],
  ],
  [
    'running a command',
    'mutation { sandboxExec(environmentId: "e", id: "s", command: "env") { stdout } }',
    'sandboxExec',
    ['write', 'destructive', 'secret'],
    ['environment environment e', 'target sandbox s'],
  ],
  [
    'a sandbox with variables',
    'mutation { sandboxCreate(input: { environmentId: "e", variables: { A: "${{shared.A}}" } }) { id } }',
    'sandboxCreate',
    ['write', 'secret'],
    ['environment environment e'],
  ],
  [
    'deleting a service in one environment, which is all of them',
    'mutation { serviceDelete(id: "s", environmentId: "e") }',
    'serviceDelete',
    ['write', 'destructive'],
    ['target service s', 'environment environment e'],
  ],
  [
    'one egress',
    'mutation { egressGatewayAssociationsClear(input: { serviceId: "s", environmentId: "e" }) }',
    'egressGatewayAssociationsClear',
    ['write', 'destructive'],
    ['environment environment e', 'container service s'],
  ],
  [
    'egress everywhere',
    'mutation { egressGatewayAssociationsClear(input: { serviceId: "s", environmentId: "e", allEnvironments: true }) }',
    'egressGatewayAssociationsClear',
    ['write', 'destructive'],
    ['environment environment e', 'target service s'],
  ],
  [
    'wiping beside a restore',
    'mutation { volumeInstanceBackupRestore(volumeInstanceBackupId: "b", volumeInstanceId: "v", wipeServiceIds: ["s", "t"]) { workflowId } }',
    'volumeInstanceBackupRestore',
    ['write', 'destructive'],
    ['target backup b', 'target volumeInstance v', 'target service s', 'target service t'],
  ],
  [
    'making a project public',
    'mutation { projectUpdate(id: "p", input: { isPublic: true }) { id } }',
    'projectUpdate',
    ['write', 'admin'],
    ['target project p'],
  ],
  [
    'the status of a change set',
    'query { environmentChangeSetApply(environmentId: "e", id: "c") { status } }',
    'environmentChangeSetApply',
    ['read'],
    ['environment environment e', 'target changeSetApply c'],
  ],
]

for (const [what, text, operation, effects, ids] of cases) {
  test(`${what} is ${operation} and ${effects.join(', ')}`, () => {
    const [invocation, ...more] = invocations(document(text))
    assert.ok(invocation)
    assert.equal(more.length, 0)
    assert.equal(invocation.operation, operation)
    assert.deepEqual(
      [...new Set([...invocation.effects, ...invocation.added])].toSorted(),
      effects.toSorted(),
    )
    assert.deepEqual(
      invocation.resources.map(({ role, kind, id }) => `${role} ${kind} ${id}`).toSorted(),
      ids.toSorted(),
    )
  })
}

test('selecting what is outside of the environment is said, edge by edge', () => {
  const [invocation] = invocations(
    document(
      '{ deployment(id: "d") { service { project { environments { edges { node { id } } } } } } }',
    ),
  )
  assert.deepEqual(invocation?.widens, [
    'Project.environments reaches what is outside of the environment.',
  ])
  const [shallow] = invocations(
    document('{ deployment(id: "d") { service { project { name } } } }'),
  )
  assert.deepEqual(shallow?.widens, [])
})

test('what ships denied is refused by name', () => {
  assert.match(
    refusal(document('mutation { pluginDelete(id: "p") }')),
    /^operation_unknown: pluginDelete is always refused/,
  )
})

test('a minted credential is found where the answer puts it', () => {
  const [token] = invocations(
    document(
      'mutation { t: projectTokenCreate(input: { projectId: "p", environmentId: "e", name: "n" }) }',
    ),
  )
  assert.ok(token)
  assert.deepEqual(adapter.minted?.(token), { paths: [['data', 't']] })
  const [keys] = invocations(
    document(
      'mutation { k: bucketCredentialsReset(bucketId: "b", environmentId: "e", projectId: "p") { ...K } } fragment K on BucketS3CompatibleCredentials { endpoint s: secretAccessKey accessKeyId }',
    ),
  )
  assert.ok(keys)
  assert.deepEqual(adapter.minted?.(keys), {
    paths: [
      ['data', 'k', 's'],
      ['data', 'k', 'accessKeyId'],
    ],
  })
  const [read] = invocations(document('{ environment(id: "e") { id } }'))
  assert.ok(read)
  assert.equal(adapter.minted?.(read), undefined)
})
