import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMoment, readSeconds, readWhole } from '../../src/cli/option-value.ts'

test('lengths of time are seconds, or have a unit', () => {
  assert.deepEqual(
    ['90', '90s', '5m', '12h', '30d', '0'].map((given) => readSeconds('--x', given)),
    [90, 90, 300, 43_200, 2_592_000, 0],
  )
  for (const given of ['', '5 m', '-5', '5w', '1.5h', 'm', '5M'])
    assert.throws(() => readSeconds('--x', given), /--x/)
})

test('moments are a length of time from now or back, a day, or RFC 3339', () => {
  const now = Date.UTC(2030, 0, 31)
  assert.equal(readMoment('--x', '1d', now, 1), '2030-02-01T00:00:00.000Z')
  assert.equal(readMoment('--x', '1h', now, -1), '2030-01-30T23:00:00.000Z')
  assert.equal(readMoment('--x', '2030-05-01', now, 1), '2030-05-01T00:00:00.000Z')
  assert.equal(readMoment('--x', '2030-05-01T12:00:00+02:00', now, 1), '2030-05-01T10:00:00.000Z')
  // A time without its zone would mean another moment on another machine.
  for (const given of ['', '2030', '2030-13-01', 'tomorrow', '2030-05-01T12:00:00', '90'])
    assert.throws(() => readMoment('--x', given, now, 1), /--x/)
})

test('whole numbers are digits only', () => {
  assert.equal(readWhole('--x', '60'), 60)
  for (const given of ['', '-1', '1e3', '0x1', '1.0', ' 1'])
    assert.throws(() => readWhole('--x', given), /--x/)
})
