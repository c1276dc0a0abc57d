import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createClaimedWork } from '../../src/db/claimed-work.ts'
import { until } from '../support/until.ts'

function stage(most: number, pieces: readonly string[]) {
  const waiting = [...pieces]
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const state = { sealed: false, sweeps: 0, failing: false }
  const work = createClaimedWork<string>({
    mostAtOnce: most,
    sealed: () => state.sealed,
    sweep() {
      state.sweeps++
      return state.failing ? Promise.reject(new Error('the database is away')) : Promise.resolve()
    },
    take: () => Promise.resolve(waiting.shift()),
    work(taken) {
      begun.push(taken)
      return new Promise((resolve) => ends.set(taken, resolve))
    },
  })
  return { work, waiting, begun, state, end: (piece: string) => ends.get(piece)?.() }
}

test('no more is begun at once than was said, and what ends makes room for the next', async () => {
  const { work, begun, waiting, end } = stage(2, ['a', 'b', 'c'])
  work.wake()
  await until('two are begun', () => begun[1])
  assert.deepEqual(waiting, ['c'])
  end('a')
  await until('the third is begun', () => begun[2])
  end('b')
  end('c')
  await work.close()
})

test('nothing is looked for while the vault is sealed', async () => {
  const { work, state } = stage(1, ['a'])
  state.sealed = true
  work.wake()
  await work.close()
  assert.equal(state.sweeps, 0)
})

test('a look that fails is no end of looking', async () => {
  const { work, begun, state, end } = stage(1, ['a'])
  state.failing = true
  work.wake()
  await until('it is looked', () => state.sweeps || undefined)
  state.failing = false
  work.wake()
  await until('one is begun', () => begun[0])
  end('a')
  await work.close()
})

test('closing waits for what was begun, and nothing is begun after it', async () => {
  const { work, begun, waiting, end } = stage(1, ['a', 'b'])
  work.wake()
  await until('one is begun', () => begun[0])
  let closed = false
  const closing = work.close().then(() => (closed = true))
  await new Promise(setImmediate)
  assert.equal(closed, false)
  end('a')
  await closing
  work.wake()
  await new Promise(setImmediate)
  assert.deepEqual([begun, waiting], [['a'], ['b']])
})
