import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  unmetPreconditions,
  type Precondition,
  type PreconditionAnswer,
} from '../../src/core/precondition.ts'

const day: Precondition = { name: 'newest_independent_backup', maxAgeSeconds: 86_400 }
const hour: Precondition = { name: 'newest_surviving_backup', maxAgeSeconds: 3_600 }

function answering(result: PreconditionAnswer['result']) {
  return () => Promise.resolve({ result, detail: 'Said so.' })
}

test('only a plain yes meets a precondition', async () => {
  assert.deepEqual(await unmetPreconditions([day, hour], answering('met')), [])
  assert.deepEqual(await unmetPreconditions([], undefined), [])
  for (const result of ['unmet', 'unknown'] as const)
    assert.deepEqual(await unmetPreconditions([day], answering(result)), [
      { precondition: day, answer: { result, detail: 'Said so.' } },
    ])
})

test('a provider that cannot be asked, and a question that fails, meet nothing', async () => {
  const [first] = await unmetPreconditions([day], undefined)
  assert.equal(first?.answer.result, 'unknown')
  const failing = await unmetPreconditions([day, hour], () => Promise.reject(new Error('no')))
  assert.deepEqual(
    failing.map(({ answer }) => answer.result),
    ['unknown', 'unknown'],
  )
})
