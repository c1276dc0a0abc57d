import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cacheByBytes,
  cacheByText,
  numberOf,
} from '../../../src/provider/graphql/document-cache.ts'

test('what was kept is found under an equal document, and under no other', () => {
  const texts = cacheByText<string>()
  texts('{ a }').keep('a')
  assert.equal(texts('{ a }').found, 'a')
  assert.equal(texts('{ b }').found, undefined)
  const bodies = cacheByBytes<string>()
  bodies(Buffer.from('{ a }')).keep('a')
  assert.equal(bodies(Buffer.from('{ a }')).found, 'a')
  assert.equal(bodies(Buffer.from('{ a } ')).found, undefined)
})

/** Two bodies of one number. */
function twins(): readonly [Buffer, Buffer] {
  const seen = new Map<number, number>()
  for (let i = 0; ; i++) {
    const number = numberOf(bodyOf(i))
    const other = seen.get(number)
    if (other !== undefined) return [bodyOf(other), bodyOf(i)]
    seen.set(number, i)
  }
}

function bodyOf(i: number): Buffer {
  return Buffer.from(`{ f${Math.imul(i, 0x2545f491).toString(36)} }`)
}

test('of two documents of one number neither is taken for the other', () => {
  const [one, other] = twins()
  assert.ok(!one.equals(other) && numberOf(one) === numberOf(other))
  const bodies = cacheByBytes<string>()
  bodies(one).keep('one')
  assert.equal(bodies(other).found, undefined)
  bodies(other).keep('other')
  assert.equal(bodies(other).found, 'other')
  assert.notEqual(bodies(one).found, 'other')
})

test('texts that differ in little, or where encoding loses it, are two', () => {
  const texts = cacheByText<string>()
  const long = 'a'.repeat(50_000)
  texts(`${long}1`).keep('1')
  assert.equal(texts(`${long}2`).found, undefined)
  assert.equal(texts(`${long}1`).found, '1')
  texts('"\ud800"').keep('lone')
  assert.equal(texts('"\udfff"').found, undefined)
  assert.equal(texts('"\ufffd"').found, undefined)
})

test('a buffer that is used again after it was kept changes nothing', () => {
  const bodies = cacheByBytes<string>()
  const buffer = Buffer.from('{ a }')
  bodies(buffer).keep('a')
  buffer.write('{ b }')
  assert.equal(bodies(Buffer.from('{ b }')).found, undefined)
  assert.equal(bodies(Buffer.from('{ a }')).found, 'a')
})

test('a document that is too long is not kept, and of many only so many', () => {
  const texts = cacheByText<number>()
  const long = 'a'.repeat(100_000)
  texts(long).keep(1)
  assert.equal(texts(long).found, undefined)
  for (let i = 0; i < 2_500; i++) texts(`{ f${String(i)} }`).keep(i)
  assert.equal(texts('{ f0 }').found, undefined)
  assert.equal(texts('{ f2499 }').found, 2_499)
})

/** As many documents as one agent likes to make up, each for one request. */
function flood(texts: ReturnType<typeof cacheByText<number>>): void {
  for (let i = 0; i < 5_000; i++) texts(`{ made_up_${String(i)} }`).keep(i)
}

test('a document that came again outlasts any number of those that come once', () => {
  const texts = cacheByText<number>()
  texts('{ a }').keep(1)
  assert.equal(texts('{ a }').found, 1)
  flood(texts)
  assert.equal(texts('{ a }').found, 1)
})

test('a document that came once is put out by those that came since, and stays when it comes again', () => {
  const texts = cacheByText<number>()
  texts('{ a }').keep(1)
  for (let i = 0; i < 100; i++) texts(`{ f${String(i)} }`).keep(i)
  assert.equal(texts('{ a }').found, undefined)
  texts('{ a }').keep(2)
  flood(texts)
  assert.equal(texts('{ a }').found, 2)
})
