/** Whoever reaches the unseal endpoint sends many guesses at once, to try them all or to make argon2 take the machine. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUnsealGate } from '../../src/vault/kek-gate.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

const right = 'correct horse'
type Result = { readonly ok: true } | { readonly ok: false; readonly reason: 'wrong' }
const check = (passphrase: SecretText): Result =>
  passphrase.reveal() === right ? { ok: true } : { ok: false, reason: 'wrong' }

test('of a flood of attempts one is tried and the others are told that it is busy', async () => {
  let running = 0
  let tried = 0
  const attempt = Promise.withResolvers<void>()
  const gate = createUnsealGate(
    async (passphrase) => {
      assert.equal(++running, 1)
      tried++
      await attempt.promise
      running--
      return check(passphrase)
    },
    { sleep: () => Promise.resolve() },
  )
  const answers = Array.from({ length: 100 }, (_, n) => gate(SecretText.of(`guess ${n}`)))
  for (const answer of answers.slice(1))
    assert.deepEqual(await answer, { ok: false, reason: 'busy' })
  attempt.resolve()
  assert.deepEqual(await answers[0], { ok: false, reason: 'wrong' })
  assert.equal(tried, 1)
  assert.deepEqual(await gate(SecretText.of(right)), { ok: true })
})

test('guesses come slower and slower, up to a bound, and a success starts anew', async () => {
  const slept: number[] = []
  const gate = createUnsealGate((passphrase: SecretText) => Promise.resolve(check(passphrase)), {
    sleep: (milliseconds) => Promise.resolve(void slept.push(milliseconds)),
  })
  for (let n = 0; n < 40; n++) await gate(SecretText.of('wrong'))
  assert.deepEqual(slept.slice(0, 6), [250, 500, 1000, 2000, 4000, 4000])
  assert.ok(slept.every((milliseconds) => milliseconds <= 4000))
  assert.deepEqual(await gate(SecretText.of(right)), { ok: true })
  assert.equal(slept.length, 40)
  await gate(SecretText.of('wrong'))
  assert.equal(slept.at(-1), 250)
})

test('while a wrong guess is being waited out no other is tried, not even the right one', async () => {
  const waiting = Promise.withResolvers<void>()
  const asleep = Promise.withResolvers<void>()
  const gate = createUnsealGate((passphrase: SecretText) => Promise.resolve(check(passphrase)), {
    sleep: () => {
      asleep.resolve()
      return waiting.promise
    },
  })
  const first = gate(SecretText.of('wrong'))
  await asleep.promise
  assert.deepEqual(await gate(SecretText.of(right)), { ok: false, reason: 'busy' })
  waiting.resolve()
  assert.deepEqual(await first, { ok: false, reason: 'wrong' })
})

test('an attempt that throws does not close the gate', async () => {
  let broken = true
  const gate = createUnsealGate(
    (passphrase: SecretText) =>
      broken
        ? Promise.reject(new Error('the database is away'))
        : Promise.resolve(check(passphrase)),
    { sleep: () => Promise.resolve() },
  )
  await assert.rejects(gate(SecretText.of(right)), /away/)
  broken = false
  assert.deepEqual(await gate(SecretText.of(right)), { ok: true })
})
