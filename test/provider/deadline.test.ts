import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ask } from '../../src/provider/adapter.ts'
import { askWithin } from '../../src/provider/deadline.ts'
import { question } from '../../src/provider/railway/question.ts'

const asked = question('query { me { id } }', {})
const answering: Ask = () => Promise.resolve({ status: 200, json: {} })

test('questions go through while there is time, and none is asked after it', async () => {
  let time = 0
  let count = 0
  const counting: Ask = (...given) => {
    count++
    return answering(...given)
  }
  const ask = askWithin(counting, 1_000, () => time)
  assert.deepEqual(await ask(asked), { status: 200, json: {} })
  time = 1_000
  await assert.rejects(ask(asked), /no time left/)
  assert.equal(count, 1)
})

test('a question that is never answered ends with the time', async () => {
  const ask = askWithin(
    () => new Promise(() => {}),
    5,
    () => 0,
  )
  await assert.rejects(ask(asked), /too long/)
})
