import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import {
  openAnswer,
  openRequest,
  sealAnswer,
  sealRequest,
  type ApprovalBinding,
} from '../../src/approval/sealed.ts'
import { consume, decide, finish } from '../../src/approval/step.ts'
import { readApproval } from '../../src/approval/store.ts'
import { requestDigest } from '../../src/core/approval.ts'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { readKekFile } from '../../src/vault/kek-file.ts'
import { createVault } from '../../src/vault/vault.ts'
import { configFor, privateDirectory, recordingDesk, writeKekFile } from '../support/keeper.ts'
import { createRowSealer } from '../../src/vault/row-sealer.ts'
import { minutes, no, noon, taking, useWorld } from './parked.ts'

const worldOf = useWorld()

test('a sealed request opens as it was asked, byte for byte, and stands nowhere in the clear', async () => {
  const world = worldOf()
  const body = Buffer.from([0, 255, 10, ...Buffer.from('canary-of-the-body')])
  const { request } = world.request({ body, target: '/canary-of-the-target?a=%20b' })
  const approval = await world.parked({ body, target: request.target })
  const opened = await openRequest(world.b, world.sealer, approval)
  assert.deepEqual(opened, request)
  const { rows } = await sql<{ row: string }>`select a::text as row from approval a`.execute(
    world.a,
  )
  const text = rows[0]?.row ?? ''
  assert.match(text, /volumeDelete/)
  for (const part of ['canary-of-the-body', 'canary-of-the-target'])
    for (const form of [
      part,
      Buffer.from(part).toString('hex'),
      Buffer.from(part).toString('base64').slice(0, -4),
    ])
      assert.ok(!text.includes(form), form)
})

test('whatever an agent asks comes back as the request of the same digest', async () => {
  const world = worldOf()
  const kept = createVault()
  kept.unlock(kekFromBytes(randomBytes(32)), 'file')
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        method: fc.string({ unit: 'binary' }),
        target: fc.string({ unit: 'binary' }),
        headers: fc.dictionary(fc.string(), fc.string({ unit: 'binary' })),
        body: fc.option(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          { nil: undefined },
        ),
      }),
      async (part) => {
        const plain = world.request()
        const request = { ...plain.request, ...part }
        const document = { ...plain.document, requestDigest: requestDigest(request) }
        const bindings: ApprovalBinding[] = []
        let plaintext: Buffer = Buffer.alloc(0)
        const sealer = {
          ...createRowSealer(kept),
          seal: (bytes: Buffer, binding: ApprovalBinding) => {
            bindings.push(binding)
            plaintext = Buffer.from(bytes)
            return createRowSealer(kept).seal(bytes, binding)
          },
        }
        await sealRequest(sealer, document, request)
        const { body, ...rest } = JSON.parse(plaintext.toString()) as { body?: string }
        const back = {
          ...request,
          ...rest,
          body: body === undefined ? body : Buffer.from(body, 'base64'),
        }
        assert.equal(requestDigest(back), document.requestDigest)
        assert.deepEqual(bindings, [
          {
            table: 'approval',
            id: document.id,
            provider: 'railway',
            environment: world.environmentId,
            version: 1,
          },
        ])
      },
    ),
    { numRuns: 50 },
  )
})

test('no request is sealed under a document that is about another', async () => {
  const world = worldOf()
  const { request, document } = world.request()
  const other = await world.newAsker()
  const wrong = [
    { ...document, requestDigest: '0'.repeat(64) },
    { ...document, agent: { ...document.agent, id: other.agentId } },
    { ...document, actors: [{ id: other.agentId, name: 'other' }] },
    { ...document, grantId: other.grantId },
    { ...document, environment: { ...document.environment, id: 'env_other' as never } },
    { ...document, provider: 'github' },
  ]
  for (const each of wrong)
    await assert.rejects(sealRequest(world.sealer, each, request), RangeError)
  await sealRequest(world.sealer, document, request)
})

test('a sealed request moved into another row, or bound to another version, does not open', async () => {
  const world = worldOf()
  const one = await world.parked({ target: '/1' })
  const two = await world.parked({ target: '/2' })
  assert.ok(await openRequest(world.a, world.sealer, two))
  const other = { ...one, credential: { ...one.credential, version: 2 } }
  assert.equal(await openRequest(world.a, world.sealer, other), undefined)
  assert.equal(await openRequest(world.a, world.sealer, { ...one, provider: 'github' }), undefined)
  const elsewhere = { ...one, environmentId: 'env_other' as never }
  assert.equal(await openRequest(world.a, world.sealer, elsewhere), undefined)
  await sql`
    update approval set sealed_request = (select sealed_request from approval where id = ${one.id})
    where id = ${two.id}
  `.execute(world.a)
  assert.equal(await openRequest(world.a, world.sealer, two), undefined)
})

test('a request opens only where the document that was signed is about it', async () => {
  const world = worldOf()
  const approval = await world.parked()
  const document = { ...approval.document, requestDigest: '0'.repeat(64) }
  assert.equal(await openRequest(world.a, world.sealer, { ...approval, document }), undefined)
})

test('an answer never passes for a request, nor a request for an answer', async () => {
  const world = worldOf()
  const approval = await world.approved()
  const [replicaId] = world.replicas
  await sql`update approval set sealed_answer = sealed_request`.execute(world.a)
  assert.equal(await openAnswer(world.a, world.sealer, approval), undefined)
  await world.within((tx) => consume(tx, taking(approval, replicaId), world.record))
  const answer = await sealAnswer(world.sealer, approval, Buffer.from('{}'))
  const end = { id: approval.id, replicaId, outcome: 'done', answer } as const
  await world.within((tx) =>
    finish(tx, { ...end, standsUntil: noon + minutes, now: noon }, world.record),
  )
  assert.equal((await openAnswer(world.a, world.sealer, approval))?.toString(), '{}')
})

test('another key-encryption key opens what was parked and what was answered, and what is over holds none back', async (t) => {
  const world = worldOf()
  const [replicaId] = world.replicas
  const waiting = await world.parked({ target: '/waiting' })
  const answered = await world.approved({ target: '/answered' })
  await world.within((tx) => consume(tx, taking(answered, replicaId), world.record))
  const answer = await sealAnswer(world.sealer, answered, Buffer.from('the answer'))
  await world.within((tx) =>
    finish(
      tx,
      {
        id: answered.id,
        replicaId,
        outcome: 'done',
        answer,
        standsUntil: noon + minutes,
        now: noon,
      },
      world.record,
    ),
  )
  const denied = await world.parked({ target: '/denied' })
  await world.within((tx) => decide(tx, no(denied.id, world.people[0]), world.record))

  const file = join(await privateDirectory(t), 'kek')
  await writeKekFile(file, world.key)
  const config = configFor(world.connection, { VALETKEY_KEK_FILE: file })
  const desk = recordingDesk()
  await rewrapCommand(config, [], desk)
  // The credential, the request and the answer.
  assert.match(desk.lines[0] ?? '', /^3 sealed values/)

  const read = await readKekFile(file)
  assert.ok(read.ok)
  const vault = createVault()
  vault.unlock(read.kek, 'file')
  const fresh = createRowSealer(vault)
  assert.ok(await openRequest(world.a, fresh, waiting))
  assert.equal((await openAnswer(world.a, fresh, answered))?.toString(), 'the answer')
  assert.equal(await openRequest(world.a, world.sealer, waiting), undefined)
  assert.equal((await readApproval(world.a, denied.id))?.state, 'denied')

  // And nothing changes where one does not unwrap.
  await sql`
      update approval set sealed_request = set_byte(sealed_request, 70, get_byte(sealed_request, 70) # 1)
      where id = ${waiting.id}
    `.execute(world.a)
  const rows = () => sql`select kek_id, sealed_answer from approval order by id`.execute(world.a)
  const before = await rows()
  await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
    name: 'StartError',
    message: new RegExp(`approval ${waiting.id}.*tampered`),
  })
  assert.deepEqual((await rows()).rows, before.rows)
})
