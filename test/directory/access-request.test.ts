import { test } from 'node:test'
import assert from 'node:assert/strict'
import { answerWithin } from '../../src/core/access-request.ts'
import {
  expireAccessRequests,
  grantAskedUnder,
  readAccessRequest,
  settleAccessRequest,
} from '../../src/directory/access-request.ts'
import type { AccessRequestId, GrantId, OperatorId } from '../../src/ids.ts'
import { openAsking } from '../support/asking.ts'
import { entries } from '../support/stage.ts'

test('what nobody answered is expired once, and cannot be settled from the moment it was late', async (t) => {
  const { broker, approver, granted, asked } = await openAsking(t)
  const { db } = broker.broker
  const ids: AccessRequestId[] = []
  for (let i = 0; i < 2; i++)
    ids.push(
      (await asked({ verbs: ['volumeCreate'], duration_seconds: 60 + i })) as AccessRequestId,
    )
  const [id, other] = ids
  assert.ok(id !== undefined && other !== undefined)
  const settle = (now: number, by = approver.operatorId as OperatorId) =>
    db.transaction().execute((tx) => settleAccessRequest(tx, id, { by, now, granted: undefined }))
  const late = Date.now() + answerWithin
  assert.equal((await readAccessRequest(db, id, late))?.state, 'expired', 'before any sweep')
  assert.equal(await settle(late), false)
  assert.equal(await settle(Date.now()), true)
  assert.equal(await settle(Date.now()), false)

  const sweep = () => db.transaction().execute((tx) => expireAccessRequests(tx, late))
  await sweep()
  await sweep()
  const expired = (await entries(broker)).filter(
    (entry) => entry['action'] === 'access_request.expire',
  )
  assert.deepEqual(
    expired.map((entry) => entry['detail']),
    [other],
  )
  assert.equal((await readAccessRequest(db, id, late))?.state, 'denied')
  assert.equal(await grantAskedUnder(db, granted.grantId as GrantId), undefined)
})

test('the database itself lets nobody grant what they asked for, nor a request without its grant', async (t) => {
  const { broker, approver, granted, asked, grant } = await openAsking(t)
  const { db } = broker.broker
  const id = (await asked()) as AccessRequestId
  const set = (values: Record<string, unknown>) =>
    db.updateTable('access_request').set(values).where('id', '=', id).execute()
  await assert.rejects(
    set({ state: 'granted', settled_at: new Date(), settled_by: approver.operatorId }),
    /access_request_granted/,
  )
  await assert.rejects(set({ state: 'denied' }), /access_request_settled/)
  assert.equal((await grant(approver, id)).status, 200)
  await assert.rejects(set({ filed_by: approver.operatorId }), /access_request_two_people/)
  await assert.rejects(set({ granted_id: granted.grantId }), /access_request_other/)
})
