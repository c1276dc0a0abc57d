/**
 * Somebody who can write the database, but holds no approver's passkey, marks what they want as approved. What a person
 * signed is looked at again when a request is taken, by whoever is about to send it, so that none of it leaves.
 */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { passkeyEvidence, type PasskeyEvidence } from '../../src/approval/evidence.ts'
import type { StoredDecision } from '../../src/approval/store.ts'
import type { ApprovalDocument, ApproverRule } from '../../src/core/approval.ts'
import { decisionDigest } from '../../src/core/decision.ts'
import { canonicalize } from '../../src/core/canonical.ts'
import { newId, type ApprovalId, type OperatorId } from '../../src/ids.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { openApprover, type Approver } from '../support/approver.ts'
import { testPublicUrl } from '../support/browser.ts'
import {
  addVolume,
  gatedGrant,
  idOf,
  openGated,
  ownedBy,
  removal,
  type Gated,
} from '../support/gated.ts'
import { grantOn, railway, type Answer, type Granted } from '../support/world.ts'

let gated: Gated
let second: Approver
before(async () => {
  gated = await openGated(undefined)
  second = await openApprover(gated.broker, 'grace')
})
after(() => (gated as Gated | undefined)?.close())

type Row = {
  readonly id: ApprovalId
  readonly document: ApprovalDocument
  readonly decisions: readonly StoredDecision[]
}

type Forged = {
  readonly document?: ApprovalDocument
  readonly decisions?: readonly unknown[]
  readonly rule?: ApproverRule
  readonly request_digest?: string
  readonly [column: string]: unknown
}

type Asked = {
  readonly granted: Granted
  readonly volume: string
  readonly id: ApprovalId
  readonly send: () => Promise<Answer>
}

/** Asks for the removal of a volume of its own under a grant with these terms. */
async function asked(terms: Record<string, unknown>, owners?: readonly Approver[]): Promise<Asked> {
  const { broker, approver, standIn } = gated
  const granted = await grantOn(broker, gatedGrant({ approval_terms: terms }))
  await ownedBy(broker, granted, ...(owners ?? [approver]))
  const volume = addVolume(standIn.world)
  const send = async () => railway(broker.url, await granted.token(), removal(volume))
  return { granted, volume, send, id: idOf(await send()) as ApprovalId }
}

async function rowOf(id: ApprovalId): Promise<Row> {
  const { document, evidence } = await gated.broker.broker.db
    .selectFrom('approval')
    .select(['document', 'evidence'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return {
    id,
    document: JSON.parse(document) as ApprovalDocument,
    decisions: evidence.map((text) => JSON.parse(text) as StoredDecision),
  }
}

/** As the database's owner writes it: approved, by the first approver, and good for ten minutes. */
async function forge(id: ApprovalId, { document, decisions, ...columns }: Forged): Promise<void> {
  const soon = new Date(Date.now() + gated.clock.ahead * 1000 + 600_000)
  await gated.broker.broker.db
    .updateTable('approval')
    .set({
      state: 'approved',
      approved_by: [gated.approver.browser.operatorId],
      settled_at: new Date(),
      usable_until: soon,
      ended_at: null,
      stands_until: null,
      denied_by: null,
      ...(document === undefined ? {} : { document: canonicalize(document as never) }),
      ...(decisions === undefined
        ? {}
        : { evidence: decisions.map((each) => canonicalize(each as never)) }),
      ...columns,
    })
    .where('id', '=', id)
    .execute()
}

/** What the forger's own authenticator makes of a document, in the approver's name. */
function signedByForger({ document }: Row): StoredDecision {
  const approver = { id: gated.approver.browser.operatorId as OperatorId, name: 'ada' }
  const authenticator = createAuthenticator({ origin: testPublicUrl })
  const challenge = decisionDigest(document, 'approve', approver.id).toString('base64url')
  const decidedAt = document.requestedAt + 1
  const { credentialId, publicKey } = authenticator
  const evidence = passkeyEvidence(
    { document, decision: 'approve', approver, decidedAt, publicUrl: testPublicUrl },
    {
      id: newId('passkey'),
      credentialId,
      publicKey,
      algorithm: 'ES256',
      counter: 0,
      synced: false,
      createdAt: new Date(0),
    },
    authenticator.assert({ challenge }),
  )
  return {
    approverId: approver.id,
    decision: 'approve',
    at: decidedAt,
    evidence,
  }
}

/** A real yes of the approver, to another request of the same agent. */
async function realYes({ granted }: Asked): Promise<readonly StoredDecision[]> {
  const { broker, approver, standIn } = gated
  const volume = addVolume(standIn.world)
  const id = idOf(await railway(broker.url, await granted.token(), removal(volume))) as ApprovalId
  await approver.approve(id)
  return (await rowOf(id)).decisions
}

const change = (decision: StoredDecision, changes: Record<string, unknown>) => ({
  ...decision,
  evidence: { ...(decision.evidence as unknown as PasskeyEvidence), ...changes },
})

const forgeries: readonly {
  readonly what: string
  readonly says: RegExp
  readonly terms?: Record<string, unknown>
  /** What is done honestly before. */
  readonly first?: (asked: Asked) => Promise<unknown>
  readonly forged: (row: Row, asked: Asked) => Forged | Promise<Forged>
}[] = [
  {
    what: 'no decision at all',
    says: /no decision about it is proven/,
    forged: () => ({}),
  },
  {
    what: 'a decision by a passkey that nobody registered',
    says: /evidence .* does not hold/,
    forged: (row) => ({ decisions: [signedByForger(row)] }),
  },
  {
    what: 'a registered passkey named, whose key it is not',
    says: /evidence .* does not hold/,
    async forged(row, one) {
      const [yes] = await realYes(one)
      const forged = signedByForger(row)
      assert.ok(yes !== undefined)
      const { id, credentialId } = (yes.evidence as unknown as PasskeyEvidence).passkey
      const { passkey } = forged.evidence as unknown as PasskeyEvidence
      return { decisions: [change(forged, { passkey: { ...passkey, id, credentialId } })] }
    },
  },
  {
    what: 'a real yes to another request',
    says: /another document/,
    forged: async (_row, one) => ({ decisions: await realYes(one) }),
  },
  {
    what: 'a real yes to another request, with its document exchanged for this one',
    says: /evidence .* does not hold/,
    async forged({ document }, one) {
      const decisions = await realYes(one)
      return { decisions: decisions.map((each) => change(each, { document })) }
    },
  },
  {
    what: 'a no that was made a yes',
    says: /evidence .* does not hold/,
    first: ({ id }) => gated.approver.deny(id),
    forged: ({ decisions }) => ({
      decisions: decisions.map((each) => change(each, { decision: 'approve' })),
    }),
  },
  {
    what: 'a no that stays one, in a row that says approved',
    says: /somebody has denied it/,
    first: ({ id }) => gated.approver.deny(id),
    forged: () => ({}),
  },
  {
    what: 'one person where two are needed',
    says: /too few persons/,
    terms: { approver: 'two_persons' },
    first: ({ id }) => gated.approver.approve(id),
    forged: () => ({}),
  },
  {
    what: 'a rule that was weakened in the row',
    says: /became stricter/,
    terms: { approver: 'two_persons' },
    first: ({ id }) => gated.approver.approve(id),
    forged: () => ({ rule: 'anyone' }),
  },
  {
    what: 'the same person twice',
    says: /the same person has approved it twice/,
    terms: { approver: 'two_persons' },
    first: ({ id }) => gated.approver.approve(id),
    forged: ({ decisions }) => ({ decisions: [...decisions, ...decisions] }),
  },
  {
    what: 'a one-time code, where nobody switched those on',
    says: /a one-time code does not approve it/,
    forged(row) {
      const { approverId, decision, at, evidence } = signedByForger(row)
      const { document, approver, publicUrl } = evidence as unknown as PasskeyEvidence
      const made = { document, decision, approver, decidedAt: at, publicUrl }
      const code = { v: 1, kind: 'one_time_code', ...made, step: 1 }
      return { decisions: [{ approverId, decision, at, evidence: code }] }
    },
  },
  {
    what: 'facts that nobody was shown',
    says: /another document/,
    first: ({ id }) => gated.approver.approve(id),
    forged: ({ document }) => ({
      document: { ...document, facts: [{ label: 'Backups that die with it', value: '0' }] },
    }),
  },
]

for (const execute of ['agent', 'broker'] as const)
  for (const { what, says, terms, first, forged } of forgeries)
    test(`where the ${execute} sends: ${what}`, async () => {
      const one = await asked({ execute, ...terms }, [gated.approver, second])
      const { db } = gated.broker.broker
      const row = () => db.selectFrom('approval').where('id', '=', one.id)
      // What a denial forgets, who reads the database has kept.
      const sealed = await row().select(['sealed_request', 'kek_id']).executeTakeFirstOrThrow()
      // The broker takes what is approved within the second: what is honest comes to a row that it passes over.
      await db.updateTable('approval').set({ execute: 'agent' }).where('id', '=', one.id).execute()
      await first?.(one)
      await forge(one.id, { ...sealed, ...(await forged(await rowOf(one.id), one)), execute })
      if (execute === 'agent') {
        const answer = await one.send()
        // What was of older terms may have been cancelled before it came, and waits for people anew then.
        if (answer.json['code'] !== 'approval_required')
          assert.deepEqual([answer.status, answer.json['code']], [403, 'approval_denied'])
      }
      await gated.become(one.id, 'cancelled')
      const { cancel_reason } = await gated.read(one.id)
      assert.match(String(cancel_reason), says)
      assert.deepEqual([gated.reached(one.volume), gated.there(one.volume)], [0, true])
    })

test('an approval that ran out is not brought back by more time in its row', async () => {
  const one = await asked({})
  await gated.approver.approve(one.id)
  gated.clock.ahead += 301
  await forge(one.id, { expires_at: new Date(Date.now() + 900_000) })
  const answer = await one.send()
  assert.equal(answer.json['code'], 'approval_denied', answer.text)
  assert.match(String(answer.json['detail']), /the time for which it was approved is over/)
  assert.equal(gated.reached(one.volume), 0)
})

test('an undo window is not cut short by a row that says so, nor by handing it to the agent', async () => {
  const cut = await asked({ hold_seconds: 600 })
  await gated.approver.approve(cut.id)
  await forge(cut.id, { state: 'held', held_until: new Date(0), hold_seconds: 0 })
  await gated.become(cut.id, 'cancelled')
  assert.match(String((await gated.read(cut.id))['cancel_reason']), /undo window is not over/)
  const handed = await asked({ hold_seconds: 600 })
  await gated.approver.approve(handed.id)
  await forge(handed.id, { execute: 'agent', held_until: null, hold_seconds: 0 })
  const answer = await handed.send()
  assert.match(String(answer.json['detail']), /only the broker may send what is held/)
  assert.deepEqual([gated.reached(cut.volume), gated.reached(handed.volume)], [0, 0])
})

test('what was approved for one volume is not used for another by its digest in the row', async () => {
  const one = await asked({})
  await gated.approver.approve(one.id)
  const other = addVolume(gated.standIn.world)
  const send = async () => railway(gated.broker.url, await one.granted.token(), removal(other))
  const wanted = await rowOf(idOf(await send()) as ApprovalId)
  const { db } = gated.broker.broker
  await db.deleteFrom('approval').where('id', '=', wanted.id).execute()
  await forge(one.id, { request_digest: wanted.document.requestDigest })
  const answer = await send()
  assert.match(String(answer.json['detail']), /what was approved is another request/, answer.text)
  assert.deepEqual([gated.reached(other), gated.reached(one.volume)], [0, 0])
})

test('whoever approved must be an approver with that passkey still', async () => {
  for (const [roles, says] of [
    [['auditor'], /no approver any more/],
    [['approver'], /evidence .* does not hold/],
  ] as const) {
    const leaving = await openApprover(gated.broker, `leaving ${roles.join()}`)
    const one = await asked({}, [leaving])
    await leaving.approve(one.id)
    const { db } = gated.broker.broker
    const operatorId = leaving.browser.operatorId as OperatorId
    await db
      .updateTable('operator')
      .set({ roles: [...roles] })
      .where('id', '=', operatorId)
      .execute()
    if (roles[0] === 'approver')
      await db.deleteFrom('passkey').where('operator_id', '=', operatorId).execute()
    const answer = await one.send()
    assert.match(String(answer.json['detail']), says)
    assert.equal(gated.reached(one.volume), 0)
  }
})

test('what is honest goes through all of this, once', async () => {
  for (const terms of [
    {},
    { approver: 'two_persons' },
    { approver: 'two_persons', execute: 'broker' },
  ]) {
    const one = await asked(terms, [gated.approver, second])
    await gated.approver.approve(one.id)
    if ('approver' in terms) await second.approve(one.id)
    if ('execute' in terms) await gated.become(one.id, 'done')
    assert.equal((await one.send()).status, 200)
    assert.equal(gated.reached(one.volume), 1)
  }
})
