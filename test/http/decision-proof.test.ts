import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { FastifyRequest } from 'fastify'
import type { ProofRefusal } from '../../src/approval/proof.ts'
import { signInRecord } from '../../src/directory/operator.ts'
import { proofOf, refusedProof } from '../../src/http/decision-proof.ts'
import { newId } from '../../src/ids.ts'
import { Problem } from '../../src/problem.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { openTestBroker } from '../support/broker.ts'

test('a decision is proven by exactly one thing', () => {
  const assertion = createAuthenticator({ origin: 'http://localhost:8474' }).assert({
    challenge: 'AAAA',
  })
  assert.deepEqual(proofOf({ assertion }), { kind: 'passkey', assertion })
  assert.deepEqual(proofOf({ code: '123456' }), { kind: 'one_time_code', code: '123456' })
  for (const body of [{}, { assertion, code: '123456' }])
    assert.throws(() => proofOf(body), { name: 'Problem', code: 'invalid_request' })
})

test('a refused proof is on record with what was wrong, which passkey, and about what', async (t) => {
  const { broker, admin } = await openTestBroker(t)
  const operator = await signInRecord(broker.db, { name: admin.name })
  assert.ok(operator !== undefined)
  const refuse = async (refusal: ProofRefusal) => {
    const id = newId('correlation')
    // All that is read of a request here.
    const request = {
      id,
      signedIn: { operator, via: 'cookie' },
      routeOptions: { config: { action: 'approval.decide' } },
    } as unknown as FastifyRequest
    const passkeyId = newId('passkey')
    const subject = newId('approval')
    const problem = await refusedProof(broker.deps, request, { refusal, passkeyId }, subject)
    const { canonical } = await broker.db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('correlation_id', '=', id)
      .executeTakeFirstOrThrow()
    const entry = JSON.parse(canonical) as Record<string, unknown>
    assert.equal(entry['result'], 'refused')
    assert.equal(entry['action'], 'approval.decide')
    assert.equal(entry['reason'], refusal)
    assert.equal(entry['subject'], subject)
    assert.deepEqual(entry['change'], { passkey: passkeyId })
    assert.ok(problem instanceof Problem)
    return problem
  }
  const copied = await refuse('counter_went_back')
  assert.equal(copied.code, 'forbidden')
  assert.match(copied.message, /copy/)
  assert.equal((await refuse('too_many_attempts')).code, 'rate_limited')
  assert.equal((await refuse('malformed')).code, 'invalid_request')
})
