import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  encodeSegment,
  maxPathLength,
  maxSegments,
  readPath,
} from '../../../src/provider/rest/segment.ts'

const segmentsOf = (path: string) => {
  const result = readPath(path)
  return result.ok ? result.segments : result.refusal.code
}

test('segments are split before they are decoded, and decoded once', () => {
  assert.deepEqual(segmentsOf('/a/b%2Fc/%61%20%C3%a9'), ['a', 'b/c', 'a é'])
  assert.deepEqual(segmentsOf('/'), [])
})

test('dots inside a segment are no dot segment', () => {
  assert.deepEqual(segmentsOf('/pages/%5B...slug%5D.tsx/...'), ['pages', '[...slug].tsx', '...'])
})

test('a path as long as it may be is read, and a longer one is not', () => {
  assert.equal(segmentsOf(`/${'a'.repeat(maxPathLength)}`), 'uri_too_long')
  assert.equal(typeof segmentsOf(`/${'a'.repeat(maxPathLength - 1)}`), 'object')
  assert.equal(segmentsOf('/a'.repeat(maxSegments + 1)), 'uri_too_long')
  assert.equal(typeof segmentsOf('/a'.repeat(maxSegments)), 'object')
})

test('a segment that was encoded is read back as itself, and is one segment to a URL parser', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      const path = `/${encodeSegment(text)}`
      const result = readPath(path)
      if (result.ok) {
        assert.deepEqual(result.segments, [text])
        assert.equal(new URL(path, 'http://x').pathname, path)
      }
    }),
  )
})

test('whatever is read holds no control character, no dot segment and no second encoding', () => {
  const rawPath = fc
    .array(
      fc.constantFrom(
        'a',
        '/',
        '.',
        '%2e',
        '%2F',
        '%5c',
        '%00',
        '%25',
        '2e',
        ';',
        '%20',
        '%ef%bc%8e',
        '%c2%85',
      ),
      {
        maxLength: 8,
      },
    )
    .map((pieces) => `/x${pieces.join('')}`)
  fc.assert(
    fc.property(rawPath, (path) => {
      const result = readPath(path)
      if (!result.ok) return
      for (const piece of result.segments.join('/').normalize('NFKC').split('/')) {
        assert.ok(!/^[ ]*\.{0,2}[ ]*(?:;|$)/.test(piece), path)
        // oxlint-disable-next-line no-control-regex -- what must not be there
        assert.ok(!/[\x00-\x1f\x7f-\x9f\\]|%[0-9a-f]{2}/i.test(piece), path)
      }
    }),
    { numRuns: 5000 },
  )
})
