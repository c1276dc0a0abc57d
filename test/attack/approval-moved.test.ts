/**
 * What a person approved for staging is moved to production before it is sent. The request is the same to the byte; what
 * it would do is not.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { addVolume, openGated } from '../support/gated.ts'
import { until } from '../support/until.ts'

for (const [where, move] of [
  ['to another environment', 'moved'],
  ['to another as well', 'copied'],
] as const)
  test(`an object that was brought ${where} after it was approved is not touched`, async (t) => {
    const { other, standIn, approved, remove, reached, there } = await openGated(t)
    const { world } = standIn
    const volume = addVolume(world)
    await approved(volume)
    for (const [id, instance] of Array.from(world.volumeInstances))
      if (instance.volumeId === volume) {
        const elsewhere = { ...instance, environmentId: world.ids.production }
        if (move === 'moved') world.volumeInstances.set(id, elsewhere)
        else world.volumeInstances.set(`${id}-2`, { ...elsewhere, id: `${id}-2` })
      }
    for (const options of [{}, { url: other.url }, { headers: { prefer: 'wait=1' } }]) {
      const refused = await remove(volume, options)
      assert.deepEqual([refused.status, refused.json['code']], [403, 'environment_outside'])
    }
    assert.deepEqual([reached(volume), there(volume)], [0, true])
  })

test('nor one that was moved while a call that asked for it was held open', async (t) => {
  const { broker, approver, standIn, granted, remove, reached, there } = await openGated(t)
  const { world } = standIn
  const volume = addVolume(world)
  const call = remove(volume, { headers: { prefer: 'wait=60' } })
  const id = await until('it is parked', async () => {
    const path = `/v1/approvals?agent=${granted.agentId}`
    return (await broker.api<{ items: { id: string }[] }>('GET', path)).items[0]?.id
  })
  for (const [key, instance] of Array.from(world.volumeInstances))
    if (instance.volumeId === volume)
      world.volumeInstances.set(key, { ...instance, environmentId: world.ids.production })
  await approver.approve(id)
  const refused = await call
  assert.deepEqual([refused.status, refused.json['code']], [403, 'environment_outside'])
  assert.deepEqual([reached(volume), there(volume)], [0, true])
})
