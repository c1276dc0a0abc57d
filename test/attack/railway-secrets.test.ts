/** Secrets read through what looks like any other read, and environments left by following the graph. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asking, document, verdict } from '../support/railway-verdict.ts'
import { railwayIds as ids, railwayWorld } from '../support/railway-world.ts'

const reads = async (text: string) =>
  (await verdict(document(text), ['read'], [ids.staging], asking(railwayWorld()))).kind

test('a capability of plain reads reads', async () => {
  assert.equal(
    await reads(
      `{ environment(id: "${ids.staging}") { name deployments(first: 1) { edges { node { status service { name project { name } } } } } } }`,
    ),
    'allow',
  )
})

test('variables, keys and invitations are not plain reads, by whatever way they are reached', async () => {
  const own = `environmentId: "${ids.staging}", projectId: "${ids.project}"`
  for (const text of [
    `{ variables(${own}) }`,
    `{ variablesForServiceDeployment(${own}, serviceId: "${ids.service}") }`,
    `{ bucketS3Credentials(bucketId: "${ids.bucket}", ${own}) { accessKeyId } }`,
    `{ projectInviteCode(projectId: "${ids.project}", role: ADMIN) { id } }`,
    `{ environment(id: "${ids.staging}") { config(decryptVariables: true) } }`,
    `{ environment(id: "${ids.staging}") { x: config } }`,
    `{ environment(id: "${ids.staging}") { variables { edges { node { name } } } } }`,
    `{ environment(id: "${ids.staging}") { ... on Node { ... on Environment { config } } } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { meta } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { ...D } } fragment D on Deployment { environment { ...E } } fragment E on Environment { config }`,
    `{ deploymentSnapshot(deploymentId: "${ids.deploymentStaging}") { variables } }`,
    `{ environmentStagedChanges(environmentId: "${ids.staging}") { patch(decryptVariables: true) } }`,
  ])
    assert.equal(await reads(text), 'deny', text)
})

test('no way through the graph leads out of the environment', async () => {
  for (const text of [
    `{ environment(id: "${ids.production}") { id } }`,
    `{ a: environment(id: "${ids.staging}") { id } b: environment(id: "${ids.production}") { id } }`,
    `{ deployment(id: "${ids.deploymentProduction}") { id } }`,
    `{ project(id: "${ids.project}") { environments { edges { node { name } } } } }`,
    `{ project(id: "${ids.project}") { name } }`,
    `{ projectsByIds(ids: ["${ids.project}"]) { name } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { service { deployments { edges { node { id } } } } } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { service { project { volumes { edges { node { id } } } } } } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { service { project { baseEnvironment { id } } } } }`,
    `{ deployment(id: "${ids.deploymentStaging}") { service { project { workspace { id } } } } }`,
    `{ environment(id: "${ids.staging}") { sourceEnvironment { name } } }`,
    `{ canvasViewMergePreview(sourceEnvironmentId: "${ids.production}", targetEnvironmentId: "${ids.staging}") { __typename } }`,
    '{ me { email } }',
    '{ projects { edges { node { id } } } }',
  ])
    assert.equal(await reads(text), 'deny', text)
})
