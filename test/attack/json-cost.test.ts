/** A body built to cost: deep nesting, long numbers, a million of something. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../src/core/json.ts'

const cap = 2 * 1024 * 1024

test('a million levels are refused at the sixty-fifth, without recursion', () => {
  for (const body of [
    '['.repeat(cap),
    '{"a":'.repeat(cap / 5),
    '['.repeat(10_000) + ']'.repeat(10_000),
  ]) {
    assert.deepEqual(parseJson(Buffer.from(body)), {
      ok: false,
      detail: 'it is nested more than 64 deep',
    })
  }
})

/**
 * Milliseconds of processor time, the best of three. The bound is some twenty times what it costs, and a quadratic
 * pass over 2 MiB would take minutes: this is no benchmark.
 */
function cost(body: Buffer): number {
  let best = Infinity
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage()
    parseJson(body)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

test('no body within the cap costs more than linear time', () => {
  const bodies: Record<string, string> = {
    'one number of many digits': '1'.repeat(cap),
    'zeros at the end': `1${'0'.repeat(cap)}`,
    'zeros after the point': `0.${'0'.repeat(cap)}1`,
    'zeros after a digit after the point': `0.1${'0'.repeat(cap)}`,
    'zeros in the middle': `0.1${'0'.repeat(cap)}1`,
    'a long exponent': `1e${'1'.repeat(cap)}`,
    'many fractions': `[${'1.5,'.repeat(cap / 4)}1]`,
    'many objects': `[${'{"a":1,"b":2},'.repeat(cap / 14)}1]`,
    'many keys': `{${Array.from({ length: 140_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
    'many integer keys': `{${Array.from({ length: 140_000 }, (_, i) => `"${i * 65_536}":1`).join(',')}}`,
    'many escapes': `"${'\\ud83d\\ude00'.repeat(cap / 12)}"`,
    'many backslashes': `"${'\\\\'.repeat(cap / 2)}"`,
  }
  for (const [name, body] of Object.entries(bodies)) {
    const spent = cost(Buffer.from(body))
    assert.ok(spent < 4000, `${name}: ${spent} ms`)
  }
})
