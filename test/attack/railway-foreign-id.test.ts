/** The id of another environment, in a nested input, in a list, in a payload, beside ids that are one's own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asking, document, verdict } from '../support/railway-verdict.ts'
import { railwayIds as ids, railwayWorld } from '../support/railway-world.ts'

/** A capability of every effect: only where it touches can stop it. */
const every = [
  'read+write+destructive+secret+admin',
  'write+destructive+secret+admin',
  'read+secret',
]

const decided = async (text: string, bound: readonly string[] = [ids.staging]) =>
  (await verdict(document(text), every, bound, asking(railwayWorld()))).kind

const patch = (config: string, environment = ids.staging): string =>
  `mutation { environmentPatchCommit(environmentId: "${environment}", patch: ${config}) }`
const key = (id: string): string => `k${id.replaceAll('-', '')}`

test('what is wholly in the environment is not refused for where it is', async () => {
  assert.equal(
    await decided(`mutation { volumeDelete(volumeId: "${ids.volumeStaging}") }`),
    'needs_approval',
  )
  assert.equal(
    await decided(`mutation { deploymentRestart(id: "${ids.deploymentStaging}") }`),
    'allow',
  )
  assert.equal(
    await decided(`mutation { volumeDelete(volumeId: "${ids.volumeShared}") }`, [
      ids.staging,
      ids.production,
    ]),
    'needs_approval',
  )
})

test('a foreign id is denied wherever it stands', async () => {
  const own = `environmentId: "${ids.staging}", projectId: "${ids.project}"`
  for (const text of [
    `mutation { volumeDelete(volumeId: "${ids.volumeProduction}") }`,
    `mutation { volumeDelete(volumeId: "${ids.volumeShared}") }`,
    `mutation { a: volumeDelete(volumeId: "${ids.volumeStaging}") b: volumeDelete(volumeId: "${ids.volumeProduction}") }`,
    `mutation { deploymentRestart(id: "${ids.deploymentProduction}") }`,
    `mutation { volumeInstanceUpdate(volumeId: "${ids.volumeStaging}", environmentId: "${ids.production}", input: {}) }`,
    `mutation { volumeInstanceUpdate(volumeId: "${ids.volumeShared}", input: {}) }`,
    `mutation { volumeInstanceUpdate(volumeId: "${ids.volumeStaging}", environmentId: "${ids.staging}", input: { serviceId: "${ids.otherService}" }) }`,
    `mutation { variableUpsert(input: { ${own}, serviceId: "${ids.otherService}", name: "A", value: "B" }) }`,
    `mutation { variableUpsert(input: { environmentId: "${ids.staging}", projectId: "${ids.otherProject}", name: "A", value: "B" }) }`,
    `mutation { sharedVariableConfigure(input: { ${own}, name: "A", enabledServiceIds: ["${ids.service}", "${ids.otherService}"], disabledServiceIds: [] }) { id } }`,
    `mutation { environmentCreate(input: { projectId: "${ids.project}", name: "x", sourceEnvironmentId: "${ids.production}" }) { id } }`,
    `mutation { environmentCreate(input: { projectId: "${ids.project}", name: "x", sourceEnvironmentId: "${ids.staging}" }) { id } }`,
    `mutation { canvasViewMerge(sourceEnvironmentId: "${ids.staging}", targetEnvironmentId: "${ids.production}") }`,
    `mutation { volumeInstanceBackupRestore(volumeInstanceBackupId: "${ids.backupStaging}", volumeInstanceId: "${ids.volumeInstanceStaging}", wipeServiceIds: ["${ids.service}"]) { workflowId } }`,
    `mutation { egressGatewayAssociationsClear(input: { serviceId: "${ids.service}", environmentId: "${ids.staging}", allEnvironments: true }) }`,
    `mutation { serviceDelete(id: "${ids.service}", environmentId: "${ids.staging}") }`,
    `mutation { environmentDelete(id: "${ids.staging}x") }`,
    `mutation { environmentDelete(id: "${ids.staging.toUpperCase()}") }`,
    `mutation { projectDelete(id: "${ids.project}") }`,
    `mutation { apiTokenCreate(input: { name: "x" }) }`,
  ])
    assert.equal(await decided(text), 'deny', text)
})

test('a patch of the own environment cannot name a volume of another', async () => {
  const commit = (id: string) =>
    verdict(
      document(
        'mutation M($p: EnvironmentConfig) { environmentPatchCommit(environmentId: "' +
          ids.staging +
          '", patch: $p) }',
        {
          p: { volumes: { [id]: { isDeleted: true } } },
        },
      ),
      every,
      [ids.staging],
      asking(railwayWorld()),
    )
  assert.equal((await commit(ids.volumeStaging)).kind, 'needs_approval')
  assert.equal((await commit(ids.volumeProduction)).kind, 'deny')
  assert.equal((await commit(ids.volumeShared)).kind, 'deny')
  assert.equal(
    await decided(patch(`{ volumes: { ${key(ids.volumeProduction)}: { isDeleted: true } } }`)),
    'deny',
  )
  assert.equal(await decided(patch('{}', ids.production)), 'deny')
})
