/** Strangers who make the broker compute argon2id, whose every run costs 64 MiB and tens of milliseconds. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { Problem } from '../../src/problem.ts'
import { createPasswords } from '../../src/http/password.ts'

const isLimited = (result: PromiseSettledResult<unknown>): boolean =>
  result.status === 'rejected' &&
  result.reason instanceof Problem &&
  result.reason.code === 'rate_limited'

test('a flood under invented names is computed one at a time, few may wait, and no name gets more guesses', async () => {
  const passwords = createPasswords(() => 0)
  const results = await Promise.allSettled(
    Array.from({ length: 10_020 }, (_, i) =>
      Promise.resolve().then(() => passwords.verify(`name ${String(i)}`, undefined, 'guess')),
    ),
  )
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 8)
  assert.equal(results.filter(isLimited).length, 10_012)
  // Nobody waits any more; the names beyond what is remembered share one ration, which the flood has used up.
  const [beyond] = await Promise.allSettled([
    Promise.resolve().then(() => passwords.verify('one name more', undefined, 'guess')),
  ])
  assert.ok(isLimited(beyond))
  assert.equal(await passwords.verify('name 3', undefined, 'guess'), false, 'and the rest goes on')
})

test('guesses at one name are rationed, and a minute later there are some again', async () => {
  let now = 0
  const passwords = createPasswords(() => now)
  const stored = await passwords.hash('the right password')
  const guess = (password: string) =>
    Promise.resolve().then(() => passwords.verify('eve', stored, password))
  await Promise.allSettled(Array.from({ length: 10 }, () => guess('wrong')))
  const [limited] = await Promise.allSettled([guess('the right password')])
  assert.ok(isLimited(limited), 'even the right one')
  now += 60_001
  assert.equal(await guess('the right password'), true)
})

test('a name without a password, and one that is not there, never match', async () => {
  const passwords = createPasswords(() => 0)
  for (const stored of [null, undefined])
    for (const password of ['', 'nobody has this password'])
      assert.equal(await passwords.verify('x', stored, password), false)
})
