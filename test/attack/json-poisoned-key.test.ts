/**
 * One agent's body changes how another's is read: V8 takes an escaped key for one that stood in the same place before
 * (nodejs/node#63785).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../src/core/json.ts'

test('a key is never read as one that somebody else sent before', () => {
  for (const [poison, victim, key] of [
    ['{"h":[],"\\\\":0}', '{"h":1,"\\n":2}', '\n'],
    ['{"q":[],"a\\\\":0}', '{"q":1,"a\\u0062":2}', 'ab'],
    ['{"e":[],"qu\\\\u0":0}', '{"e":1,"qu\\u0065ry":2}', 'query'],
    ['{"z":[],"idem\\\\u":0}', '{"z":1,"idem\\u0070":2}', 'idemp'],
  ] as const) {
    const before = parseJson(Buffer.from(poison))
    assert.ok(!before.ok)
    const read = parseJson(Buffer.from(victim))
    // Refused where the engine is led astray; where it is not, it is what it says.
    if (read.ok) assert.deepEqual(Object.keys(read.value as object)[1], key)
  }
})

test('an escaped key is read as what it spells', () => {
  const read = parseJson(Buffer.from('{"na\\u00efve":1,"a\\/b":2}'))
  assert.deepEqual(read, { ok: true, value: { naïve: 1, 'a/b': 2 } })
})
