/** A world whose production volume has three backups, as they are at one moment. */
import assert from 'node:assert/strict'
import { railwayIds as ids, railwayWorld, type RailwayWorld } from './railway-world.ts'

const hour = 3_600_000
/** Milliseconds since the epoch; the newest backup is three hours old. */
export const backedUpAt = Date.parse('2026-06-01T12:00:00.000Z')

export function worldWithBackups(): RailwayWorld {
  const world = railwayWorld()
  const { volumeInstanceProduction: volumeInstanceId } = ids
  const add = (id: string, name: string | null, age: number, usedMB: number) =>
    world.backups.set(id, {
      id,
      volumeInstanceId,
      name,
      createdAt: new Date(backedUpAt - age).toISOString(),
      usedMB,
    })
  add('b1', 'Monday', 80 * hour, 900)
  add('b2', 'Wednesday', 3 * hour, 1_200)
  add('b3', null, 30 * hour, 1_000)
  world.backupSchedules.set(volumeInstanceId, ['DAILY', 'WEEKLY'])
  const instance = world.volumeInstances.get(volumeInstanceId)
  assert.ok(instance)
  world.volumeInstances.set(volumeInstanceId, { ...instance, usedMB: 41_250.5, sizeMB: 50_000 })
  return world
}
