import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPasswords } from '../../src/http/password.ts'

test('a password costs 64 MiB and three passes, where nobody says otherwise', async () => {
  const passwords = createPasswords(Date.now)
  const hash = await passwords.hash('correct horse battery staple')
  assert.match(hash, /^\$argon2id\$v=19\$m=65536,p=1,t=3\$/)
  assert.equal(await passwords.verify('ada', hash, 'correct horse battery staple'), true)
  assert.equal(await passwords.verify('ada', hash, 'correct horse battery stapler'), false)
})
