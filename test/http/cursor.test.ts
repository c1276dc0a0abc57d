import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import fc from 'fast-check'
import { createCursors, pageLimit, toPage } from '../../src/http/cursor.ts'
import { Problem } from '../../src/problem.ts'
import { testKeyring } from '../capability/keyring.ts'

const macOf = (text: string) => createHmac('sha256', 'key').update(text).digest().subarray(0, 16)
const keyring = {
  ...(await testKeyring()),
  signCursor: (text: string) => macOf(text).toString('base64url'),
  verifyCursor(text: string, mac: string) {
    const given = Buffer.from(mac, 'base64url')
    return given.length === 16 && timingSafeEqual(given, macOf(text))
  },
}
const cursors = createCursors(() => keyring)
const refused = (error: unknown): boolean =>
  error instanceof Problem &&
  error.code === 'invalid_request' &&
  error.details.errors?.[0]?.pointer === '/cursor'

test('a cursor gives back the position it was made for, in its own list (property)', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (list, position) => {
      assert.equal(cursors.read(list, cursors.make(list, position)), position)
    }),
  )
  assert.equal(cursors.read('agents', undefined), undefined)
})

test('a cursor of another list, or of other filters, is refused', () => {
  const made = cursors.make('grants ag_1 ', 'gr_1')
  for (const list of ['grants  ', 'grants ag_2 ', 'agents', 'grants ag_1'])
    assert.throws(() => cursors.read(list, made), refused)
})

test('a cursor that was changed, cut, or made up is refused', () => {
  const made = cursors.make('agents', 'ag_1')
  const [text = '', mac = ''] = made.split('.')
  const other = Buffer.from('ag_0').toString('base64url')
  for (const cursor of [
    '',
    '.',
    text,
    `${text}.`,
    `.${mac}`,
    `${other}.${mac}`,
    `${mac}.${text}`,
    `${made}A`,
    `${text}.${mac.slice(0, -2)}`,
  ])
    assert.throws(() => cursors.read('agents', cursor), refused, cursor)
})

test('a sealed broker reads and makes none', () => {
  const sealed = createCursors(() => undefined)
  assert.throws(() => sealed.make('agents', 'x'), Problem)
  assert.throws(() => sealed.read('agents', 'x.y'), Problem)
})

test('a page says whether there is another', () => {
  const show = (row: number) => row
  assert.deepEqual(toPage([1, 2, 3], 2, show, String), { items: [1, 2], next_cursor: '2' })
  assert.deepEqual(toPage([1, 2], 2, show, String), { items: [1, 2] })
  assert.deepEqual(toPage([], 2, show, String), { items: [] })
  assert.equal(pageLimit(undefined), 50)
})
