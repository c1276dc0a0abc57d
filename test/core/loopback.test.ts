import { test } from 'node:test'
import assert from 'node:assert/strict'
import { isLoopback } from '../../src/core/loopback.ts'

for (const host of ['localhost', '127.0.0.1', '127.255.0.9', '::1', '[::1]'])
  test(`${host} is this machine`, () => assert.equal(isLoopback(host), true))

for (const host of [
  '',
  'localhost.example.com',
  'broker.localhost',
  '127.0.0.1.example.com',
  '127.1',
  '127.0.0.999',
  '128.0.0.1',
  '0.0.0.0',
  '::',
  '[::2]',
  '::ffff:127.0.0.1',
])
  test(`"${host}" is not`, () => assert.equal(isLoopback(host), false))
