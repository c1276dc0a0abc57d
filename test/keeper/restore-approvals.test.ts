/** A restored backup never sends what was parked or approved before it. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { newId, type ApprovalId } from '../../src/ids.ts'
import { backupCommand } from '../../src/keeper/backup.ts'
import { restoreCommand } from '../../src/keeper/restore.ts'
import { openTestBroker } from '../support/broker.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { addVolume, idOf, openGated, removal } from '../support/gated.ts'
import { configFor, kekText, privateDirectory, recordingDesk } from '../support/keeper.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { railway, tokenRequest } from '../support/world.ts'

const held = 3_600

test('nothing that was open in a backup is sent by the broker that is restored from it', async (t) => {
  const key = randomBytes(32)
  const gated = await openGated(t, { key, terms: { hold_seconds: held } })
  const { broker, approver, granted, standIn } = gated
  const [pending = '', waiting = '', approved = '', sending = ''] = Array.from({ length: 4 }, () =>
    addVolume(standIn.world),
  )
  const ids = new Map<string, ApprovalId>()
  for (const volume of [pending, waiting, approved, sending])
    ids.set(volume, idOf(await gated.remove(volume)) as ApprovalId)
  const idFor = (volume: string) => ids.get(volume) ?? ('' as ApprovalId)
  for (const volume of [waiting, approved, sending]) await approver.approve(idFor(volume))
  // One that the agent may send at this moment, and one that somebody was sending when the backup was made.
  const { db } = broker.broker
  await db
    .updateTable('approval')
    .set({ state: 'approved', execute: 'agent', hold_seconds: 0, held_until: null })
    .where('id', '=', idFor(approved))
    .execute()
  await db
    .updateTable('approval')
    .set({
      state: 'sending',
      sent_by: newId('replica'),
      lease_until: new Date(Date.now() + 60_000),
    })
    .where('id', '=', idFor(sending))
    .execute()

  const path = join(await privateDirectory(t), 'valetkey.backup')
  await backupCommand(configFor(broker.connection, {}), [path], recordingDesk())
  const database = await createTestDatabase()
  t.after(() => database.drop())
  const desk = recordingDesk()
  await restoreCommand(configFor(database.connection, { VALETKEY_KEK: kekText(key) }), [path], desk)
  assert.match(desk.lines.join('\n'), /4 approvals were open in it and are stopped/)

  // Its clock is past the undo window: what it takes for held, it would send at once.
  const restored = await openTestBroker(undefined, {
    key,
    database: { connection: database.connection, drop: () => Promise.resolve() },
    existing: true,
    upstreams: { railway: standIn.origin },
    now: () => Date.now() + (held + 5) * 1000,
  })
  t.after(() => restored.close())
  const state = async (volume: string): Promise<unknown> =>
    (await restored.api<{ state: string }>('GET', `/v1/approvals/${idFor(volume)}`)).state
  assert.deepEqual(
    [await state(pending), await state(waiting), await state(approved), await state(sending)],
    ['cancelled', 'cancelled', 'cancelled', 'unknown'],
  )
  const { body } = await tokenRequest(restored.url, granted.agentId, granted.agentKey)
  const send = (volume: string) =>
    railway(restored.url, String(body['access_token']), removal(volume))
  const again = await send(approved)
  assert.equal(again.json['code'], 'approval_required', again.text)
  assert.notEqual(idOf(again), idFor(approved))
  assert.equal((await send(sending)).json['code'], 'approval_used')
  const steps = (await entries(restored)).filter(
    (entry) => entry.kind === 'approval' && (entry['actor'] as { id: string }).id === 'keeper',
  )
  assert.deepEqual(
    steps.map(({ result }) => String(result)).toSorted((a, b) => a.localeCompare(b)),
    ['cancelled', 'cancelled', 'cancelled', 'unknown'],
  )

  // The broker that the backup was made of sends it at that hour: it is the restored one that does not.
  assert.equal(gated.reached(waiting), 0)
  gated.clock.ahead = held + 5
  await until('the first broker has sent it', () =>
    gated.reached(waiting) === 1 ? true : undefined,
  )
  assert.deepEqual(
    [pending, waiting, approved, sending].map((volume) => gated.reached(volume)),
    [0, 1, 0, 0],
  )
})
