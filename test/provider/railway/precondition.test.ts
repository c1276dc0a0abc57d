import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Precondition } from '../../../src/core/precondition.ts'
import type { Ask } from '../../../src/provider/adapter.ts'
import { railwayCheck } from '../../../src/provider/railway/precondition.ts'
import { backedUpAt as now, worldWithBackups } from '../../support/railway-backups.ts'
import { asking, context, document, invocations } from '../../support/railway-verdict.ts'
import { railwayIds as ids } from '../../support/railway-world.ts'

const check = railwayCheck({ now: () => 0, date: () => now })
const deletion = (id: string) => `mutation { volumeDelete(volumeId: "${id}") }`
const day = 86_400
const independent: Precondition = { name: 'newest_independent_backup', maxAgeSeconds: day }
const surviving: Precondition = { name: 'newest_surviving_backup', maxAgeSeconds: day }

async function answer(
  precondition: Precondition,
  text: string,
  ask: Ask = asking(worldWithBackups()).ask,
  bound: readonly string[] = [ids.staging, ids.production],
): Promise<string> {
  const given = await check(precondition, invocations(document(text)), context(ask, bound))
  return `${given.result}: ${given.detail}`
}

test('a volume that is deleted has no independent backup and none that survives', async () => {
  assert.equal(
    await answer(independent, deletion(ids.volumeProduction)),
    'unmet: Railway names no backup of the volume "production-data" that is kept outside it.',
  )
  assert.equal(
    await answer(surviving, deletion(ids.volumeProduction)),
    'unmet: The backups of the volume "production-data" die with it.',
  )
})

test('the newest backup that stays must be young enough', async () => {
  const remove = (backup: string) =>
    `mutation { volumeInstanceBackupDelete(volumeInstanceId: "${ids.volumeInstanceProduction}", volumeInstanceBackupId: "${backup}") { workflowId } }`
  assert.match(await answer(surviving, remove('b1')), /^met: /)
  assert.match(await answer(surviving, remove('b2')), /^unmet: The newest backup .* is 30 h old\.$/)
  const older = { ...surviving, maxAgeSeconds: 2 * day }
  assert.match(await answer(older, remove('b2')), /^met: /)
  const all = `mutation { ${['b1', 'b2', 'b3'].map((id) => `${id}: volumeInstanceBackupDelete(volumeInstanceId: "${ids.volumeInstanceProduction}", volumeInstanceBackupId: "${id}") { workflowId }`).join(' ')} }`
  assert.match(await answer(older, all), /^unmet: No backup of the volume .* would be left\.$/)
})

test('a backup from the future proves nothing', async () => {
  const world = worldWithBackups()
  world.backups.set('b4', {
    id: 'b4',
    volumeInstanceId: ids.volumeInstanceProduction,
    name: 'tomorrow',
    createdAt: new Date(now + 24 * 3_600_000).toISOString(),
  })
  const text = `mutation { volumeInstanceBackupDelete(volumeInstanceId: "${ids.volumeInstanceProduction}", volumeInstanceBackupId: "b1") { workflowId } }`
  assert.match(await answer(surviving, text, asking(world).ask), /^unknown: .* dated in the future/)
})

test('an operation that does not say what it harms needs a backup of everything in its environments', async () => {
  const compose = `mutation { dockerComposeImport(projectId: "${ids.project}", environmentId: "${ids.production}", yaml: "") { errors } }`
  assert.match(await answer(surviving, compose), /^unknown: Railway does not say/)
  assert.match(await answer(independent, compose), /^unmet: /)
})

test('where no volume is at stake there is nothing to have a backup of', async () => {
  const text = `mutation { variableDelete(input: { projectId: "${ids.project}", environmentId: "${ids.staging}", serviceId: "${ids.service}", name: "X" }) }`
  for (const precondition of [independent, surviving])
    assert.match(await answer(precondition, text), /^met: /)
})

test('what could not be asked or is not listed is not known, so the precondition is not met', async () => {
  const lost: Ask = () => Promise.reject(new Error('connection lost'))
  for (const precondition of [independent, surviving]) {
    assert.match(await answer(precondition, deletion(ids.volumeProduction), lost), /^unknown: /)
    assert.match(
      await answer(precondition, deletion('71c0a4de-52f1-4b7e-8d3a-000000000000')),
      /^unknown: Railway does not list /,
    )
    assert.match(
      await answer(precondition, deletion(ids.volumeProduction), undefined, []),
      /^unknown: /,
    )
    assert.match(
      await answer(precondition, `mutation { environmentDelete(id: "${ids.otherEnvironment}") }`),
      /^unknown: /,
    )
  }
})

test('an operation whose data could not be listed, or that reaches no environment we know, is not without a stake', async () => {
  const text = `mutation { serviceDelete(id: "${ids.service}") }`
  const { ask } = asking(worldWithBackups())
  const withoutVolumes: Ask = (question) =>
    question.body?.toString().includes('volumes(') === true
      ? Promise.reject(new Error('connection lost'))
      : ask(question)
  assert.match(await answer(surviving, text, withoutVolumes), /^unknown: .* could not be asked/)
  assert.match(await answer(surviving, text, ask, []), /^unknown: No Railway environment is bound/)
})
