import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openRace } from '../../bench/soak/approval-race.ts'

test('of 64 calls over two broker processes that want one approval, one reaches the provider', async (t) => {
  const race = await openRace()
  t.after(() => race.close())
  for (let n = 0; n < 4; n++) {
    const round = await race.round()
    t.diagnostic(JSON.stringify(round.answers))
    assert.deepEqual([round.reached, round.through, round.state], [1, 1, 'done'])
  }
})
