import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { isMarked, makeHandle } from '../../src/capability/handle-form.ts'
import {
  defaultHandle,
  handleAlphabets,
  longestHandle,
  randomBits,
  type HandleShape,
} from '../../src/core/handle-shape.ts'

const secret = Buffer.alloc(32, 7)
const shapes = fc
  .record({
    prefix: fc.stringMatching(/^[A-Za-z0-9_-]{0,39}$/),
    alphabet: fc.constantFrom('hex' as const, 'base62' as const),
    more: fc.nat(60),
  })
  .map(({ prefix, alphabet, more }): HandleShape => ({
    prefix,
    alphabet,
    length: handleAlphabets[alphabet].least + more,
  }))

test('a handle has its shape, and is known by the key that marked it and by no other', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const handle = makeHandle(shape, secret, randomBytes)
      const letters = shape.alphabet === 'hex' ? '[0-9a-f]' : '[0-9A-Za-z]'
      assert.ok(handle.startsWith(shape.prefix))
      assert.match(
        handle.slice(shape.prefix.length),
        new RegExp(`^${letters}{${String(shape.length)}}$`),
      )
      assert.ok(handle.length <= longestHandle)
      assert.equal(isMarked(handle, secret), true)
      assert.equal(isMarked(handle, Buffer.alloc(32, 8)), false)
    }),
  )
})

test('no handle is another with one letter changed, left out or added, or in another case', () => {
  fc.assert(
    fc.property(shapes, fc.nat(), fc.constantFrom('0', 'a', 'Z', '_', '.'), (shape, at, letter) => {
      const handle = makeHandle(shape, secret, randomBytes)
      const i = at % handle.length
      for (const other of [
        handle.slice(0, i) + letter + handle.slice(i + 1),
        handle.slice(0, i) + handle.slice(i + 1),
        handle.slice(0, i) + letter + handle.slice(i),
        handle.toUpperCase(),
        handle.toLowerCase(),
        ` ${handle}`,
        `${handle}\n`,
      ])
        assert.ok(other === handle || !isMarked(other, secret), other)
    }),
  )
})

test('what is random about a handle is its every letter but the prefix and the mark', () => {
  const length = handleAlphabets.base62.least
  const seen = Array.from({ length }, () => new Set<string>())
  for (let i = 0; i < 400; i++) {
    const handle = makeHandle({ prefix: 'x_', alphabet: 'base62', length }, secret, randomBytes)
    for (const [at, letters] of seen.entries()) letters.add(handle[at + 2] ?? '')
  }
  // Of 62 letters, 400 draws leave out more than 12 less than once in 10^15.
  for (const [at, letters] of seen.entries()) assert.ok(letters.size >= 50, `letter ${String(at)}`)
})

test('bytes that would favour some letters are not used', () => {
  const given = [Buffer.alloc(64, 255), Buffer.alloc(64, 248), Buffer.alloc(64, 247)]
  const handle = makeHandle(defaultHandle, secret, () => given.shift() ?? Buffer.alloc(64, 0))
  const last = handleAlphabets.base62.letters.at(-1) ?? ''
  assert.ok(handle.startsWith(defaultHandle.prefix + last.repeat(34)))
})

test('the shortest shapes leave 128 bits, and a shorter one is none', () => {
  for (const alphabet of ['hex', 'base62'] as const) {
    const { least } = handleAlphabets[alphabet]
    assert.ok(randomBits({ prefix: '', alphabet, length: least }) >= 128)
    for (const shape of [
      { prefix: '', alphabet, length: least - 1 },
      { prefix: '', alphabet, length: least + 0.5 },
      { prefix: '', alphabet, length: longestHandle + 1 },
      { prefix: 'a.b_', alphabet, length: least },
      { prefix: 'a b_', alphabet, length: least },
    ])
      assert.throws(() => makeHandle(shape, secret, randomBytes), /no handle may have the shape/)
  }
})

test('what has not even the form of a handle is none, and no error', () => {
  const marked = makeHandle(defaultHandle, secret, randomBytes)
  for (const other of [
    '',
    'a',
    'vkh_',
    'é'.repeat(44),
    `${marked.slice(0, -1)}é`,
    'a'.repeat(longestHandle + 1),
    '😀'.repeat(30),
  ])
    assert.equal(isMarked(other, secret), false)
})
