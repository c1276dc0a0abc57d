import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jtiOf } from '../../src/cli/jwt-id.ts'
import { newId } from '../../src/ids.ts'
import { cli } from './world.ts'

const jti = newId('capability')
const jwt = (claims: unknown): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`

test('a capability says its id', () => {
  assert.equal(jtiOf(`${jwt({ jti })}\n`), jti)
})

test('what says no id of a capability names nothing', () => {
  for (const text of [
    '',
    'x',
    'a.b',
    jwt({}),
    jwt(null),
    jwt({ jti: '../x' }),
    jwt({ jti: newId('grant') }),
    `${jwt({ jti })}.x`,
  ]) {
    assert.equal(jtiOf(text), undefined)
  }
})

test('revoking what is no capability is refused before anything is sent', async () => {
  const { code, err } = await cli(['revoke', '../../operators'])
  assert.equal(code, 2)
  assert.match(err[0] ?? '', /neither a capability nor/)
})
